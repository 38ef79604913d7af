"""Pass `quantize`: a float Program becomes an integer one, with widths that provably suffice.

Every port has a *scale*: integer units per unit of its real value. A projection into it holds
weights w = W·scale(port) / (scale(source)·2^exponent), rounded to what its weight bits can hold.
Scales are chosen as large as the weights can use, then halved until no sum can leave its width.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from eideploy.compile.integers import (
    BIAS_MANTISSA_MAX,
    circuit_neuron,
    integer_weights,
    largest_weight,
    payload_source,
    require_folded,
    rest_at_zero,
    split_bias,
)
from eideploy.compile.overflow import check_width, current_bound
from eideploy.compile.ranges import Range, delivered_range, own_range, relay_range
from eideploy.errors import QuantizationError, UnsupportedError
from eideploy.program import (
    EINeuron,
    EINeuronFixed,
    LIFNeuron,
    LIFNeuronFixed,
    Neuron,
    Population,
    Program,
    Projection,
    Relay,
    Source,
)
from eideploy.program.neurons import CURRENT_SHIFT, DECAY_BITS, STATE_MAX

THRESHOLD_MAX = 2**17 - 1
"""Largest threshold of Lava's LIF, before its shift (lava/proc/lif/models.py)."""

MOST_RELAY_SHIFT = 16
"""A relay that has to drop more bits than this has nothing left to say."""


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
    """Goes through the populations from the inputs on; knows what those before it emit."""

    def __init__(self, program: Program, weight_bits: int) -> None:
        self.program = program
        self.weight_bits = weight_bits
        self.scale: dict[str, float] = {}
        self.port_scale: dict[str, float] = {}
        self.emitted: dict[str, Range] = {}
        self.populations: dict[str, Population] = {}
        self.projections: dict[int, Projection] = {}

    def run(self) -> Program:
        for population in self.program.populations:
            if population.neuron.spiking:
                self.scale[population.name] = 1.0
                self.emitted[population.name] = own_range(population)
        for population in sorted(self.program.populations, key=lambda p: p.offset):
            self._population(population)
        scales = {name: self.scale[name] for name in self.program.outputs}
        return replace(
            self.program,
            populations=tuple(self.populations[p.name] for p in self.program.populations),
            projections=tuple(self.projections[id(p)] for p in self.program.projections),
            arithmetic="integer",
            metadata={
                **self.program.metadata,
                "weight_bits": self.weight_bits,
                "output_scale": scales,
            },
        )

    def _population(self, population: Population) -> None:
        match population.neuron:
            case Source() as source:
                neuron: Neuron = payload_source(source)
                self.scale[population.name] = float(neuron.parameters()["scale"])
                self.emitted[population.name] = own_range(replace(population, neuron=neuron))
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
        self.populations.setdefault(population.name, replace(population, neuron=neuron))

    # --- ports ---

    def _into(self, population: Population, port: str) -> list[Projection]:
        return [p for p in self.program.into(population.name) if p.port == port]

    def _full_scale(self, projections: list[Projection]) -> float:
        """The port scale at which every projection uses all its weight bits, wasting least."""
        full = [
            self.scale[p.source] * largest_weight(p, self.weight_bits) / largest
            for p in projections
            if (largest := float(np.max(np.abs(p.operator.weight), initial=0.0))) > 0
        ]
        if not full:
            return 1.0
        candidates = [f * 2.0 ** math.ceil(math.log2(max(full) / f)) for f in full]
        return min(candidates, key=lambda c: sum(math.log2(c / f) % 1.0 for f in full))

    def _weights(
        self, population: Population, port: str, scale: float
    ) -> tuple[list[Projection], Range]:
        """Integer projections into a port of the given scale, and the range of their sum."""
        projections = []
        total = Range(np.zeros(()), np.zeros(()))
        for projection in self._into(population, port):
            factor = scale / self.scale[projection.source]
            integer = integer_weights(projection, factor, self.weight_bits)
            projections.append(integer)
            source = self.program.by_name[projection.source]
            total = total + delivered_range(integer, source.shape, self.emitted[projection.source])
        return projections, total

    def _keep(self, population: Population, port: str, integer: list[Projection]) -> None:
        for old, new in zip(self._into(population, port), integer, strict=True):
            if np.any(old.operator.weight) and not np.any(new.operator.weight):
                raise QuantizationError(
                    f"projection {old.name}: all weights became 0 in {self.weight_bits} bits",
                    "Use more weight bits, or a layer with a smaller fan-in.",
                )
            self.projections[id(old)] = new

    # --- neuron models ---

    def _relay(self, population: Population) -> Relay:
        """A relay passes its sum on as it is; what it drives may ask it to drop low bits."""
        scales, integer = self._settle(
            population,
            lambda loss: {"input": self._full_scale(self._into(population, "input")) / 2**loss},
        )
        self._keep(population, "input", integer["input"])
        neuron = Relay()
        self._announce_relay(replace(population, neuron=neuron), scales["input"])
        return neuron

    def _announce_relay(self, relay: Population, port_scale: float) -> None:
        """Note what a relay with a settled port emits."""
        shift = float(relay.neuron.parameters()["shift"])
        total = Range(np.zeros(()), np.zeros(()))
        for projection in self._into(relay, "input"):
            source = self.program.by_name[projection.source]
            total = total + delivered_range(
                self.projections[id(projection)], source.shape, self.emitted[projection.source]
            )
        self.port_scale[relay.name] = port_scale
        self.scale[relay.name] = port_scale / 2**shift
        self.emitted[relay.name] = relay_range(relay, total)
        self.populations[relay.name] = relay

    def _settle(
        self, population: Population, scales_for: Callable[[int], dict[str, float]]
    ) -> tuple[dict[str, float], dict[str, list[Projection]]]:
        """Scales and weights with which no port sum of a population leaves its width.

        The relays that drive this population alone drop low bits first; only then do weights lose
        theirs. `scales_for` gives the scale of each port for a number of lost weight bits.
        """
        relays = [
            self.populations[name]
            for name in dict.fromkeys(p.source for p in self.program.into(population.name))
            if isinstance(self.program.by_name[name].neuron, Relay)
            and all(
                p.target == population.name for p in self.program.projections if p.source == name
            )
        ]
        shift = loss = 0
        while True:
            scales = scales_for(loss)
            ports = {port: self._weights(population, port, scale) for port, scale in scales.items()}
            if all(np.all(total.magnitude <= STATE_MAX) for _, total in ports.values()):
                return scales, {port: integer for port, (integer, _) in ports.items()}
            if relays and shift < MOST_RELAY_SHIFT:
                shift += 1
                for relay in relays:
                    shifted = replace(relay, neuron=Relay(shift=shift))
                    self._announce_relay(shifted, self.port_scale[relay.name])
            elif loss < self.weight_bits:
                loss += 1
            else:
                for port, (_, total) in ports.items():
                    check_width(population, f"sum on port {port!r}", total.magnitude, STATE_MAX)

    def _lif(self, population: Population, lif: LIFNeuron) -> LIFNeuronFixed:
        require_folded(population, lif.gain)
        shifted = rest_at_zero(population, lif)
        current_decay = np.rint(lif.current_decay * 2**DECAY_BITS).astype(np.int64) - 1
        if np.any(current_decay < 0):
            raise QuantizationError(
                f"population {population.name!r}: a synaptic decay is below 2^-{DECAY_BITS}"
            )
        voltage_decay = np.rint(lif.voltage_decay * 2**DECAY_BITS).astype(np.int64)
        largest = float(np.max(np.abs(shifted.threshold)))
        scale = self._full_scale(self._into(population, "input"))
        # A threshold of many units is what makes the rounding of the potential harmless.
        scale *= 2.0 ** math.floor(math.log2(THRESHOLD_MAX / (largest * scale)))
        bound = np.zeros(())
        while True:
            integer, total = self._weights(population, "input", scale)
            if not any(np.any(p.operator.weight) for p in integer):
                # Only smaller weights would keep the current in its width, and none are left.
                check_width(population, "current", bound, STATE_MAX)
            neuron = LIFNeuronFixed(
                current_decay=current_decay,
                voltage_decay=voltage_decay,
                **split_bias(shifted.bias * scale * 2**CURRENT_SHIFT),
                threshold=np.rint(shifted.threshold * scale).astype(np.int64),
                reset=lif.reset,
            )
            fixed = replace(population, neuron=neuron)
            fits = (
                np.all(total.magnitude <= STATE_MAX)
                and np.all(current_bound(fixed, total) <= STATE_MAX)
                and np.all(np.abs(neuron.bias_mantissa) <= BIAS_MANTISSA_MAX)
            )
            if fits:
                self._keep(population, "input", integer)
                return neuron
            bound = current_bound(fixed, total)
            if np.any(neuron.threshold < 1):
                check_width(fixed, "current", bound, STATE_MAX)
                raise QuantizationError(
                    f"population {population.name!r}: bias and threshold do not fit together",
                    "The bias is too large for the threshold in Loihi's 13-bit mantissa.",
                )
            scale /= 2

    def _circuit(self, population: Population, circuit: EINeuron) -> EINeuronFixed:
        if np.any(circuit.initial) or np.any(
            circuit.reset_to != (circuit.threshold if circuit.reset == "subtract" else 0.0)
        ):
            raise UnsupportedError(
                f"population {population.name!r}: an E-I neuron in integers starts at 0 and is "
                "reset to 0 or by its threshold"
            )
        scales, integer = self._settle(
            population, lambda loss: self._circuit_scales(population, loss)
        )
        for port in EINeuron.ports:
            self._keep(population, port, integer[port])
        return circuit_neuron(population, circuit, scales)

    def _circuit_scales(self, population: Population, loss: int) -> dict[str, float]:
        """Scales of both ports; their ratio is a power of two, so that the quotient can undo it.

        W_S holds positive weights of full resolution, so it can best spare the bit that is lost.
        """
        balanced = self._full_scale(self._into(population, "balanced")) / 2**loss
        shunt = self._full_scale(self._into(population, "shunt")) / 2**loss
        ratio = 2.0 ** math.floor(math.log2(shunt / balanced))
        return {"balanced": balanced, "shunt": balanced * ratio}
