"""Which values a port or a relay can take: interval arithmetic on an integer Program.

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
    Population,
    Program,
    Projection,
    Relay,
    Source,
)


@dataclass(frozen=True, eq=False)
class Range:
    """Least and largest value, per neuron or per channel; both broadcast to the population."""

    low: Array
    high: Array

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def reshaped(self, shape: tuple[int, ...]) -> Range:
        """The same in the shape of a population, where there is one value per neuron."""
        size = int(np.prod(shape))
        low, high = (
            end.reshape(shape) if end.size == size else end for end in (self.low, self.high)
        )
        return Range(low, high)

    @property
    def magnitude(self) -> Array:
        """Largest absolute value."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


def port_ranges(program: Program) -> dict[tuple[str, str], Range]:
    """Range of the sum on every port, by (population, port).

    Raises:
        QuantizationError: a relay feeds itself, so that its range is not bounded.
    """
    emitted: dict[str, Range] = {}
    ports: dict[tuple[str, str], Range] = {}

    def emits(name: str, waiting: tuple[str, ...] = ()) -> Range:
        if name in waiting:
            raise unbounded(name)
        if name not in emitted:
            population = program.by_name[name]
            if isinstance(population.neuron, Relay):
                emitted[name] = relay_range(population, receives(name, "input", (*waiting, name)))
            else:
                emitted[name] = own_range(population)
        return emitted[name]

    def receives(name: str, port: str, waiting: tuple[str, ...] = ()) -> Range:
        total = Range(np.zeros(()), np.zeros(()))
        for projection in program.into(name):
            if projection.port == port:
                source = program.by_name[projection.source]
                arrived = delivered_range(
                    projection, source.shape, emits(projection.source, waiting)
                )
                total = total + arrived.reshaped(program.by_name[name].shape)
        return total

    for population in program.populations:
        for port in population.neuron.ports:
            ports[population.name, port] = receives(population.name, port)
    return ports


def unbounded(relay: str) -> QuantizationError:
    """The error about a relay that feeds itself."""
    return QuantizationError(
        f"graded relay {relay!r} feeds itself, so its values are not bounded",
        "Put a spiking neuron into the loop.",
    )


def own_range(population: Population) -> Range:
    """What a source or a spiking population emits; 0, its silence between samples, included."""
    neuron = population.neuron
    if isinstance(neuron, Source):
        low, high = (np.rint(end * neuron.scale) for end in (neuron.minimum, neuron.maximum))
        return Range(np.minimum(low, 0), np.maximum(high, 0))
    return Range(np.zeros(()), np.ones(()))


def relay_range(population: Population, port: Range) -> Range:
    """What a graded relay emits for the range of its port."""
    scale = 2.0 ** -population.neuron.parameters()["shift"].astype(np.float64)
    return Range(np.floor(port.low * scale + 0.5), np.floor(port.high * scale + 0.5))


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
