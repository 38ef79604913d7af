"""Which values a port or a graded population can take: intervals of an integer Program.

All bounds hold for every stimulus within the declared range of the inputs, not just for data. They
are computed in float64, where integers are exact up to 2⁵³.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eideploy.errors import QuantizationError
from eideploy.program import (
    Array,
    Conv2d,
    Dense,
    Identity,
    IntegratorFixed,
    Population,
    Program,
    Projection,
    Relay,
    Source,
)
from eideploy.program.neuron import CURRENT_SHIFT, DECAY_BITS, STATE_MAX


@dataclass(frozen=True, eq=False)
class Range:
    """Least and largest value, per neuron or per channel; both broadcast to the population."""

    low: Array
    high: Array

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def reshaped(self, shape: tuple[int, ...]) -> Range:
        """The same in the shape of a population, where there is one value per neuron.

        One value per channel, [c, 1, 1], broadcasts to [c, h, w]; for [c, l] an axis is dropped.
        """
        size = int(np.prod(shape))
        low, high = (
            end.reshape(shape) if end.size == size else end.reshape(end.shape[: len(shape)])
            for end in (self.low, self.high)
        )
        return Range(low, high)

    def with_silence(self) -> Range:
        """The same and 0, which everything emits between two samples."""
        return Range(np.minimum(self.low, 0), np.maximum(self.high, 0))

    @property
    def magnitude(self) -> Array:
        """Largest absolute value."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


def port_ranges(program: Program) -> dict[tuple[str, str], Range]:
    """Range of the sum on every port, by (population, port).

    Raises:
        QuantizationError: a loop of nothing but relays, so that their ranges are not bounded.
    """
    return _Ranges(program).ports()


def emitted_ranges(program: Program) -> dict[str, Range]:
    """Range of what every population emits, by its name; raises as `port_ranges`."""
    ranges = _Ranges(program)
    return {population.name: ranges.emits(population.name) for population in program.populations}


