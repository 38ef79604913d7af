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
from eideploy.program import Array, Conv2d, Dense, LIFNeuronFixed, Population, Projection, Stimulus

Shape = tuple[int, ...]


def kernel(*shape: int, step: int = 2) -> Array:
    """Weights ±step, ±2·step and so on in C order, in no symmetry, most of them positive."""
    index = np.arange(int(np.prod(shape)))
    signs = np.where((index * index + index // 3) % 5 < 3, 1, -1)
    return (signs * step * (index % 97 + 1)).reshape(shape)


def cases() -> Iterator[Case]:
    """Orientation, geometry, groups, lines, sizes, what is shown and what follows."""
    yield from _orientation()
    yield from _geometry()
    yield from _groups()
    yield from _lines()
    yield from _sizes()
    yield from _numbers()
    yield from _neighbours()


def _case(
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


def _one_at_a_time(*shape: int) -> Array:
    """One sample, in each step of which another pixel is on."""
    size = int(np.prod(shape))
    return np.eye(size, dtype=np.int64).reshape(1, size, *shape)


def _orientation() -> Iterator[Case]:
    yield _case(
        "single-pixels",
        "For each single pixel that is on, the whole kernel appears around it, turned by 180°.",
        (1, 3, 4),
        Conv2d(kernel(1, 1, 3, 3), padding=(1, 1)),
        values=_one_at_a_time(1, 3, 4),
        neuron=instant(8),
    )
    yield _case(
        "not-flipped",
        "The kernel is not flipped: its first weight meets the first pixel that it sees.",
        (1, 3, 3),
        Conv2d(np.array([[[[254, 0, 20], [0, 0, 0], [0, 0, -2]]]]), padding=(1, 1)),
        values=_one_at_a_time(1, 3, 3),
    )
    yield _case(
        "rows-and-columns",
        "The last axis of a kernel is that of a row of pixels; a square one shows an exchange.",
        (1, 4, 4),
        Conv2d(np.array([[[[2, 20, 200], [0, 0, 0], [0, 0, 0]]]])),
        values=_one_at_a_time(1, 4, 4),
    )
    yield _case(
        "channels-in-and-out",
        "The first axis of weights is the channel that receives, the second the one that sends.",
        (3, 2, 2),
        Conv2d(kernel(3, 3, 1, 1)),
        values=_one_at_a_time(3, 2, 2),
    )


def _geometry() -> Iterator[Case]:
    yield _case(
        "one-by-one",
        "A kernel of one pixel mixes channels only.",
        (4, 3, 2),
        Conv2d(kernel(5, 4, 1, 1)),
    )
    yield _case(
        "stride",
        "Windows two rows and three columns apart.",
        (2, 7, 8),
        Conv2d(kernel(2, 2, 3, 2), stride=(2, 3)),
    )
    yield _case(
        "stride-of-the-kernel",
        "Windows side by side that share no pixel, each pixel of them with a weight of its own.",
        (2, 6, 4),
        Conv2d(kernel(3, 2, 2, 2), stride=(2, 2)),
    )
    yield _case(
        "stride-leaves-rows-over",
        "Rows and columns that no further window fits into are left out, and they are the last.",
        (1, 6, 8),
        Conv2d(kernel(2, 1, 3, 3), stride=(2, 3)),
        values=_one_at_a_time(1, 6, 8),
    )
    yield _case(
        "stride-beyond-the-kernel",
        "Strides larger than the kernel skip pixels.",
        (1, 7, 7),
        Conv2d(kernel(2, 1, 2, 1), stride=(3, 2)),
        values=_one_at_a_time(1, 7, 7),
    )
    yield _case(
        "padding",
        "Zeros on both sides of rows and columns, one and two of them.",
        (2, 3, 3),
        Conv2d(kernel(2, 2, 3, 3), padding=(1, 2)),
    )
    yield _case(
        "padding-is-zero",
        "Beyond the border there is nothing, and not the border once more.",
        (1, 3, 4),
        Conv2d(kernel(1, 1, 3, 3), padding=(1, 1)),
        values=np.ones((1, 1, 1, 3, 4), dtype=np.int64),
        neuron=instant(20),
    )
    yield _case(
        "padding-of-one-axis",
        "Padding of columns alone.",
        (1, 4, 3),
        Conv2d(kernel(2, 1, 3, 2), padding=(0, 1)),
    )
    yield _case(
        "padding-with-stride",
        "With a stride, the first window starts in the padding, and the last may end before it.",
        (1, 6, 5),
        Conv2d(kernel(2, 1, 3, 3), stride=(2, 3), padding=(1, 2)),
        values=_one_at_a_time(1, 6, 5),
    )
    yield _case(
        "dilation",
        "The taps of a kernel are two rows and three columns apart.",
        (1, 6, 9),
        Conv2d(kernel(2, 1, 3, 3), dilation=(2, 3)),
    )
    yield _case(
        "dilation-of-one-axis",
        "A kernel spread along columns alone.",
        (2, 3, 7),
        Conv2d(kernel(1, 2, 2, 3), dilation=(1, 2)),
    )
    yield _case(
        "all-at-once",
        "Stride, padding, dilation and groups together, different along both axes.",
        (4, 7, 6),
        Conv2d(kernel(6, 2, 3, 2), stride=(2, 1), padding=(2, 1), dilation=(1, 3), groups=2),
    )
    yield _case(
        "even-kernel",
        "A kernel of even size, padded, gives one row and one column more than it is shown.",
        (1, 3, 4),
        Conv2d(kernel(2, 1, 2, 2), padding=(1, 1)),
    )
    for extent in ((1, 5), (5, 1), (2, 3)):
        yield _case(
            f"kernel-of-{extent[0]}-by-{extent[1]}",
            f"A kernel of {extent[0]} rows and {extent[1]} columns.",
            (2, 6, 5),
            Conv2d(kernel(2, 2, *extent)),
        )
    yield _case(
        "larger-than-the-input",
        "A kernel larger than the input, which fits thanks to the padding alone.",
        (1, 2, 3),
        Conv2d(kernel(2, 1, 5, 5), padding=(2, 2)),
        values=_one_at_a_time(1, 2, 3),
    )
    yield _case(
        "dilated-beyond-the-input",
        "Taps so far apart that some of them see nothing but padding.",
        (1, 3, 3),
        Conv2d(kernel(2, 1, 3, 3), padding=(2, 2), dilation=(2, 2)),
        values=_one_at_a_time(1, 3, 3),
    )
    yield _case(
        "whole-input",
        "A kernel of the size of the input gives one pixel.",
        (3, 4, 5),
        Conv2d(kernel(4, 3, 4, 5)),
    )


def _groups() -> Iterator[Case]:
    yield _case(
        "groups",
        "Channels in three groups: each target sees the channels of its own group alone.",
        (6, 3, 3),
        Conv2d(kernel(3, 2, 2, 2), groups=3),
        values=_one_at_a_time(6, 3, 3),
    )
    yield _case(
        "groups-of-several",
        "Of two groups, the first half of the targets belongs to the first.",
        (4, 2, 3),
        Conv2d(kernel(6, 2, 2, 2), groups=2),
    )
    yield _case(
        "depthwise",
        "With as many groups as channels, each channel is filtered by itself.",
        (4, 4, 3),
        Conv2d(kernel(4, 1, 3, 3), padding=(1, 1), groups=4),
    )
    yield _case(
        "depthwise-with-multiplier",
        "A channel that is filtered by itself may give several: they stand side by side.",
        (3, 3, 4),
        Conv2d(kernel(6, 1, 2, 3), groups=3),
    )


def _lines() -> Iterator[Case]:
    yield _case(
        "line",
        "A population [channel, position] counts as an image of one row.",
        (2, 7),
        Conv2d(kernel(3, 2, 1, 3)),
        target=(3, 5),
    )
    yield _case(
        "line-with-all",
        "Stride, padding, dilation and groups along a line.",
        (4, 9),
        Conv2d(kernel(4, 2, 1, 3), stride=(1, 2), padding=(0, 2), dilation=(1, 2), groups=2),
        target=(4, 5),
    )
    yield _case(
        "line-to-image",
        "A line that is padded above and below becomes an image of several rows.",
        (2, 4),
        Conv2d(kernel(1, 2, 2, 2), padding=(1, 0)),
    )
    yield _case(
        "image-to-line",
        "An image of which a kernel leaves one row may become a line.",
        (2, 3, 5),
        Conv2d(kernel(2, 2, 3, 2)),
        target=(2, 4),
    )


def _sizes() -> Iterator[Case]:
    yield _case(
        "many-channels",
        "Sums over 64 channels of 3 by 3 pixels into 16.",
        (64, 3, 3),
        Conv2d(kernel(16, 64, 3, 3)),
        values=spikes("convolution/many-channels", 1, 2, 64, 3, 3, rate=0.3),
    )
    yield _case(
        "tall-image",
        "An image of 24 rows and 2 columns.",
        (1, 24, 2),
        Conv2d(kernel(2, 1, 5, 2), stride=(3, 1)),
    )
    yield _case(
        "wide-image",
        "An image of 2 rows and 24 columns.",
        (1, 2, 24),
        Conv2d(kernel(2, 1, 2, 5), stride=(1, 3)),
    )


def _numbers() -> Iterator[Case]:
    shape, operator = (2, 4, 4), Conv2d(kernel(2, 2, 3, 3))
    random = spikes("convolution/graded", 4, 4, *shape)
    yield _case(
        "graded",
        "Graded inputs of both signs are multiplied by the weights.",
        shape,
        operator,
        entry=source(*shape, minimum=-8, maximum=8),
        values=random * (np.arange(32).reshape(shape) % 17 - 8),
    )
    yield _case(
        "excitatory-weights",
        "Weights of one sign alone may be odd and go up to 255.",
        (1, 3, 3),
        Conv2d(np.array([[[[255, 1], [127, 254]]], [[[0, 3], [128, 253]]]])),
        sign="excitatory",
    )
    yield _case(
        "inhibitory-weights",
        "Weights of one sign alone may be odd and go down to −255.",
        (1, 3, 3),
        Conv2d(-np.array([[[[255, 1], [127, 254]]], [[[0, 3], [128, 253]]]])),
        neuron=instant(bias_mantissa=350, bias_exponent=6),
        sign="inhibitory",
    )
    yield _case(
        "extreme-weights",
        "Weights of both signs go from −256 to 254.",
        (1, 3, 3),
        Conv2d(np.array([[[[-256, 254], [0, 2]]], [[[254, -2], [-256, 252]]]])),
    )
    yield _case(
        "exponent",
        "A weight exponent shifts the sum of a window to the left.",
        shape,
        operator,
        exponent=3,
    )
    yield _case(
        "negative-exponent",
        "A negative exponent shifts the sum of a window, not each weight, and rounds to −∞.",
        shape,
        operator,
        exponent=-3,
    )


def _neighbours() -> Iterator[Case]:
    values = spikes("convolution/in-a-row", 2, 5, 2, 5, 5)
    first, second = kernel(3, 2, 3, 3), kernel(2, 3, 2, 2)
    images = (
        source(2, 5, 5),
        layer("a", instant(120), 3, 3, 3),
        Projection("in", "a", Conv2d(first), delay=1),
    )
    yield Case(
        "convolution/two-in-a-row",
        "What a convolution gives is seen by the next as an image of as many channels.",
        network(
            *images,
            layer("out", instant(20), 2, 2, 2, offset=2),
            Projection("a", "out", Conv2d(second), delay=1),
        ),
        shown(values),
    )
    yield Case(
        "convolution/flattened",
        "Matrices behind an image take its neurons channel by channel, row by row.",
        network(
            *images,
            layer("out", instant(20), 4, offset=2),
            Projection("a", "out", Dense(kernel(4, 27)), delay=1),
        ),
        shown(values),
    )
    yield Case(
        "convolution/two-into-one",
        "Two convolutions of different kernels add up in the neurons that they lead to.",
        network(
            source(1, 5, 5, name="in"),
            source(2, 3, 3, name="other"),
            layer("out", instant(40), 2, 3, 3),
            Projection("in", "out", Conv2d(kernel(2, 1, 3, 3)), delay=1),
            Projection("other", "out", Conv2d(kernel(2, 2, 1, 1)), delay=1),
        ),
        Stimulus(
            {
                "in": spikes("convolution/two-into-one", 2, 4, 1, 5, 5),
                "other": spikes("convolution/two-into-one, other", 2, 4, 2, 3, 3),
            }
        ),
    )
