"""Pass `quantize`: a float Program becomes an integer one, with widths that provably suffice.

Every port has a *scale*: integer units per unit of its real value. A projection into it holds
weights w = W·scale(port) / (scale(source)·2^exponent), rounded to what its weight bits can hold.
Scales are chosen as large as the weights can use, then halved until no sum can leave its width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from eideploy.compile.integers import (
    BIAS_MANTISSA_MAX,
    MOST_QUOTIENT_SHIFT,
    circuit_neuron,
    lif_exponent,
    payload_source,
    quotient_shift,
    require_folded,
    rest_at_zero,
    split_bias,
)
from eideploy.compile.overflow import check_width, current_bound
from eideploy.compile.ports import Ports, within_width
from eideploy.compile.ranges import own_range, unbounded
from eideploy.errors import QuantizationError, UnsupportedError
from eideploy.program import (
    EINeuron,
    EINeuronFixed,
    LIFNeuron,
    LIFNeuronFixed,
    Neuron,
    Population,
    Program,
    Relay,
    Source,
)
from eideploy.program.neuron import CURRENT_SHIFT, DECAY_BITS, STATE_MAX

FLOOR_LEVELS = 2**8
"""The floor of S shall be at least this many units, so that rounding it does not matter."""


@dataclass(frozen=True)
class Quantize:
    """Float Program → integer Program (post-training).

    Args:
        weight_bits: width of the weights, 2…8. Weights of one sign use 0…255, mixed ones even
            numbers in −256…254, in steps of 2^(8 − weight_bits).
    """

    weight_bits: int = 8

    name: ClassVar[str] = "quantize"
    requires: ClassVar[frozenset[str]] = frozenset({"program", "folded", "aligned"})
    ensures: ClassVar[frozenset[str]] = frozenset({"quantized"})

    def __call__(self, program: Program) -> Program:
        """Raises `QuantizationError` naming the population and neuron that cannot fit."""
        if not 2 <= self.weight_bits <= 8:
            raise UnsupportedError(f"weights of {self.weight_bits} bits; 2 to 8 are supported")
        return _Quantizer(program, self.weight_bits).run()


class _Quantizer:
    """Goes through the populations from the inputs on."""

    def __init__(self, program: Program, weight_bits: int) -> None:
        self.program = program
        self.ports = Ports(program, weight_bits)

    def run(self) -> Program:
        ports = self.ports
        for population in sorted(self.program.populations, key=lambda p: p.offset):
            self._population(population)
        return replace(
            self.program,
            populations=tuple(ports.populations[p.name] for p in self.program.populations),
            projections=tuple(ports.projections[p] for p in self.program.projections),
            arithmetic="integer",
            metadata={
                **self.program.metadata,
                "weight_bits": ports.weight_bits,
                "output_scale": {name: ports.scale[name] for name in self.program.outputs},
            },
        )

    def _population(self, population: Population) -> None:
        match population.neuron:
            case Source() as source:
                neuron: Neuron = payload_source(source)
                self.ports.scale[population.name] = float(neuron.parameters()["scale"])
                self.ports.emitted[population.name] = own_range(replace(population, neuron=neuron))
            case Relay():
                neuron = self._relay(population)
            case LIFNeuron() as lif:
                neuron = self._lif(population, lif)
            case EINeuron() as circuit:
                neuron = self._circuit(population, circuit)
            case other:
                raise UnsupportedError(
                    f"population {population.name!r}: {type(other).__name__} has no integer form",
                    "Only spiking neurons and graded relays run in fixed point so far.",
                )
        self.ports.populations.setdefault(population.name, replace(population, neuron=neuron))

    # --- neuron models ---

    def _relay(self, population: Population) -> Relay:
        """A relay passes its sum on as it is; what it drives may ask it to drop low bits.

        That of a pool counts in units of what it counts: its weights are all alike.
        """
        into = self.ports.into(population, "input")
        if any(p.source == population.name for p in into):
            raise unbounded(population.name)
        counting = self.ports.counting_scale(into)
        full = counting or self.ports.full_scale(into)
        scales, integer = self.ports.settle(population, lambda loss: {"input": full / 2**loss})
        self.ports.keep(population, "input", integer["input"])
        exact = counting is not None and scales["input"] == counting
        neuron = Relay(shift=8 - self.ports.weight_bits if exact else 0)
        self.ports.announce_relay(replace(population, neuron=neuron), scales["input"])
        return neuron

    def _lif(self, population: Population, lif: LIFNeuron) -> LIFNeuronFixed:
        require_folded(population, lif.gain)
        shifted = rest_at_zero(population, lif)
        current_decay = np.rint(lif.current_decay * 2**DECAY_BITS).astype(np.int64) - 1
        if np.any(current_decay < 0):
            raise QuantizationError(
                f"population {population.name!r}: a synaptic decay is below 2^-{DECAY_BITS}"
            )
        voltage_decay = np.rint(lif.voltage_decay * 2**DECAY_BITS).astype(np.int64)
        loss, current = 0, np.zeros(())
        while True:
            full = self.ports.full_scale(self.ports.into(population, "input"))
            scale = full * 2.0 ** (lif_exponent(shifted.threshold * full) - loss)
            integer, total = self.ports.weights(population, "input", scale)
            if not any(np.any(p.operator.weight) for p in integer):
                # Only smaller weights would keep the current in its width, and none are left.
                check_width(population, "current", current, STATE_MAX)
            neuron = LIFNeuronFixed(
                current_decay=current_decay,
                voltage_decay=voltage_decay,
                **split_bias(shifted.bias * scale * 2**CURRENT_SHIFT),
                threshold=np.rint(shifted.threshold * scale).astype(np.int64),
                reset=lif.reset,
            )
            fixed = replace(population, neuron=neuron)
            current = current_bound(fixed, total)
            fits = np.all(current <= STATE_MAX) and np.all(
                np.abs(neuron.bias_mantissa) <= BIAS_MANTISSA_MAX
            )
            # Relays that set too fine a scale cost the others, and then themselves, weight bits.
            too_fine = scale < full or (scale == full and not fits)
            if too_fine and self.ports.drop_low_bits(population, ["input"]):
                continue
            if np.any(neuron.threshold < 1):
                check_width(fixed, "current", current, STATE_MAX)
                raise QuantizationError(
                    f"population {population.name!r}: thresholds from "
                    f"{shifted.threshold.min():g} to {shifted.threshold.max():g} and a bias of up "
                    f"to {np.abs(shifted.bias).max():g} above v_leak are too far apart for the "
                    "17-bit threshold and the 13-bit mantissa of the bias",
                    "Bring thresholds, weights and bias of this population closer together.",
                )
            if fits:
                self.ports.keep(population, "input", integer)
                return neuron
            loss += 1

    def _circuit(self, population: Population, circuit: EINeuron) -> EINeuronFixed:
        if np.any(circuit.initial) or np.any(
            circuit.reset_to != (circuit.threshold if circuit.reset == "subtract" else 0.0)
        ):
            raise UnsupportedError(
                f"population {population.name!r}: an E-I neuron in integers starts at 0 and is "
                "reset to 0 or by its threshold"
            )
        if np.any(circuit.threshold <= 0):
            raise UnsupportedError(f"population {population.name!r}: a threshold is not above 0")
        scales, integer = self.ports.settle(
            population, lambda loss: self._circuit_scales(population, circuit, loss)
        )
        scales["shunt"] = self._sharpened(population, circuit, scales)
        integer["shunt"], _ = self.ports.weights(population, "shunt", scales["shunt"])
        for port in EINeuron.ports:
            self.ports.keep(population, port, integer[port])
        return circuit_neuron(population, circuit, scales)

    def _circuit_scales(
        self, population: Population, circuit: EINeuron, loss: int
    ) -> dict[str, float]:
        """Scales of both ports; their ratio is a power of two, so that the quotient can undo it.

        W_S holds positive weights of full resolution, so it can best spare the bit that is lost.
        """
        floor = float(np.min(circuit.floor))
        shunt = self.ports.full_scale(self.ports.into(population, "shunt"), FLOOR_LEVELS / floor)
        balanced = self.ports.full_scale(self.ports.into(population, "balanced"), shunt)
        ratio = 2.0 ** math.floor(math.log2(shunt / balanced))
        return {"balanced": balanced / 2**loss, "shunt": balanced * ratio / 2**loss}

    def _sharpened(
        self, population: Population, circuit: EINeuron, scales: dict[str, float]
    ) -> float:
        """The scale of S, raised while S fits and its floor, or the quotient, has too few bits."""
        scale = scales["shunt"]
        while True:
            shift = quotient_shift(circuit, scales | {"shunt": scale})
            enough = shift >= 0 and np.min(circuit.floor) * scale >= FLOOR_LEVELS
            if enough or shift >= MOST_QUOTIENT_SHIFT:
                return scale
            if not within_width(self.ports.weights(population, "shunt", 2 * scale)[1]):
                return scale
            scale *= 2