class _Ranges:
    """Follows graded values back to what is bounded by itself."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.looping = _looping(program)
        self.emitted: dict[str, Range] = {}

    def ports(self) -> dict[tuple[str, str], Range]:
        return {
            (population.name, port): self.receives(population.name, port)
            for population in self.program.populations
            for port in population.neuron.ports
        }

    def emits(self, name: str, waiting: tuple[str, ...] = ()) -> Range:
        population = self.program.by_name[name]
        if name in waiting:
            raise unbounded(name)
        if name not in self.emitted:
            match population.neuron:
                case Relay():
                    port = self.receives(name, "input", (*waiting, name))
                    self.emitted[name] = relay_range(population, port)
                case IntegratorFixed() if name not in self.looping:
                    port = self.receives(name, "input", (*waiting, name))
                    self.emitted[name] = integrator_range(population, port)
                case _:
                    self.emitted[name] = own_range(population)
        return self.emitted[name]

    def receives(self, name: str, port: str, waiting: tuple[str, ...] = ()) -> Range:
        total = Range(np.zeros(()), np.zeros(()))
        for projection in self.program.into(name):
            if projection.port == port:
                source = self.program.by_name[projection.source]
                emitted = self.emits(projection.source, waiting)
                arrived = delivered_range(projection, source.shape, emitted)
                total = total + arrived.reshaped(self.program.by_name[name].shape)
        return total


def _looping(program: Program) -> frozenset[str]:
    """Graded populations that act on themselves through graded ones only."""
    graded = {p.name for p in program.populations if isinstance(p.neuron, (Relay, IntegratorFixed))}
    before = {name: {p.source for p in program.into(name)} & graded for name in graded}
    reached = dict(before)
    for _ in graded:
        for name, ends in reached.items():
            reached[name] = ends.union(*(before[end] for end in ends))
    return frozenset(name for name in graded if name in reached[name])


def unbounded(name: str) -> QuantizationError:
    """The error about graded values that depend on themselves."""
    return QuantizationError(
        f"graded population {name!r} feeds itself, so its values are not bounded",
        "Put a spiking neuron into the loop.",
    )


def own_range(population: Population) -> Range:
    """What a population emits whatever it receives; 0, its silence between samples, included.

    That of a source is declared, that of an integrator follows from the width of its potential.
    """
    neuron = population.neuron
    if isinstance(neuron, Source):
        low, high = (np.rint(end * neuron.scale) for end in (neuron.minimum, neuron.maximum))
        return Range(low, high).with_silence()
    if isinstance(neuron, IntegratorFixed):
        return _shifted(population, Range(np.array(-float(STATE_MAX)), np.array(float(STATE_MAX))))
    return Range(np.zeros(()), np.ones(()))


def relay_range(population: Population, port: Range) -> Range:
    """What a graded relay emits for the range of its port."""
    bias = population.neuron.parameters()["bias"].astype(np.float64)
    return _shifted(population, Range(port.low + bias, port.high + bias)).with_silence()


def integrator_range(population: Population, port: Range) -> Range:
    """What an integrator emits for the range of its port."""
    potential = integrator_potential(population, port)
    low, high = (np.clip(end, -STATE_MAX, STATE_MAX) for end in (potential.low, potential.high))
    return _shifted(population, Range(low, high)).with_silence()


def integrator_potential(population: Population, port: Range) -> Range:
    """Range of v of an integrator if it were not clipped: ∞ without leak.

        v ≤ max(v₀, 0, (u + bias)·4096 / voltage_decay)      for the largest u, and likewise below

    Rounding toward zero only brings u and v nearer to 0.
    """
    neuron = population.neuron
    assert isinstance(neuron, IntegratorFixed)
    bias = (neuron.bias_mantissa << neuron.bias_exponent).astype(np.float64)
    ends = []
    for sign, end in ((-1, port.low), (1, port.high)):
        # Above 0 for the upper end; the lower one is the upper one of −v.
        x = np.maximum(sign * (end + neuron.current_bias), 0)
        u = x * 2**CURRENT_SHIFT * 2**DECAY_BITS / (neuron.current_decay + 1)
        drive = np.maximum(u + sign * bias, 0)
        leak = np.where(drive > 0, neuron.voltage_decay, 1)
        with np.errstate(divide="ignore"):
            v = np.ceil(drive * 2**DECAY_BITS / leak)
        ends.append(sign * np.maximum(v, sign * neuron.initial))
    return Range(*ends)


def _shifted(population: Population, values: Range) -> Range:
    """⌊values / 2^shift + 1/2⌋"""
    scale = 2.0 ** -population.neuron.parameters()["shift"].astype(np.float64)
    return Range(np.floor(values.low * scale + 0.5), np.floor(values.high * scale + 0.5))


def delivered_range(projection: Projection, source_shape: tuple[int, ...], emitted: Range) -> Range:
    """What a projection can deliver. Exact for Dense and Identity, an outer bound for Conv2d."""
    weight = projection.operator.weight
    positive, negative = np.maximum(weight, 0), np.minimum(weight, 0)
    low, high = emitted.low, emitted.high
    if isinstance(projection.operator, Conv2d):
        # One bound for all pixels; 0 is always possible, from the padding.
        low = np.minimum(_per_channel(low, source_shape, np.min), 0)
        high = np.maximum(_per_channel(high, source_shape, np.max), 0)
    else:
        low, high = (np.broadcast_to(end, source_shape).ravel() for end in (low, high))
    scale = 2.0**projection.exponent
    least = _sum(projection, positive, low) + _sum(projection, negative, high)
    most = _sum(projection, positive, high) + _sum(projection, negative, low)
    return Range(np.floor(scale * least), np.floor(scale * most))


def _per_channel(values: Array, shape: tuple[int, ...], reduce: Callable[..., Array]) -> Array:
    return reduce(np.broadcast_to(values, shape).reshape(shape[0], -1), axis=1)


def _sum(projection: Projection, weight: Array, values: Array) -> Array:
    """Σ weight·value: [n] for Dense and Identity, [c, 1, 1] for Conv2d."""
    match projection.operator:
        case Dense():
            return weight.astype(np.float64) @ values
        case Identity():
            return weight * values
        case Conv2d(groups=groups):
            kernels = weight.sum(axis=(2, 3)).reshape(groups, -1, weight.shape[1])
            parts = values.reshape(groups, weight.shape[1])
            return np.einsum("goi,gi->go", kernels, parts).reshape(-1, 1, 1)
    raise QuantizationError(f"no bound is known for {type(projection.operator).__name__}")
