"""State at the ends of samples: where it starts anew, and where it is carried over."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import lif, matrix, show, source
from eideploy.conform.cases.build_neurons import case
from eideploy.program import IntegratorFixed, Neuron, Population, Program, Projection

SLOW = {"current_decay": 2047, "voltage_decay": 100, "threshold": 30}
"""u and v both last for some steps."""

HIGH = [0, 3, 29, 12]
"""A sample that ends with a high v and u."""


def cases() -> Iterator[Case]:
    """A population by itself, then several, then what is on its way between them."""
    yield from _alone()
    yield from _layers()
    yield from _loops()


def _alone() -> Iterator[Case]:
    yield case(
        "carry/not-the-potential",
        "A sample that ends with v just below θ leaves nothing of it to the next.",
        lif(threshold=[10, 20, 131071]),
        [9, 0],
        [2, 8],
        [1, 9],
    )
    yield case(
        "carry/not-the-current",
        "A sample that ends with a high u leaves nothing of it to the next.",
        lif(current_decay=[0, 1023, 2047], voltage_decay=4096),
        [0, 9],
        [2, 0],
        [0, 0],
    )
    yield case(
        "carry/not-below-zero",
        "A sample that ends far below 0 does not inhibit the next.",
        lif(**SLOW),
        [0, -1000, -2000],
        [31, 31, 0],
        [0, 31, 31],
    )
    yield case(
        "carry/the-same-twice",
        "The same sample gives the same, whatever was shown before it.",
        lif(threshold=[25, 30, 35], current_decay=[0, 2047, 1000], voltage_decay=[0, 50, 500]),
        HIGH,
        [31, -40, 9, 20],
        HIGH,
        [0, 0, 0, 0],
        HIGH,
    )
    yield case(
        "carry/both",
        "Without a reset phase u and v go on from sample to sample, decaying in each step.",
        lif(**SLOW),
        HIGH,
        [0, 0, 0, 0],
        [1, 0, 0, 0],
        reset_phase=None,
    )
    yield case(
        "carry/spikes-across-samples",
        "Without a reset phase inputs of several samples add up to a spike.",
        lif(threshold=[10, 20, 29, 30]),
        *[[3, 2]] * 6,
        reset_phase=None,
    )
    yield case(
        "carry/one-step-samples",
        "Samples of a single step each are reset one by one.",
        lif(threshold=[4, 5, 9, 10], current_decay=0),
        *[[5], [5], [-5], [6], [0], [10]],
    )
    yield case(
        "carry/one-step-samples-carried",
        "Samples of a single step each, without a reset phase, are one long sample.",
        lif(threshold=[4, 5, 9, 10], current_decay=0),
        *[[5], [5], [-5], [6], [0], [10]],
        reset_phase=None,
    )
    yield case(
        "carry/reset-in-step-1",
        "A reset phase of 1 keeps state for the first step of the next sample, and no longer.",
        lif(**SLOW),
        HIGH,
        [0, 0, 12, 0],
        [18, 13, 18, 0],
        reset_phase=1,
    )
    yield case(
        "carry/reset-in-the-last-step",
        "A reset phase of T − 1 resets before the last step: that one is seen by the next sample.",
        lif(**SLOW),
        HIGH,
        [0, 0, 12, 20],
        [18, 13, 18, 0],
        reset_phase=3,
    )
    yield case(
        "carry/reset-comes-first",
        "The reset of a step comes before its input, which counts.",
        lif(**SLOW),
        [0, 0, 29, 5],
        [0, 0, 31, 5],
        reset_phase=2,
    )
    yield case(
        "carry/initial-each-time",
        "An integrator that starts at a value starts there in every sample.",
        IntegratorFixed(2047, 512, 0, 0, initial=np.array([1000, -1000, 63, 0])),
        [1, -2, 0],
        [0, 0, 0],
        [5, 0, 0],
    )
    yield case(
        "carry/initial-once",
        "Without a reset phase it starts there once, in the first sample.",
        IntegratorFixed(2047, 512, 0, 0, initial=np.array([1000, -1000, 63, 0])),
        [1, -2, 0],
        [0, 0, 0],
        [5, 0, 0],
        reset_phase=None,
    )
    yield case(
        "carry/initial-after-a-late-reset",
        "A late reset sets it back to its value, not to 0.",
        IntegratorFixed(2047, 512, 0, 0, initial=np.array([1000, -1000, 63, 0])),
        [1, -2, 0],
        [0, 0, 0],
        [5, 0, 0],
        reset_phase=1,
    )


def _layers() -> Iterator[Case]:
    yield Case(
        "carry/deep-layers-reset-later",
        "A deep layer is reset when its own first step comes, not when that of the input does.",
        _chain(lif(**SLOW), lif(threshold=5, current_decay=2047), lif(threshold=3)),
        show([0, 31, 31, 31], [0, 0, 31, 31], [31, 0, 0, 0]),
    )
    yield Case(
        "carry/last-spikes-arrive",
        "What a layer emits in the last step of a sample acts in the last step of the next layer, "
        "and not in the next sample.",
        _chain(lif(), lif(threshold=1), lif(threshold=1)),
        show([0, 0, 11], [0, 0, 0], [11, 0, 11]),
    )
    yield Case(
        "carry/each-population-its-own",
        "One population may be reset, another carried, and a third reset late.",
        _chain(lif(**SLOW), lif(threshold=4), lif(threshold=5), phases=(0, None, 2)),
        show([31, 31, 0, 31], [0, 31, 31, 31], [31, 31, 31, 31], [31, 0, 0, 0]),
    )


def _loops() -> Iterator[Case]:
    yield Case(
        "carry/not-what-is-on-its-way",
        "What a loop sends in the last steps of a sample is lost between the samples.",
        _loop(lif(threshold=1), reset_phase=0),
        show([0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]),
    )
    yield Case(
        "carry/still-between-samples",
        "Between two samples carried state is held: it neither decays nor takes in its bias.",
        _loop(
            lif(
                threshold=50,
                bias_mantissa=77,
                voltage_decay=300,
                current_decay=1023,
                current_bias=1,
            ),
            reset_phase=None,
        ),
        show([1, 1, 0, 0], [0, 0, 0, 0], [0, 1, 1, 1]),
    )


def _chain(*layers: Neuron, phases: tuple[int | None, ...] = (0, 0, 0)) -> Program:
    """An input of up to 31, and neurons one behind the other, by weights of 1 and then 2."""
    names = ["in", *(f"layer{index}" for index, _ in enumerate(layers, start=1))]
    populations = [
        Population(name, (1,), neuron, offset, phase)
        for offset, (name, neuron, phase) in enumerate(
            zip(names[1:], layers, phases, strict=True), start=1
        )
    ]
    return Program(
        (source(maximum=31), *populations),
        tuple(
            Projection(
                before, after, matrix(1 if before == "in" else 2), delay=1, sign="excitatory"
            )
            for before, after in pairwise(names)
        ),
        "integer",
        (names[-1],),
    )


def _loop(neuron: Neuron, *, reset_phase: int | None) -> Program:
    """A neuron that excites itself 1, 2 and 3 steps later."""
    return Program(
        (source(), Population("out", (1,), neuron, 1, reset_phase)),
        (
            Projection("in", "out", matrix(20), delay=1, sign="excitatory"),
            *(Projection("out", "out", matrix(2 * lag), delay=lag) for lag in (1, 2, 3)),
        ),
        "integer",
        ("out",),
    )
