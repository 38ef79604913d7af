"""Which synapses a neuron has: all that lead out of it, with their targets and weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from math import prod
from typing import Any

from eideploy.conform.oracle.document import Number, ProjectionDocument

Synapse = tuple[int, Number]
"""Target neuron and weight."""

Axon = Callable[[int], list[Synapse]]
"""The synapses that lead out of a neuron, which is given by its number in C order."""


def axon(
    projection: ProjectionDocument,
    source: list[int],
    target: list[int],
    exact: Callable[[Any], Number],
) -> Axon:
    """Synapses between populations of the shapes `source` and `target`, without those of weight 0.

    Args:
        projection: its operator, weights and geometry.
        source: shape of the population they come from.
        target: shape of the population they lead to.
        exact: makes an exact number of a weight.
    """
    weight, geometry = projection["weight"], projection["geometry"]

    def dense(neuron: int) -> Iterator[Synapse]:
        for row, weights in enumerate(weight):
            yield row, exact(weights[neuron])

    def identity(neuron: int) -> Iterator[Synapse]:
        yield neuron, exact(weight[neuron] if isinstance(weight, list) else weight)

    def convolution(neuron: int) -> Iterator[Synapse]:
        yield from _convolution(neuron, weight, geometry, _planar(source), _planar(target), exact)

    listed = {"Dense": dense, "Identity": identity, "Conv2d": convolution}[projection["operator"]]

    @cache
    def synapses(neuron: int) -> list[Synapse]:
        return [(other, weight) for other, weight in listed(neuron) if weight]

    return synapses


def _planar(shape: list[int]) -> list[int]:
    """[c, h, w], where [c, l] counts as [c, 1, l]."""
    return [shape[0], 1, shape[1]] if len(shape) == 2 else shape


def _convolution(
    neuron: int,
    weight: Any,
    geometry: dict[str, Any],
    source: list[int],
    target: list[int],
    exact: Callable[[Any], Number],
) -> Iterator[Synapse]:
    """Where one pixel goes to.

    Output (o, r, c) reads pixel (i, y, x) through weight [o, i within its group, j, k] where
    y = r·stride + j·dilation − padding, and likewise x; so a pixel is read by
    r = (y + padding − j·dilation) / stride where that is a row of the output.
    """
    channel, pixel = divmod(neuron, prod(source[1:]))
    place = divmod(pixel, source[2])
    per_group = source[0] // geometry["groups"]
    outputs_per_group = target[0] // geometry["groups"]
    group, within = divmod(channel, per_group)
    rows, columns = (
        [
            (tap, there // stride)
            for tap in range(taps)
            if (there := place[axis] + geometry["padding"][axis] - tap * dilation) % stride == 0
            and 0 <= there // stride < target[1 + axis]
        ]
        for axis in (0, 1)
        for taps in [len(weight[0][0]) if axis == 0 else len(weight[0][0][0])]
        for stride, dilation in [(geometry["stride"][axis], geometry["dilation"][axis])]
    )
    for output in range(group * outputs_per_group, (group + 1) * outputs_per_group):
        kernel = weight[output][within]
        for j, row in rows:
            for k, column in columns:
                yield (output * target[1] + row) * target[2] + column, exact(kernel[j][k])
