"""When a spike arrives: each number of steps, paths that meet, and what comes too late.

A projection whose delay is longer than the offset between its ends by k steps delivers in step t
what its source emitted in step t − k, and nothing in the first k steps of a sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import circuit, lif, matrix, show, source
from eideploy.conform.cases.wiring import instant, layer, network, one_to_one, spikes
from eideploy.program import (
    Conv2d,
    Dense,
    IntegratorFixed,
    Program,
    Projection,
    Relay,
    Stimulus,
)

PATTERN = (1, 0, 1, 1, 0, 0, 0, 1)
"""Spikes whose distances are all different, so that no shift of them looks like another."""


def cases() -> Iterator[Case]:
    """Each length, waiting without delay, meeting paths, ends of samples, all operators."""
    for first in (0, 16, 32, 46):
        yield _every(first, first + 15)
    yield from _lengths()
    yield from _meetings()
    yield from _ends()
    yield from _parts()
    yield from _strides()


def _case(name: str, claim: str, program: Program, *samples: Any) -> Case:
    stimulus = samples[0] if isinstance(samples[0], Stimulus) else show(*samples)
    return Case(f"delays/{name}", claim, program, stimulus)


def _late(steps: int) -> Program:
    """An input and a neuron behind it, to which spikes come `steps` steps late."""
    return network(
        source(),
        layer("out", instant()),
        Projection("in", "out", matrix(2), delay=1 + steps),
    )


def _every(first: int, last: int) -> Case:
    """A neuron for each number of steps, with synapses of its own."""
    late = range(first, last + 1)
    rows = np.eye(len(late), dtype=np.int64)[:, :, None] * 2
    return _case(
        f"every-step-{first}-to-{last}",
        f"Delays of each length from {first} to {last} steps beyond the shortest are kept.",
        network(
            source(),
            layer("out", instant(), len(late)),
            *(
                Projection("in", "out", Dense(row), delay=1 + steps)
                for steps, row in zip(late, rows, strict=True)
            ),
        ),
        [*PATTERN, *[0] * (last + 1 - len(PATTERN) + 4)],
    )


def _lengths() -> Iterator[Case]:
    yield _case(
        "none-within-a-step",
        "Without delay beyond the shortest, a spike acts within its own logical step.",
        _late(0),
        PATTERN,
    )
    yield _case(
        "waiting-takes-no-time",
        "A delay that an offset of the target makes up for costs no logical time.",
        network(
            source(),
            layer("out", instant(), offset=62),
            Projection("in", "out", matrix(2), delay=62),
        ),
        PATTERN,
        PATTERN[::-1],
    )
    yield _case(
        "a-late-input",
        "An input may have an offset itself; only the difference to that of its target counts.",
        network(
            layer("in", source().neuron, offset=2),
            layer("out", instant(), offset=7),
            Projection("in", "out", matrix(2), delay=6),
        ),
        PATTERN,
        PATTERN[::-1],
    )
    yield _case(
        "added-up-by-a-relay",
        "A relay on the way adds up delays: 61 steps before it and 39 behind are 100.",
        network(
            source(),
            layer("wait", Relay()),
            layer("out", instant(), offset=2),
            Projection("in", "wait", matrix(2), delay=62),
            Projection("wait", "out", matrix(2), delay=40),
        ),
        [*PATTERN, *[0] * 97],
    )
    yield _case(
        "62-steps",
        "A delay of 62 steps beyond the shortest, 63 hardware steps in all, is kept.",
        _late(62),
        [*PATTERN, *[0] * 58],
    )
    yield _case(
        "many-on-the-way",
        "A spike in each step, and all of them on the way at once: none overtakes another.",
        _late(9),
        [*[1] * 7, 0, *[1] * 3, 0, 0, *[1] * 11],
    )


def _meetings() -> Iterator[Case]:
    both = {"voltage_decay": 4096, "threshold": 3}
    yield _case(
        "paths-meet",
        "Spikes that take one hop and three meet in the step that they left in.",
        network(
            source(),
            layer("a", lif(threshold=1)),
            layer("b", lif(threshold=1), offset=2),
            layer("out", lif(**both), offset=3),
            Projection("in", "a", matrix(2), delay=1),
            Projection("a", "b", matrix(2), delay=1),
            Projection("b", "out", matrix(2), delay=1),
            Projection("in", "out", matrix(2), delay=3),
        ),
        PATTERN,
    )
    yield _case(
        "paths-meet-late",
        "Where one path takes two steps longer, spikes meet that left two steps apart.",
        network(
            source(),
            layer("a", lif(threshold=1)),
            layer("out", lif(**both), offset=2),
            Projection("in", "a", matrix(2), delay=3),
            Projection("a", "out", matrix(2), delay=1),
            Projection("in", "out", matrix(2), delay=2),
        ),
        [1, 0, 1, 0, 0, 1, 1, 0, 1, 1, 1, 0, 0],
    )
    yield _case(
        "two-between-the-same",
        "Two projections between the same populations keep a delay and a weight each.",
        network(
            source(),
            layer("out", instant([3, 5, 9]), 3),
            Projection("in", "out", matrix([[4], [4], [4]]), delay=1),
            Projection("in", "out", matrix([[6], [6], [6]]), delay=4),
        ),
        [*PATTERN, 0, 0, 0],
    )
    yield _case(
        "residual-sums",
        "A sum of spikes over a shortcut can be 2 or 3, and is handed on as that.",
        network(
            source(3),
            layer("first", lif(threshold=1), 3),
            layer("second", lif(threshold=1), 3, offset=2),
            layer("sum", Relay(), 3, offset=3),
            layer("out", instant([3, 5, 7]), 3, offset=4),
            Projection("in", "first", one_to_one(), delay=1),
            Projection("first", "second", one_to_one(2, 2, 0), delay=1),
            Projection("second", "sum", one_to_one(1), delay=1, sign="excitatory"),
            Projection("first", "sum", one_to_one(1), delay=2, sign="excitatory"),
            Projection("in", "sum", one_to_one(1), delay=3, sign="excitatory"),
            Projection("sum", "out", one_to_one(), delay=1),
        ),
        Stimulus({"in": spikes("delays/residual-sums", 2, 8, 3, rate=0.6)}),
    )
    yield _case(
        "ports-of-their-own",
        "What excites and what divides may have delays of their own.",
        network(
            source(name="in"),
            source(name="other"),
            layer("out", circuit(voltage_decay=4096, threshold=10_000)),
            Projection("in", "out", matrix(8), "balanced", delay=2),
            Projection("other", "out", matrix(4), "shunt", delay=4),
        ),
        Stimulus({name: _column(values) for name, values in _TWO.items()}),
    )


_TWO = {"in": [1, 1, 0, 1, 1, 1, 0, 1, 1, 0], "other": [1, 0, 0, 1, 1, 0, 1, 0, 0, 0]}


def _column(values: list[int]) -> np.ndarray[Any, Any]:
    """One sample of one neuron."""
    return np.array(values)[None, :, None]


def _ends() -> Iterator[Case]:
    first, last, silent = [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1], [0] * 6
    yield _case(
        "arrives-in-the-last-step",
        "A spike that is 5 steps late arrives in the last of 6 steps, and counts.",
        _late(5),
        first,
        silent,
    )
    for steps in (1, 3, 5):
        yield _case(
            f"too-late-by-{steps}",
            "A spike that would arrive after the last step is lost; the next sample sees nothing.",
            _late(steps),
            last,
            silent,
            [1] * 6,
            silent,
        )
    yield _case(
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
    yield _case(
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
    yield _case(
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
    yield _case(
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
    yield _case(
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
    yield _case(
        "convolution",
        "A convolution sees all of an image as it was some steps ago.",
        network(
            source(2, 3, 4),
            layer("out", instant(5), 1, 2, 3),
            Projection("in", "out", Conv2d(2 * np.arange(-3, 5).reshape(1, 2, 2, 2)), delay=4),
        ),
        Stimulus({"in": values}),
    )
    yield _case(
        "one-to-one",
        "Synapses from one to one, with a weight each, can be delayed as any others.",
        network(
            source(4),
            layer("out", instant(4), 4),
            Projection("in", "out", one_to_one(2, 6, -8, 10), delay=3),
        ),
        Stimulus({"in": spikes("delays/one-to-one", 2, 7, 4)}),
    )
    yield _case(
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
        yield _case(
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
