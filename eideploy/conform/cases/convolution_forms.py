"""Convolutions in their forms: groups, lines, sizes, numbers, and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import source
from eideploy.conform.cases.convolution import case, kernel, one_at_a_time
from eideploy.conform.cases.wiring import instant, layer, network, shown, spikes
from eideploy.program import Conv2d, Dense, Projection, Stimulus


def cases() -> Iterator[Case]:
    """Groups, lines, sizes, what is shown and what follows."""
    yield from _groups()
    yield from _lines()
    yield from _sizes()
    yield from _numbers()
    yield from _neighbours()


def _groups() -> Iterator[Case]:
    yield case(
        "groups",
        "Channels in three groups: each target sees the channels of its own group alone.",
        (6, 3, 3),
        Conv2d(kernel(3, 2, 2, 2), groups=3),
        values=one_at_a_time(6, 3, 3),
    )
    yield case(
        "groups-of-several",
        "Of two groups, the first half of the targets belongs to the first.",
        (4, 2, 3),
        Conv2d(kernel(6, 2, 2, 2), groups=2),
    )
    yield case(
        "depthwise",
        "With as many groups as channels, each channel is filtered by itself.",
        (4, 4, 3),
        Conv2d(kernel(4, 1, 3, 3), padding=(1, 1), groups=4),
    )
    yield case(
        "depthwise-with-multiplier",
        "A channel that is filtered by itself may give several: they stand side by side.",
        (3, 3, 4),
        Conv2d(kernel(6, 1, 2, 3), groups=3),
    )


def _lines() -> Iterator[Case]:
    yield case(
        "line",
        "A population [channel, position] counts as an image of one row.",
        (2, 7),
        Conv2d(kernel(3, 2, 1, 3)),
        target=(3, 5),
    )
    yield case(
        "line-with-all",
        "Stride, padding, dilation and groups along a line.",
        (4, 9),
        Conv2d(kernel(4, 2, 1, 3), stride=(1, 2), padding=(0, 2), dilation=(1, 2), groups=2),
        target=(4, 5),
    )
    yield case(
        "line-to-image",
        "A line that is padded above and below becomes an image of several rows.",
        (2, 4),
        Conv2d(kernel(1, 2, 2, 2), padding=(1, 0)),
    )
    yield case(
        "image-to-line",
        "An image of which a kernel leaves one row may become a line.",
        (2, 3, 5),
        Conv2d(kernel(2, 2, 3, 2)),
        target=(2, 4),
    )


def _sizes() -> Iterator[Case]:
    yield case(
        "many-channels",
        "Sums over 64 channels of 3 by 3 pixels into 16.",
        (64, 3, 3),
        Conv2d(kernel(16, 64, 3, 3)),
        values=spikes("convolution/many-channels", 1, 2, 64, 3, 3, rate=0.3),
    )
    yield case(
        "tall-image",
        "An image of 24 rows and 2 columns.",
        (1, 24, 2),
        Conv2d(kernel(2, 1, 5, 2), stride=(3, 1)),
    )
    yield case(
        "wide-image",
        "An image of 2 rows and 24 columns.",
        (1, 2, 24),
        Conv2d(kernel(2, 1, 2, 5), stride=(1, 3)),
    )


def _numbers() -> Iterator[Case]:
    shape, operator = (2, 4, 4), Conv2d(kernel(2, 2, 3, 3))
    random = spikes("convolution/graded", 4, 4, *shape)
    yield case(
        "graded",
        "Graded inputs of both signs are multiplied by the weights.",
        shape,
        operator,
        entry=source(*shape, minimum=-8, maximum=8),
        values=random * (np.arange(32).reshape(shape) % 17 - 8),
    )
    yield case(
        "excitatory-weights",
        "Weights of one sign alone may be odd and go up to 255.",
        (1, 3, 3),
        Conv2d(np.array([[[[255, 1], [127, 254]]], [[[0, 3], [128, 253]]]])),
        sign="excitatory",
    )
    yield case(
        "inhibitory-weights",
        "Weights of one sign alone may be odd and go down to −255.",
        (1, 3, 3),
        Conv2d(-np.array([[[[255, 1], [127, 254]]], [[[0, 3], [128, 253]]]])),
        neuron=instant(bias_mantissa=350, bias_exponent=6),
        sign="inhibitory",
    )
    yield case(
        "extreme-weights",
        "Weights of both signs go from −256 to 254.",
        (1, 3, 3),
        Conv2d(np.array([[[[-256, 254], [0, 2]]], [[[254, -2], [-256, 252]]]])),
    )
    yield case(
        "exponent",
        "A weight exponent shifts the sum of a window to the left.",
        shape,
        operator,
        exponent=3,
    )
    yield case(
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
