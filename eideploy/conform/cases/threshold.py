"""The test of LIF neurons: v > 2⁶·threshold, strictly, after integration."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import lif, source
from eideploy.conform.cases.build_neurons import case
from eideploy.program import Identity, Population, Program, Projection, Stimulus

FORGETS = {"voltage_decay": 4096}
"""v keeps nothing, so that each step is a test of its own."""

POWERS = [2**k for k in range(17)]


def cases() -> Iterator[Case]:
    """Where it lies, what is tested, which neuron has which."""
    yield from _around()
    yield from _what()
    yield from _which()


def _around() -> Iterator[Case]:
    yield case(
        "threshold/equality-is-no-spike",
        "The test is strict: v = 2⁶·θ is no spike.",
        lif(**FORGETS, threshold=[1, 10, 80, 5000]),
        [[1, 10, 80, 5000]] * 3,
    )
    yield case(
        "threshold/input-below-at-above",
        "An input of θ − 1 or θ does not make a neuron spike, one of θ + 1 does.",
        lif(**FORGETS, threshold=[10, 10, 10, 800]),
        [[9, 10, 11, 799], [11, 9, 10, 800], [10, 11, 9, 801]],
    )
    yield case(
        "threshold/one-unit-of-v",
        "A single unit of v decides, a 64th of what an input counts: 2⁶·θ + 1 spikes.",
        lif(**FORGETS, bias_mantissa=[-64, -63, -1, 0, 1, 2, 63, 64]),
        [10, 9, 11, 10],
    )
    yield case(
        "threshold/reached-in-several-steps",
        "A sum of inputs that ends at 2⁶·θ is no spike, and one more makes it one.",
        lif(),
        [3, 3, 4, 0, 1, 5, 5, 0, 1],
    )
    yield case(
        "threshold/reached-under-decay",
        "A leaky v that rises 636, 639, 640, 641 spikes at 641 if 2⁶·θ is 640.",
        lif(voltage_decay=2048, bias_mantissa=[0, 1, 2, -1]),
        [5] * 24,
    )
    yield case(
        "threshold/left-behind",
        "v that lies at 2⁶·θ does not spike however long it lies there.",
        lif(),
        [10, *[0] * 9],
    )


def _what() -> Iterator[Case]:
    yield case(
        "threshold/input-of-this-step",
        "What arrives in a step is integrated before the test of that step, the first included.",
        lif(**FORGETS),
        [11, 0, 11, 11, 0],
        [0, 11, 0, 0, 11],
    )
    yield case(
        "threshold/negative-potential",
        "v far below 0 is no spike: the test is of v, not of its size.",
        lif(threshold=[0, 10, 11]),
        [-11, -500, 0, 511, 11],
    )
    yield case(
        "threshold/zero",
        "With θ = 0 a v of 0 is no spike, and a v of 1 is one.",
        lif(**FORGETS, threshold=0, bias_mantissa=[0, 1, -1, 64, -64]),
        [0, 1, 0, -1, 0],
    )
    yield case(
        "threshold/largest",
        "With θ = 131071, the largest, 2⁶·θ is no spike and 2⁶·θ + 1 to 2²³ − 1 are.",
        lif(**FORGETS, threshold=131071, bias_mantissa=[-1, 0, 1, 62, 63, 64]),
        [131071, 131070, 131071],
    )


def _which() -> Iterator[Case]:
    yield case(
        "threshold/powers-of-two",
        "2⁶·θ is held in full for every θ = 2^k up to 2¹⁶.",
        lif(**FORGETS, threshold=POWERS),
        [[theta + more for theta in POWERS] for more in (0, 1, -1)],
    )
    yield case(
        "threshold/each-neuron-its-own",
        "Every neuron is tested against its own θ.",
        lif(threshold=[0, 1, 2, 3, 5, 8, 13, 21]),
        [1] * 24,
    )
    shape = (3, 2, 2)
    theta = np.array([2, 4, 7]).reshape(3, 1, 1)
    shown = np.full((1, 16, *shape), 1) + np.array([0, 1]).reshape(1, 2, 1)
    yield Case(
        "threshold/each-channel-its-own",
        "Thresholds of shape [c, 1, 1] are one for each channel, the first axis.",
        Program(
            (source(*shape, maximum=2), Population("out", shape, lif(threshold=theta), 1)),
            (Projection("in", "out", Identity(np.array(1)), delay=1),),
            "integer",
            ("out",),
        ),
        Stimulus({"in": shown}),
    )
