"""Pools of NIR, as graphs: what they count, and what is folded into what.

Weights are quarters that no flip and no transposition leaves as they are; thresholds lie an eighth
beside them, or less behind a mean.
"""

from __future__ import annotations

from collections.abc import Iterator

import nir
import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build_graphs import (
    Pair,
    convolution,
    end,
    entry,
    flatten,
    graph,
    integrate,
    linear,
    quarters,
    shown,
    spikes,
)


def cases() -> Iterator[Case]:
    """Pools in front of neurons, in front of kernels, and elsewhere."""
    yield from _alone()
    yield from _beside_kernels()


def _alone() -> Iterator[Case]:
    yield _pooled("sum-pool", "A SumPool2d counts its window.", nir.SumPool2d, (2, 2), (2, 2))
    yield _pooled(
        "mean-pool",
        "An AvgPool2d divides by the size of its window.",
        nir.AvgPool2d,
        (2, 2),
        (2, 2),
        threshold=0.9375,
    )
    yield _pooled(
        "pool-not-square",
        "Windows and strides of rows and of columns differ; what fills no window is left over.",
        nir.SumPool2d,
        (2, 3),
        (3, 2),
    )
    yield _pooled(
        "pool-overlapping",
        "Windows may overlap: a spike counts in each of them.",
        nir.SumPool2d,
        (3, 2),
        (1, 1),
        threshold=3.125,
    )
    yield _pooled(
        "mean-pool-padded",
        "The zeros of the padding count in the mean.",
        nir.AvgPool2d,
        (2, 2),
        (2, 2),
        padding=(1, 1),
        threshold=0.9375,
    )


def _beside_kernels() -> Iterator[Case]:
    for pool in ("fold", "relay"):
        yield _between(
            f"pool-in-front-of-kernel-{pool}",
            "A mean and the kernel behind it, be they one kernel or two nodes.",
            nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
            pool,
        )
    yield _between(
        "pool-padded-in-front-of-padding",
        "A pool that pads, in front of a convolution that pads too.",
        nir.SumPool2d(np.array([3, 3]), np.array([2, 2]), np.array([1, 1])),
        "fold",
    )
    yield _between(
        "pool-that-leaves-a-row",
        "A pool leaves the last row over, and the convolution behind it pads: it sees zeros there.",
        nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "fold",
        height=7,
    )
    shape = (1, 6, 6)
    name = "graph-images/pool-behind-kernel"
    nodes = {
        "in": entry(*shape),
        "kernel": convolution(shape, out=2, bias=[-0.5, 0.25]),
        "pool": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "out": integrate((2, 2, 2), threshold=3.875),
        "end": end(2, 2, 2),
    }
    yield shown(
        name,
        "A pool behind a convolution, with no neuron in between, sums its results, biases too.",
        graph(nodes),
        spikes(name, *shape),
    )
    name = "graph-images/pool-to-linear"
    nodes = {
        "in": entry(2, 4, 4),
        "pool": nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "flat": flatten(2, 2, 2),
        "weights": linear(quarters(4, 8)),
        "out": integrate(4, threshold=0.84375),
        "end": end(4),
    }
    yield shown(
        name,
        "A Linear behind a pool and a Flatten.",
        graph(nodes),
        spikes(name, 2, 4, 4),
    )
    name = "graph-images/pool-as-output"
    nodes = {
        "in": entry(*shape),
        "out": integrate(shape, threshold=0.5),
        "end": end(*shape),
        "pool": nir.SumPool2d(np.array([2, 3]), np.array([2, 2]), np.array([0, 1])),
        "read": end(1, 3, 3),
    }
    yield shown(
        name,
        "An Output behind a pool reads its sums, of the same step.",
        graph(nodes, ("in", "out"), ("out", "end"), ("out", "pool"), ("pool", "read")),
        spikes(name, *shape),
    )


def _pooled(
    name: str,
    claim: str,
    kind: type[nir.NIRNode],
    window: Pair,
    stride: Pair,
    *,
    padding: Pair = (0, 0),
    threshold: float = 2.125,
) -> Case:
    """A pool right in front of neurons."""
    shape = (2, 5, 7)
    extents = [
        (extent + 2 * p - k) // s + 1
        for extent, p, k, s in zip(shape[1:], padding, window, stride, strict=True)
    ]
    out = (2, *extents)
    nodes = {
        "in": entry(*shape),
        "pool": kind(np.array(window), np.array(stride), np.array(padding)),
        "out": integrate(out, threshold=threshold),
        "end": end(*out),
    }
    name = f"graph-images/{name}"
    return shown(name, claim, graph(nodes), spikes(name, *shape))


def _between(name: str, claim: str, pool: nir.NIRNode, how: str, height: int = 6) -> Case:
    """Neurons, a pool, and a convolution of its result, which pads."""
    shape = (1, height, 6)
    pooled = (1, 3, 3)
    nodes = {
        "in": entry(*shape),
        "hidden": integrate(shape, threshold=0.5),
        "pool": pool,
        "kernel": convolution(pooled, kernel=(2, 3), out=2, padding=(1, 1)),
        "out": integrate((2, 4, 3), threshold=0.84375),
        "end": end(2, 4, 3),
    }
    name = f"graph-images/{name}"
    values = spikes(name.removesuffix(f"-{how}"), *shape)
    return shown(name, claim, graph(nodes), values, pool=how)
