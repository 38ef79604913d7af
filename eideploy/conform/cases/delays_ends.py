"""Delays at the ends of samples, of all operators and neurons, and where steps are several long."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import lif, matrix, source
from eideploy.conform.cases.delays import PATTERN, case, late
from eideploy.conform.cases.wiring import instant, layer, network, one_to_one, spikes
from eideploy.program import (
    Conv2d,
    IntegratorFixed,
    Projection,
    Stimulus,
)


def cases() -> Iterator[Case]:
    """Ends of samples, all operators, strides."""
    yield from _ends()
    yield from _parts()
    yield from _strides()


def _ends() -> Iterator[Case]:
    first, last, silent = [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1], [0] * 6
    yield case(
        "arrives-in-the-last-step",
        "A spike that is 5 steps late arrives in the last of 6 steps, and counts.",
        late(5),
        first,
        silent,
    )
    for steps in (1, 3, 5):
        yield case(
            f"too-late-by-{steps}",
            "A spike that would arrive after the last step is lost; the next sample sees nothing.",
            late(steps),
            last,
            silent,
            [1] * 6,
            silent,
        )
    yield case(
        "longer-than-a-sample",
        "A delay longer than a sample delivers nothing at all, in whichever sample.",
        network(
            source(),
            layer("out", instant()),
            Projection("in", "out", one_to_one(2), delay=1),
            Projection("in", "out", one_to_one(10), delay=9),
        ),
        [1, 1, 1],
        [0, 1, 0],
        [1, 0, 1],
        [0, 0, 0],
        [0, 0, 1],
    )
    yield case(
        "too-late-for-what-is-carried",
        "A spike that comes too late is lost also where the state goes on from sample to sample.",
        network(
            source(),
            layer("out", lif(threshold=3), reset_phase=None),
            Projection("in", "out", matrix(2), delay=3),
        ),
        [1, 0, 0, 1],
        [0, 1, 1, 0],
        [0, 0, 0, 0],
        [1, 1, 0, 0],
    )
    yield case(
        "too-late-graded",
        "Graded values that come too late are lost as spikes are.",
        network(
            source(minimum=-9, maximum=9),
            layer("mean", IntegratorFixed(4095, 2048, 0, 0, shift=4)),
            layer("out", instant(20), offset=2),
            Projection("in", "mean", matrix(6), delay=1),
            Projection("mean", "out", matrix(2), delay=4),
        ),
        [9, -9, 5, 3, -7, 8],
        [0, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
    )
    yield case(
        "deep-and-late",
        "In a deep network too, nothing of a sample is seen by the next.",
        network(
            source(),
            *(layer(f"p{depth}", lif(threshold=1), offset=depth) for depth in range(1, 6)),
            layer("out", instant(), offset=6),
            Projection("in", "p1", matrix(2), delay=1),
            *(Projection(f"p{i}", f"p{i + 1}", matrix(2), delay=2) for i in range(1, 5)),
            Projection("p5", "out", matrix(2), delay=1),
        ),
        [1, 1, 0, 0, 1, 1],
        silent,
        first,
    )


def _parts() -> Iterator[Case]:
    yield case(
        "graded-values",
        "A delayed graded value keeps its size and its sign.",
        network(
            source(minimum=-128, maximum=127),
            layer("out", instant(100)),
            Projection("in", "out", matrix(6), delay=4),
        ),
        [127, -128, 1, -1, 0, 64, -64, 3, 0, 0, 0],
    )
    values = spikes("delays/convolution", 2, 7, 2, 3, 4)
    yield case(
        "convolution",
        "A convolution sees all of an image as it was some steps ago.",
        network(
            source(2, 3, 4),
            layer("out", instant(5), 1, 2, 3),
            Projection("in", "out", Conv2d(2 * np.arange(-3, 5).reshape(1, 2, 2, 2)), delay=4),
        ),
        Stimulus({"in": values}),
    )
    yield case(
        "one-to-one",
        "Synapses from one to one, with a weight each, can be delayed as any others.",
        network(
            source(4),
            layer("out", instant(4), 4),
            Projection("in", "out", one_to_one(2, 6, -8, 10), delay=3),
        ),
        Stimulus({"in": spikes("delays/one-to-one", 2, 7, 4)}),
    )
    yield case(
        "with-exponents",
        "Of two projections with exponents, each scales what it delivers in its own step.",
        network(
            source(3),
            layer("out", instant([30, 8]), 2),
            Projection("in", "out", matrix([[2, -4, 6], [10, 2, 2]]), delay=3, exponent=2),
            Projection("in", "out", matrix([[-6, 2, 8], [2, -12, 4]]), delay=2, exponent=-2),
        ),
        Stimulus({"in": spikes("delays/with-exponents", 2, 8, 3)}),
    )


def _strides() -> Iterator[Case]:
    for stride, steps in ((2, 1), (3, 2), (4, 15)):
        yield case(
            f"{steps}-steps-of-{stride}",
            f"Where a logical step is {stride} hardware steps, a delay of {steps} is "
            f"{stride * steps} of them.",
            network(
                source(),
                layer("out", instant()),
                Projection("in", "out", matrix(2), delay=1 + stride * steps),
                stride=stride,
            ),
            [*PATTERN, *[0] * steps],
            [0] * 7 + [1] * (steps + 1),
        )
