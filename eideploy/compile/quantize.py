"""Pass `quantize`: a float Program becomes an integer one, with widths that provably suffice.

Every port has a *scale*: integer units per unit of its real value. A projection into it holds
weights w = W·scale(port) / (scale(source)·2^exponent), rounded to what its weight bits can hold.
Scales are chosen as large as the weights can use, then halved until no sum can leave its width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from eideploy.compile.calibration import Calibration
from eideploy.compile.circuits import MOST_QUOTIENT_SHIFT, circuit_neuron, quotient_shift
from eideploy.compile.integers import payload_source
from eideploy.compile.leaky import (
    BIAS_MANTISSA_MAX,
    at_unit_gain,
    integrator_neuron,
    lif_neuron,
    require_folded,
    rest_at_zero,
    threshold_exponent,
)
from eideploy.compile.overflow import check_width, current_bound
from eideploy.compile.ports import LEAST_PAYLOAD, Ports, within_width
from eideploy.compile.ranges import integrator_potential, own_range, unbounded
from eideploy.errors import QuantizationError, UnsupportedError
from eideploy.program import (
    Array,
    EINeuron,
    EINeuronFixed,
    Integrator,
    IntegratorFixed,
    LIFNeuron,
    LIFNeuronFixed,
    Neuron,
    Population,
    Program,
    Projection,
    Relay,
    Source,
)
from eideploy.program.neuron import STATE_MAX

FLOOR_LEVELS = 2**8
"""The floor of S shall be at least this many units, so that rounding it does not matter."""

MOST_LOSS, MOST_LIFT = 3, 8
"""Bits by which an integrator gives up weights, or raises its scale, for the range of v."""


@dataclass(frozen=True)
class Quantize:
    """Float Program → integer Program (post-training).

    Args:
        weight_bits: width of the weights, 2…8. Weights of one sign use 0…255, mixed ones even
            numbers in −256…254, in steps of 2^(8 − weight_bits).
        calibration: which weights set the scale of their port.
    """

    weight_bits: int = 8
    calibration: Calibration = field(default_factory=Calibration)

    name: ClassVar[str] = "quantize"
    requires: ClassVar[frozenset[str]] = frozenset({"program", "folded", "aligned"})
    ensures: ClassVar[frozenset[str]] = frozenset({"quantized"})

    def __call__(self, program: Program) -> Program:
        """Raises `QuantizationError` naming the population and neuron that cannot fit."""
        if not 2 <= self.weight_bits <= 8:
            raise UnsupportedError(f"weights of {self.weight_bits} bits; 2 to 8 are supported")
        self.calibration.check(program.by_name)
        return _Quantizer(program, self.weight_bits, self.calibration).run()


class _Quantizer:
    """Goes through the populations from the inputs on."""

    def __init__(self, program: Program, weight_bits: int, calibration: Calibration) -> None:
        self.program = program
        self.ports = Ports(program, weight_bits, calibration)

    def run(self) -> Program:
        ports = self.ports
        for population in sorted(self.program.populations, key=lambda p: p.offset):
            self._settle(population)
        return replace(
            self.program,
            populations=tuple(ports.populations[p.name] for p in self.program.populations),
            projections=tuple(ports.projections[p] for p in self.program.projections),
            arithmetic="integer",
            metadata={
                **self.program.metadata,
                "weight_bits": ports.weight_bits,
                "output_scale": {name: ports.scale[name] for name in self.program.outputs},
                "scales": {"emitted": ports.scale, "ports": ports.port_scales},
            },
        )

    def _settle(self, population: Population, waiting: tuple[str, ...] = ()) -> None:
        """Give a population its integers, after all graded ones that it receives from.

        What a spiking population emits is known before its own integers are, so that it ends the
        way back; a loop without one has no end.
        """
        if population.name in self.ports.populations:
            return
        if population.name in waiting:
            raise unbounded(population.name)
        for projection in self.program.into(population.name):
            source = self.program.by_name[projection.source]
            if not source.neuron.spiking:
                self._settle(source, (*waiting, population.name))
        neuron = self._integer(population)
        self.ports.populations.setdefault(population.name, replace(population, neuron=neuron))

    def _integer(self, population: Population) -> Neuron:
        match population.neuron:
            case Source() as source:
                payloads = payload_source(population.name, source)
                self.ports.scale[population.name] = float(payloads.scale)
                self.ports.emitted[population.name] = own_range(
                    replace(population, neuron=payloads)
                )
                return payloads
            case Relay() as relay:
                return self._relay(population, relay)
            case LIFNeuron() as lif:
                return self._lif(population, lif)
            case Integrator() as integrator:
                return self._integrator(population, integrator)
            case EINeuron() as circuit:
                return self._circuit(population, circuit)
        raise UnsupportedError(
            f"population {population.name!r}: {type(population.neuron).__name__} has no integer "
            "form"
        )

    # --- neuron models ---

    def _relay(self, population: Population, relay: Relay) -> Relay:
        """A relay passes its sum on as it is; what it drives may ask it to drop low bits.

        That of a pool counts in units of what it counts: its weights are all alike.
        """
        into = self.ports.into(population, "input")

        def counting() -> float | None:
            return None if np.any(relay.bias) else self.ports.counting_scale(into)

        def scale(loss: int) -> dict[str, float]:
            full = counting() or self.ports.full_scale(into, _otherwise(relay.bias))
            return {"input": full / 2**loss}

        scales, integer = self.ports.settle(population, scale, relay.bias)
        self.ports.keep(population, "input", scales["input"], integer["input"])
        exact = scales["input"] == counting()
        neuron = Relay(
            shift=8 - self.ports.weight_bits if exact else 0,
            bias=np.rint(relay.bias * scales["input"]).astype(np.int64),
        )
        self.ports.announce(replace(population, neuron=neuron))
        return neuron

    def _lif(self, population: Population, lif: LIFNeuron) -> LIFNeuronFixed:
        lif = at_unit_gain(population, rest_at_zero(population, lif))
        loss, current = 0, np.zeros(())
        while True:
            full = self.ports.full_scale(self.ports.into(population, "input"))
            scale = full * 2.0 ** (threshold_exponent(lif, full) - loss)
            integer, total = self.ports.weights(population, "input", scale)
            if not _any_weight(integer):
                # Only smaller weights would keep the current in its width, and none are left.
                check_width(population, "current", current, STATE_MAX)
            neuron = lif_neuron(population, lif, scale)
            fixed = replace(population, neuron=neuron)
            current = current_bound(fixed, total)
            fits = _holds(neuron, current)
            # What is graded and sets too fine a scale costs the others, and then itself, weights.
            if self.ports.wastes_bits(integer) and self.ports.drop_low_bits(population, ["input"]):
                loss = max(0, loss - 1)
                continue
            if np.any((neuron.threshold < 1) & (lif.threshold > 0)):
                check_width(fixed, "current", current, STATE_MAX)
                raise QuantizationError(
                    f"population {population.name!r}: thresholds from "
                    f"{lif.threshold.min():.3g} to {lif.threshold.max():.3g} above v_leak and a "
                    f"bias of up to {np.abs(lif.bias).max():.3g}, for weights of one size, are too "
                    "far apart for the 17-bit threshold and the 13-bit mantissa of the bias",
                    "Bring thresholds, weights and bias of this population closer together.",
                )
            if fits:
                self.ports.keep(population, "input", scale, integer)
                return neuron
            loss += 1

    def _integrator(self, population: Population, integrator: Integrator) -> IntegratorFixed:
        """Its scale is as large as the range of v allows, but a few bits of weights come first.

        v is clipped by definition: what would cost more bits may saturate.
        """
        require_folded(population, integrator.gain)
        loss: int | None = None
        while True:
            into = self.ports.into(population, "input")
            constants = integrator.bias, integrator.current_bias, integrator.initial
            full = self.ports.full_scale(into, _otherwise(*constants))
            if loss is None:
                loss = self._integrator_loss(population, integrator, full)
            scale = full / 2.0**loss
            integer, total = self.ports.weights(population, "input", scale)
            neuron = integrator_neuron(population, integrator, scale)
            current = current_bound(replace(population, neuron=neuron), total)
            if self.ports.wastes_bits(integer) and self.ports.drop_low_bits(population, ["input"]):
                continue
            if _holds(neuron, current):
                break
            if loss > MOST_LOSS and not _any_weight(integer):
                check_width(population, "current", current, STATE_MAX)
                raise QuantizationError(
                    f"population {population.name!r}: its initial value or bias does not fit into "
                    "the width of its potential beside its weights",
                    "Bring v_leak, bias and weights of this population closer together.",
                )
            loss += 1
        self.ports.keep(population, "input", scale, integer)
        self.ports.announce(replace(population, neuron=neuron))
        room = max(self.ports.payload_room(population), LEAST_PAYLOAD)
        reach = float(np.max(self.ports.emitted[population.name].magnitude, initial=1.0))
        neuron = replace(neuron, shift=max(0, math.ceil(math.log2(reach / room))))
        self.ports.announce(replace(population, neuron=neuron))
        return neuron

    def _integrator_loss(self, population: Population, integrator: Integrator, full: float) -> int:
        """Bits that weights give up, or gain, for v to stay within its width for any input."""
        neuron = integrator_neuron(population, integrator, full)
        _, total = self.ports.weights(population, "input", full)
        potential = integrator_potential(replace(population, neuron=neuron), total)
        spread = float(np.max(potential.magnitude, initial=1.0)) / STATE_MAX
        return (
            MOST_LOSS
            if spread == np.inf
            else math.ceil(float(np.clip(np.log2(spread), -MOST_LIFT, MOST_LOSS)))
        )

    def _circuit(self, population: Population, circuit: EINeuron) -> EINeuronFixed:
        circuit = rest_at_zero(population, circuit)
        scales, integer = self.ports.settle(
            population, lambda loss: self._circuit_scales(population, circuit, loss)
        )
        scales["shunt"] = self._sharpened(population, circuit, scales)
        integer["shunt"], _ = self.ports.weights(population, "shunt", scales["shunt"])
        for port in EINeuron.ports:
            self.ports.keep(population, port, scales[port], integer[port])
        return circuit_neuron(population, circuit, scales)

    def _circuit_scales(
        self, population: Population, circuit: EINeuron, loss: int
    ) -> dict[str, float]:
        """Scales of both ports; their ratio is a power of two, so that the quotient can undo it.

        W_S holds positive weights of full resolution, so it can best spare the bit that is lost.
        """
        least, largest = float(np.min(circuit.floor)), float(np.max(circuit.floor))
        shunt = self.ports.full_scale(self.ports.into(population, "shunt"), FLOOR_LEVELS / least)
        # A floor that no S reaches has to fit into the same register.
        shunt = min(shunt, STATE_MAX / largest)
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
            wide = 2 * scale * np.max(circuit.floor) > STATE_MAX
            if wide or not within_width(self.ports.weights(population, "shunt", 2 * scale)[1]):
                return scale
            scale *= 2


def _any_weight(projections: list[Projection]) -> bool:
    return any(np.any(projection.operator.weight) for projection in projections)


def _holds(neuron: LIFNeuronFixed | IntegratorFixed, current: Array) -> bool:
    """Whether the current never wraps and the bias, and where v starts, fit their registers."""
    initial = neuron.parameters().get("initial", np.zeros(()))
    return bool(
        np.all(current <= STATE_MAX)
        and np.all(np.abs(neuron.bias_mantissa) <= BIAS_MANTISSA_MAX)
        and np.all(np.abs(initial) <= STATE_MAX)
    )


def _otherwise(*values: Array) -> float:
    """The scale of a port without weights: that of what is there instead."""
    largest = max(float(np.max(np.abs(value))) for value in values)
    return 2.0**12 / largest if largest > 0 else 1.0
