"""Convolutions: cross-correlations over the last two axes, [target, source, h, w], zeros outside.

All weights of a kernel are different and about half of them negative, so that no flip, turn or
exchange of axes leaves it as it is; what arrives is seen in the state of neurons that keep nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import source
from eideploy.conform.cases.wiring import instant, layer, network, shown, spikes
from eideploy.program import Array, Conv2d, LIFNeuronFixed, Population, Projection

Shape = tuple[int, ...]


def kernel(*shape: int, step: int = 2) -> Array:
    """Weights ±step, ±2·step and so on in C order, in no symmetry, most of them positive."""
    index = np.arange(int(np.prod(shape)))
    signs = np.where((index * index + index // 3) % 5 < 3, 1, -1)
    return (signs * step * (index % 97 + 1)).reshape(shape)


def cases() -> Iterator[Case]:
    """Orientation and geometry."""
    yield from _orientation()
    yield from _geometry()


def case(
    name: str,
    claim: str,
    shape: Shape,
    operator: Conv2d,
    *,
    target: Shape | None = None,
    values: Array | None = None,
    entry: Population | None = None,
    neuron: LIFNeuronFixed | None = None,
    **projection: Any,
) -> Case:
    """An input, a convolution and neurons that show what arrives."""
    extent = target or operator.output_shape(shape)
    if values is None:
        values = spikes(f"convolution/{name}", 2, 4, *shape)
    return Case(
        f"convolution/{name}",
        claim,
        network(
            entry or source(*shape),
            layer("out", neuron or instant(), *extent),
            Projection("in", "out", operator, delay=1, **projection),
        ),
        shown(values),
    )


def one_at_a_time(*shape: int) -> Array:
    """One sample, in each step of which another pixel is on."""
    size = int(np.prod(shape))
    return np.eye(size, dtype=np.int64).reshape(1, size, *shape)


def _orientation() -> Iterator[Case]:
    yield case(
        "single-pixels",
        "For each single pixel that is on, the whole kernel appears around it, turned by 180°.",
        (1, 3, 4),
        Conv2d(kernel(1, 1, 3, 3), padding=(1, 1)),
        values=one_at_a_time(1, 3, 4),
        neuron=instant(8),
    )
    yield case(
        "not-flipped",
        "The kernel is not flipped: its first weight meets the first pixel that it sees.",
        (1, 3, 3),
        Conv2d(np.array([[[[254, 0, 20], [0, 0, 0], [0, 0, -2]]]]), padding=(1, 1)),
        values=one_at_a_time(1, 3, 3),
    )
    yield case(
        "rows-and-columns",
        "The last axis of a kernel is that of a row of pixels; a square one shows an exchange.",
        (1, 4, 4),
        Conv2d(np.array([[[[2, 20, 200], [0, 0, 0], [0, 0, 0]]]])),
        values=one_at_a_time(1, 4, 4),
    )
    yield case(
        "channels-in-and-out",
        "The first axis of weights is the channel that receives, the second the one that sends.",
        (3, 2, 2),
        Conv2d(kernel(3, 3, 1, 1)),
        values=one_at_a_time(3, 2, 2),
    )


def _geometry() -> Iterator[Case]:
    yield case(
        "one-by-one",
        "A kernel of one pixel mixes channels only.",
        (4, 3, 2),
        Conv2d(kernel(5, 4, 1, 1)),
    )
    yield case(
        "stride",
        "Windows two rows and three columns apart.",
        (2, 7, 8),
        Conv2d(kernel(2, 2, 3, 2), stride=(2, 3)),
    )
    yield case(
        "stride-of-the-kernel",
        "Windows side by side that share no pixel, each pixel of them with a weight of its own.",
        (2, 6, 4),
        Conv2d(kernel(3, 2, 2, 2), stride=(2, 2)),
    )
    yield case(
        "stride-leaves-rows-over",
        "Rows and columns that no further window fits into are left out, and they are the last.",
        (1, 6, 8),
        Conv2d(kernel(2, 1, 3, 3), stride=(2, 3)),
        values=one_at_a_time(1, 6, 8),
    )
    yield case(
        "stride-beyond-the-kernel",
        "Strides larger than the kernel skip pixels.",
        (1, 7, 7),
        Conv2d(kernel(2, 1, 2, 1), stride=(3, 2)),
        values=one_at_a_time(1, 7, 7),
    )
    yield case(
        "padding",
        "Zeros on both sides of rows and columns, one and two of them.",
        (2, 3, 3),
        Conv2d(kernel(2, 2, 3, 3), padding=(1, 2)),
    )
    yield case(
        "padding-is-zero",
        "Beyond the border there is nothing, and not the border once more.",
        (1, 3, 4),
        Conv2d(kernel(1, 1, 3, 3), padding=(1, 1)),
        values=np.ones((1, 1, 1, 3, 4), dtype=np.int64),
        neuron=instant(20),
    )
    yield case(
        "padding-of-one-axis",
        "Padding of columns alone.",
        (1, 4, 3),
        Conv2d(kernel(2, 1, 3, 2), padding=(0, 1)),
    )
    yield case(
        "padding-with-stride",
        "With a stride, the first window starts in the padding, and the last may end before it.",
        (1, 6, 5),
        Conv2d(kernel(2, 1, 3, 3), stride=(2, 3), padding=(1, 2)),
        values=one_at_a_time(1, 6, 5),
    )
    yield case(
        "dilation",
        "The taps of a kernel are two rows and three columns apart.",
        (1, 6, 9),
        Conv2d(kernel(2, 1, 3, 3), dilation=(2, 3)),
    )
    yield case(
        "dilation-of-one-axis",
        "A kernel spread along columns alone.",
        (2, 3, 7),
        Conv2d(kernel(1, 2, 2, 3), dilation=(1, 2)),
    )
    yield case(
        "all-at-once",
        "Stride, padding, dilation and groups together, different along both axes.",
        (4, 7, 6),
        Conv2d(kernel(6, 2, 3, 2), stride=(2, 1), padding=(2, 1), dilation=(1, 3), groups=2),
    )
    yield case(
        "even-kernel",
        "A kernel of even size, padded, gives one row and one column more than it is shown.",
        (1, 3, 4),
        Conv2d(kernel(2, 1, 2, 2), padding=(1, 1)),
    )
    for extent in ((1, 5), (5, 1), (2, 3)):
        yield case(
            f"kernel-of-{extent[0]}-by-{extent[1]}",
            f"A kernel of {extent[0]} rows and {extent[1]} columns.",
            (2, 6, 5),
            Conv2d(kernel(2, 2, *extent)),
        )
    yield case(
        "larger-than-the-input",
        "A kernel larger than the input, which fits thanks to the padding alone.",
        (1, 2, 3),
        Conv2d(kernel(2, 1, 5, 5), padding=(2, 2)),
        values=one_at_a_time(1, 2, 3),
    )
    yield case(
        "dilated-beyond-the-input",
        "Taps so far apart that some of them see nothing but padding.",
        (1, 3, 3),
        Conv2d(kernel(2, 1, 3, 3), padding=(2, 2), dilation=(2, 2)),
        values=one_at_a_time(1, 3, 3),
    )
    yield case(
        "whole-input",
        "A kernel of the size of the input gives one pixel.",
        (3, 4, 5),
        Conv2d(kernel(4, 3, 4, 5)),
    )
