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
    Dense,
    Program,
    Projection,
    Relay,
    Stimulus,
)

PATTERN = (1, 0, 1, 1, 0, 0, 0, 1)
"""Spikes whose distances are all different, so that no shift of them looks like another."""


def cases() -> Iterator[Case]:
    """Each length, waiting without delay, and paths that meet."""
    for first in (0, 16, 32, 46):
        yield _every(first, first + 15)
    yield from _lengths()
    yield from _meetings()


def case(name: str, claim: str, program: Program, *samples: Any) -> Case:
    """A case of this topic; a stimulus, or samples of one input."""
    stimulus = samples[0] if isinstance(samples[0], Stimulus) else show(*samples)
    return Case(f"delays/{name}", claim, program, stimulus)


def late(steps: int) -> Program:
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
    return case(
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
    yield case(
        "none-within-a-step",
        "Without delay beyond the shortest, a spike acts within its own logical step.",
        late(0),
        PATTERN,
    )
    yield case(
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
    yield case(
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
    yield case(
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
    yield case(
        "62-steps",
        "A delay of 62 steps beyond the shortest, 63 hardware steps in all, is kept.",
        late(62),
        [*PATTERN, *[0] * 58],
    )
    yield case(
        "many-on-the-way",
        "A spike in each step, and all of them on the way at once: none overtakes another.",
        late(9),
        [*[1] * 7, 0, *[1] * 3, 0, 0, *[1] * 11],
    )


def _meetings() -> Iterator[Case]:
    both = {"voltage_decay": 4096, "threshold": 3}
    yield case(
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
    yield case(
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
    yield case(
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
    yield case(
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
    yield case(
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
