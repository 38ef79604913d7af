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

from eideploy.compile.overflow import check_width, current_bound
from eideploy.compile.ranges import Range, delivered_range, own_range, relay_range
from eideploy.errors import QuantizationError, UnsupportedError
from eideploy.program import (
    Array,
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
from eideploy.program.neurons import CURRENT_SHIFT, DECAY_BITS, GAIN_BITS, STATE_BITS, STATE_MAX

FRACTION_BITS = 12
"""A threshold of about 1 becomes 2^FRACTION_BITS in an E-I neuron."""

PAYLOAD_LEVELS = 255
"""Graded inputs are 8-bit payloads."""

THRESHOLD_MAX = 2**17 - 1
"""Largest threshold of Lava's LIF, before its shift (lava/proc/lif/models.py)."""

BIAS_MANTISSA_MAX, BIAS_EXPONENT_MAX = 2**12 - 1, 7
"""Bias of Lava's LIF: 13-bit mantissa, 3-bit exponent (lava/proc/lif/models.py)."""

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
                neuron: Neuron = _source(source)
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
            self.scale[p.source] * _most(p, self.weight_bits) / largest
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
            integer = _integer_weights(projection, factor, self.weight_bits)
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
        _require_folded(population, lif.gain)
        shifted = _rest_at_zero(population, lif)
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
                **_bias(shifted.bias * scale * 2**CURRENT_SHIFT),
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
        _require_folded(population, circuit.gain)
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
        return _circuit_neuron(population, circuit, scales)

    def _circuit_scales(self, population: Population, loss: int) -> dict[str, float]:
        """Scales of both ports; their ratio is a power of two, so that the quotient can undo it.

        W_S holds positive weights of full resolution, so it can best spare the bit that is lost.
        """
        balanced = self._full_scale(self._into(population, "balanced")) / 2**loss
        shunt = self._full_scale(self._into(population, "shunt")) / 2**loss
        ratio = 2.0 ** math.floor(math.log2(shunt / balanced))
        return {"balanced": balanced, "shunt": balanced * ratio}


def _circuit_neuron(
    population: Population, circuit: EINeuron, scales: dict[str, float]
) -> EINeuronFixed:
    # θ ≈ 2^FRACTION_BITS whatever the unit of the potential.
    fraction = FRACTION_BITS - round(math.log2(float(np.max(np.abs(circuit.threshold)))))
    unit = 2.0**fraction
    balance = round(math.log2(scales["shunt"] / scales["balanced"]))
    decay = np.rint(circuit.voltage_decay * 2**DECAY_BITS).astype(np.int64)
    bias = np.rint(circuit.bias * unit).astype(np.int64)
    if np.any(decay < 1):
        raise QuantizationError(
            f"population {population.name!r}: an E-I neuron without leak can leave any width",
            "Give the LIF a time constant below 4096 steps.",
        )
    if fraction + balance < 0 or fraction + balance + STATE_BITS > 62:
        raise QuantizationError(
            f"population {population.name!r}: balanced and shunting inhibition differ by a factor "
            f"of 2^{balance}, too much for one quotient"
        )
    room = (STATE_MAX * decay.astype(np.float64) / 2**DECAY_BITS - np.abs(bias)).min()
    if room < 2 ** (FRACTION_BITS + 1):
        raise QuantizationError(
            f"population {population.name!r}: bias and leak leave no room for a current in "
            f"{STATE_BITS} bits"
        )
    return EINeuronFixed(
        voltage_decay=decay,
        gain=1 << GAIN_BITS,
        bias=bias,
        floor=np.maximum(1, np.rint(circuit.floor * scales["shunt"])).astype(np.int64),
        threshold=np.rint(circuit.threshold * unit).astype(np.int64),
        quotient_shift=fraction + balance,
        # The widest quotient with which the potential provably stays in its width.
        quotient_bits=min(STATE_BITS, math.floor(math.log2(room + 1)) + 1),
        reset=circuit.reset,
    )


def _source(source: Source) -> Source:
    """Payloads: the training data's own levels where they fit, else 255 of them."""
    largest = float(max(abs(source.minimum), abs(source.maximum)))
    if largest == 0:
        raise QuantizationError("the range of an input is [0, 0]")
    levels = int(source.levels)
    return replace(source, scale=(levels if 0 < levels <= PAYLOAD_LEVELS else 255) / largest)


def _most(projection: Projection, weight_bits: int) -> int:
    """Largest weight: 255 for one sign and 254 for mixed ones at 8 bits."""
    return 256 - _step(projection, weight_bits)


def _step(projection: Projection, weight_bits: int) -> int:
    """Distance of neighbouring weights: the lost bits, and one more for the sign."""
    return int(2 ** (8 - weight_bits + (projection.sign == "mixed")))


def _integer_weights(projection: Projection, factor: float, weight_bits: int) -> Projection:
    """W·factor as integers with the smallest exponent ≥ 0 that brings them into range."""
    weight = projection.operator.weight * factor
    largest = float(np.max(np.abs(weight), initial=0.0))
    most, step = _most(projection, weight_bits), _step(projection, weight_bits)
    exponent = 0
    while largest / 2.0**exponent > most + step / 2:
        exponent += 1
    rounded = np.rint(weight / (step * 2.0**exponent)) * step
    integer = np.clip(rounded, -most, most).astype(np.int64)
    return replace(
        projection,
        operator=replace(projection.operator, weight=integer),
        exponent=exponent,
    )


def _bias(bias: Array) -> dict[str, Array]:
    """Mantissa and exponent of Lava's LIF bias, with the smallest exponent that fits."""
    exponent = 0
    largest = float(np.max(np.abs(bias), initial=0.0))
    while largest / 2**exponent > BIAS_MANTISSA_MAX and exponent < BIAS_EXPONENT_MAX:
        exponent += 1
    return {
        "bias_mantissa": np.rint(bias / 2**exponent).astype(np.int64),
        "bias_exponent": np.array(exponent),
    }


def _require_folded(population: Population, gain: Array) -> None:
    if np.any(gain != 1.0):
        raise UnsupportedError(
            f"population {population.name!r}: its input gain differs from pixel to pixel and "
            "cannot be folded into a shared kernel",
            "Make R and τ the same for all pixels of a channel.",
        )


def _rest_at_zero(population: Population, lif: LIFNeuron) -> LIFNeuron:
    """The same neuron with its potential measured from where it starts.

    v = v' + v₀ gives v' ← (1 − a)·v' + u + (bias − a·v₀), tested against θ − v₀.
    """
    rest = lif.initial
    threshold = lif.threshold - rest
    if lif.reset == "value" and np.any(lif.reset_to != rest):
        raise UnsupportedError(
            f"population {population.name!r}: v_reset differs from v_leak; in fixed point a "
            "neuron is reset to where it starts"
        )
    if lif.reset == "subtract" and np.any(lif.reset_to != threshold):
        raise UnsupportedError(
            f"population {population.name!r}: with soft reset, v_leak must be 0 in fixed point"
        )
    if np.any(threshold <= 0):
        raise UnsupportedError(f"population {population.name!r}: a threshold is not above v_leak")
    return replace(lif, threshold=threshold, bias=lif.bias - lif.voltage_decay * rest)
