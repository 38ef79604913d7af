"""Pooling: sums over windows of each channel by itself, which is a convolution in groups.

A mean is a sum behind an exponent, or before a threshold that is as many times higher.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import source
from eideploy.conform.cases.convolution import kernel
from eideploy.conform.cases.wiring import instant, layer, network, shown, spikes
from eideploy.program import Array, Conv2d, Program, Projection, Relay

Pair = tuple[int, int]


def cases() -> Iterator[Case]:
    """Windows of all kinds, what is shown, what comes before and behind."""
    yield from _windows()
    yield from _means()
    yield from _behind()


def _pool(channels: int, window: Pair, stride: Pair, padding: Pair = (0, 0)) -> Conv2d:
    weight = np.ones((channels, 1, *window), dtype=np.int64)
    return Conv2d(weight, stride, padding, groups=channels)


def _program(shape: tuple[int, ...], pool: Conv2d, **projection: Any) -> Program:
    out = pool.output_shape(shape)
    most = pool.weight[0].size
    thresholds = np.arange(out[0]).reshape(-1, 1, 1) % most
    return network(
        source(*shape),
        layer("out", instant(thresholds), *out),
        Projection("in", "out", pool, delay=1, sign="excitatory", **projection),
    )


def _case(name: str, claim: str, shape: tuple[int, ...], pool: Conv2d) -> Case:
    values = spikes(f"pooling/{name}", 2, 5, *shape)
    return Case(f"pooling/{name}", claim, _program(shape, pool), shown(values))


def _windows() -> Iterator[Case]:
    yield _case(
        "two-by-two", "Windows of 2 by 2, side by side.", (3, 4, 6), _pool(3, (2, 2), (2, 2))
    )
    yield _case(
        "overlapping",
        "Windows of 3 by 3, two apart: a pixel between two counts in both.",
        (2, 7, 5),
        _pool(2, (3, 3), (2, 2)),
    )
    yield _case(
        "padded",
        "Windows that begin outside of the image count what is inside of it.",
        (2, 4, 5),
        _pool(2, (3, 3), (2, 2), (1, 1)),
    )
    yield _case(
        "not-square",
        "Windows of one row and three columns.",
        (2, 3, 9),
        _pool(2, (1, 3), (1, 3)),
    )
    yield _case(
        "one-axis-after-the-other",
        "Windows of three rows and one column, two rows and one column apart, padded above.",
        (2, 5, 3),
        _pool(2, (3, 1), (2, 1), (1, 0)),
    )
    yield _case(
        "rows-left-over",
        "The last row and the last columns, too few for a window, are left out.",
        (2, 5, 8),
        _pool(2, (2, 3), (2, 3)),
    )
    yield _case(
        "padded-with-rows-left-over",
        "Rows and columns that are too few for a window count in it where padding completes it.",
        (2, 5, 7),
        _pool(2, (4, 4), (2, 2), (2, 2)),
    )
    yield _case(
        "whole-image",
        "One window of the whole image gives one neuron for each channel.",
        (5, 3, 4),
        _pool(5, (3, 4), (1, 1)),
    )
    pool = _pool(2, (1, 2), (1, 2))
    yield Case(
        "pooling/line",
        "Windows of two positions along a line.",
        network(
            source(2, 6),
            layer("out", instant(np.array([[0], [1]])), 2, 3),
            Projection("in", "out", pool, delay=1, sign="excitatory"),
        ),
        shown(spikes("pooling/line", 2, 5, 2, 6)),
    )


def _means() -> Iterator[Case]:
    graded = _counts(1, 4, 4)
    for name, exponent, claim in (
        ("mean", -2, "A mean of four is their sum shifted by two bits, rounded to −∞."),
        ("sum", 0, "A sum of four graded values of both signs is exact."),
    ):
        yield Case(
            f"pooling/{name}-of-graded",
            claim,
            network(
                source(1, 4, 4, minimum=-9, maximum=9),
                layer("out", Relay(), 1, 2, 2),
                Projection(
                    "in",
                    "out",
                    _pool(1, (2, 2), (2, 2)),
                    delay=1,
                    exponent=exponent,
                    sign="excitatory",
                ),
            ),
            shown(graded),
        )


def _counts(*shape: int) -> Array:
    """Graded values from −9 to 9, [sample, step, *shape]: their sums leave all remainders."""
    count = np.arange(2 * 4 * int(np.prod(shape)))
    return ((count * count + 3 * count // 2) % 19 - 9).reshape(2, 4, *shape)


def _behind() -> Iterator[Case]:
    images = spikes("pooling/between-convolutions", 2, 5, 1, 6, 6)
    for name, stage, claim in (
        ("relay", Relay(), "Graded sums of a pool between two convolutions are handed on exactly."),
        ("spikes", instant(1), "A pool that spikes hands on whether more than one of four was on."),
    ):
        yield Case(
            f"pooling/between-convolutions-as-{name}",
            claim,
            network(
                source(1, 6, 6),
                layer("a", instant(8), 2, 4, 4),
                layer("pool", stage, 2, 2, 2, offset=2),
                layer("out", instant(5), 3, 1, 1, offset=3),
                Projection("in", "a", Conv2d(kernel(2, 1, 3, 3)), delay=1),
                Projection("a", "pool", _pool(2, (2, 2), (2, 2)), delay=1, sign="excitatory"),
                Projection("pool", "out", Conv2d(kernel(3, 2, 2, 2)), delay=1),
            ),
            shown(images),
        )
