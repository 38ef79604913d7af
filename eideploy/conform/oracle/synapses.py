"""Which synapses a neuron has: all that lead out of it, with their targets and weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
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
        weights = weight if isinstance(weight, list) else [weight]
        yield neuron, exact(weights[neuron if len(weights) > 1 else 0])

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
    channel, pixel = divmod(neuron, source[1] * source[2])
    y, x = divmod(pixel, source[2])
    group, within = divmod(channel, source[0] // geometry["groups"])
    height, width = len(weight[0][0]), len(weight[0][0][0])
    rows = _readers(y, height, target[1], geometry, 0)
    columns = _readers(x, width, target[2], geometry, 1)
    outputs = target[0] // geometry["groups"]
    for output in range(group * outputs, (group + 1) * outputs):
        kernel = weight[output][within]
        for j, row in rows:
            for k, column in columns:
                yield (output * target[1] + row) * target[2] + column, exact(kernel[j][k])


def _readers(
    place: int, taps: int, extent: int, geometry: dict[str, Any], axis: int
) -> list[tuple[int, int]]:
    """Along one axis: each weight of the kernel that meets a place, and the output it leads to."""
    stride, padding, dilation = (geometry[k][axis] for k in ("stride", "padding", "dilation"))
    found = []
    for tap in range(taps):
        output, between = divmod(place + padding - tap * dilation, stride)
        if 0 <= output < extent and not between:
            found.append((tap, output))
    return found
