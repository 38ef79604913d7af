"""What quantization did: bits, scales, errors and head-room, population by population."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import nir
import numpy as np

from eideploy.compile.integers import largest_weight, weight_step
from eideploy.compile.overflow import current_bound, potential_bound
from eideploy.compile.passes import Pass, stages
from eideploy.compile.quantize import Quantize
from eideploy.compile.ranges import Range, port_ranges
from eideploy.errors import InputError, UnsupportedError
from eideploy.program import (
    Array,
    Conv2d,
    EINeuronFixed,
    IntegratorFixed,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Relay,
)
from eideploy.program.neuron import STATE_MAX

WORST = 3
"""So many neurons are named for each population."""


@dataclass(frozen=True)
class WeightQuantization:
    """What became of the weights of a projection.

    Args:
        source: population that emits.
        port: of the population that receives.
        bits: that the integers use, sign included.
        exponent: of the weights.
        scale: integer units per unit of weight, the exponent left out.
        saturated: share of the weights that are beyond the largest integer.
        vanished: share of the weights other than 0 that became 0.
        error: root mean square of what changed, over that of the weights.
        largest_error: largest change of a weight, over the largest weight.
    """

    source: str
    port: str
    bits: int
    exponent: int
    scale: float
    saturated: float
    vanished: float
    error: float
    largest_error: float


@dataclass(frozen=True)
class WorstNeuron:
    """A neuron, or a channel of a convolution, whose weights changed most.

    Args:
        index: of the neuron in C order, or of the channel.
        error: root mean square of what changed of its incoming weights on one port, over that of
            the weights.
    """

    index: int
    error: float


@dataclass(frozen=True)
class PopulationQuantization:
    """What became of a population.

    Args:
        name: of the population.
        model: name of the integer neuron model.
        weights: of the projections into it.
        headroom: bits that are left of each sum, current or potential in the worst case, by name.
        thresholds: smallest and largest θ in units of its register; None if it has none.
        decay_error: largest relative error of a decay; None if it has none.
        quotient_shift: of an E-I neuron.
        quotient_bits: of an E-I neuron.
        shift: low bits that a relay or an integrator drops.
        channels: whether the worst are channels, and not neurons.
        worst: neurons or channels of the largest error, at most `WORST`.
    """

    name: str
    model: str
    weights: tuple[WeightQuantization, ...]
    headroom: dict[str, float]
    thresholds: tuple[int, int] | None
    decay_error: float | None
    quotient_shift: int | None
    quotient_bits: int | None
    shift: int | None
    channels: bool
    worst: tuple[WorstNeuron, ...]


@dataclass(frozen=True)
class QuantizationReport:
    """What quantization did to a Program.

    Args:
        weight_bits: width of the weights.
        populations: all but the inputs, in the order of the Program.
    """

    weight_bits: int
    populations: tuple[PopulationQuantization, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def quantization_report(floating: Program, integer: Program) -> QuantizationReport:
    """What the pass `quantize` did.

    Args:
        floating: the float Program that it was given.
        integer: the integer Program that it made.

    Raises:
        InputError: the one was not made of the other by `quantize`.
    """
    scales = integer.metadata.get("scales")
    alike = len(floating.projections) == len(integer.projections) and scales is not None
    if not alike or floating.by_name.keys() != integer.by_name.keys():
        raise InputError("these Programs are not one before and after its quantization")
    reporter = _Reporter(floating, integer)
    return QuantizationReport(
        weight_bits=int(integer.metadata["weight_bits"]),
        populations=tuple(reporter.population(p) for p in integer.populations if p.neuron.ports),
    )


def compile_reported(
    passes: tuple[Pass, ...], graph: nir.NIRGraph
) -> tuple[Program, QuantizationReport]:
    """The Program that a pipeline ends with, and what its pass `quantize` did.

    Raises:
        UnsupportedError: the pipeline does not quantize, or as `run_passes` says.
        EideployError: whatever a pass says.
    """
    names = [step.name for step in passes]
    if Quantize.name not in names:
        raise UnsupportedError(
            "there is no report on quantization: the target takes Programs in floating point",
            "Leave out --report, or choose a target that runs integers.",
        )
    made = [subject for _, subject in stages(passes, graph)]
    at = names.index(Quantize.name)
    return made[-1], quantization_report(made[at - 1], made[at])


class _Reporter:
    def __init__(self, floating: Program, integer: Program) -> None:
        self.floating, self.integer = floating, integer
        self.bits = int(integer.metadata["weight_bits"])
        self.emitted = integer.metadata["scales"]["emitted"]
        self.ports = integer.metadata["scales"]["ports"]
        self.ranges = port_ranges(integer)

    def population(self, population: Population) -> PopulationQuantization:
        neuron = population.neuron
        pairs = [
            (before, after)
            for before, after in zip(
                self.floating.projections, self.integer.projections, strict=True
            )
            if after.target == population.name
        ]
        parameters = neuron.parameters()
        threshold = parameters.get("threshold")
        channels = bool(pairs) and all(isinstance(p.operator, Conv2d) for _, p in pairs)
        circuit = isinstance(neuron, EINeuronFixed)
        return PopulationQuantization(
            name=population.name,
            model=type(neuron).__name__,
            weights=tuple(self._weights(before, after) for before, after in pairs),
            headroom=self._headroom(population),
            thresholds=None if threshold is None else (int(threshold.min()), int(threshold.max())),
            decay_error=self._decay_error(population),
            quotient_shift=int(parameters["quotient_shift"]) if circuit else None,
            quotient_bits=int(parameters["quotient_bits"]) if circuit else None,
            shift=int(parameters["shift"]) if "shift" in parameters else None,
            channels=channels,
            worst=self._worst(population, pairs, channels),
        )

    def _factor(self, after: Projection) -> float:
        """Integer units per unit of weight."""
        port = self.ports[after.target][after.port]
        return float(port / self.emitted[after.source] / 2.0**after.exponent)

    def _weights(self, before: Projection, after: Projection) -> WeightQuantization:
        real, integer = before.operator.weight, after.operator.weight
        factor = self._factor(after)
        change = np.abs(integer / factor - real)
        most, step = largest_weight(after, self.bits), weight_step(after, self.bits)
        used = int(np.max(np.abs(integer), initial=0)) // step
        largest = float(np.max(np.abs(real), initial=0.0))
        return WeightQuantization(
            source=after.source,
            port=after.port,
            bits=used.bit_length() + (after.sign == "mixed"),
            exponent=after.exponent,
            scale=factor,
            saturated=float(np.mean(np.abs(real) * factor > most + step / 2)),
            vanished=float(np.sum((integer == 0) & (real != 0)) / max(1, np.sum(real != 0))),
            error=_ratio(float(np.sum(change**2)), float(np.sum(real**2))),
            largest_error=float(np.max(change, initial=0.0)) / largest if largest else 0.0,
        )

    def _worst(
        self, population: Population, pairs: list[tuple[Projection, Projection]], channels: bool
    ) -> tuple[WorstNeuron, ...]:
        shape = (population.shape[0],) if channels else population.shape
        error = np.zeros(shape)
        for port in population.neuron.ports:
            changed, total = np.zeros(shape), np.zeros(shape)
            for before, after in pairs:
                if after.port == port:
                    real = before.operator.weight
                    change = after.operator.weight / self._factor(after) - real
                    changed += _by_neuron(change**2, after, shape)
                    total += _by_neuron(real**2, after, shape)
            ratio = np.divide(changed, total, out=np.zeros(shape), where=total > 0)
            error = np.maximum(error, np.sqrt(ratio))
        order = np.argsort(-error, axis=None, kind="stable")[:WORST]
        return tuple(WorstNeuron(int(i), float(error.flat[i])) for i in order if error.flat[i] > 0)

    def _headroom(self, population: Population) -> dict[str, float]:
        neuron = population.neuron
        bounds: dict[str, Array] = {}
        for port in neuron.ports:
            bounds[port] = self.ranges[population.name, port].magnitude
        if isinstance(neuron, Relay):
            bounds["input"] = bounds["input"] + np.abs(neuron.bias)
        if isinstance(neuron, (LIFNeuronFixed, IntegratorFixed)):
            arrived: Range = self.ranges[population.name, "input"]
            bounds["current"] = current_bound(population, arrived)
        if isinstance(neuron, EINeuronFixed):
            bounds["potential"] = potential_bound(population)
        return {
            name: math.log2(STATE_MAX / max(1.0, float(np.max(bound))))
            for name, bound in bounds.items()
        }

    def _decay_error(self, population: Population) -> float | None:
        real = self.floating.by_name[population.name].neuron.parameters()
        held = population.neuron.parameters()
        errors = []
        for name, offset in (("current_decay", 1), ("voltage_decay", 0)):
            if name in held and name in real and np.any(real[name]):
                wanted = real[name]
                error = np.abs((held[name] + offset) / 4096 - wanted)
                errors.append(np.max(error / np.where(wanted > 0, wanted, np.inf)))
        return float(max(errors)) if errors else None


def _by_neuron(values: Array, projection: Projection, shape: tuple[int, ...]) -> Array:
    """Sums over the incoming weights of each neuron, or of each channel."""
    weight = projection.operator.weight
    if weight.ndim < 2:
        return np.broadcast_to(values, (math.prod(shape),)).reshape(shape)
    rows = values.reshape(len(weight), -1).sum(axis=1)
    return rows.reshape(shape) if rows.size == math.prod(shape) else _spread(rows, shape)


def _spread(channels: Array, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(channels.reshape(-1, *[1] * (len(shape) - 1)), shape)


def _ratio(change: float, total: float) -> float:
    return math.sqrt(change / total) if total else 0.0
