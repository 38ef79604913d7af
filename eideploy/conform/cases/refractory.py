"""The refractory period of LIF neurons: v is held and not tested for some steps after a spike."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import lif, matrix, show, source
from eideploy.conform.cases.build_floating import lif as floating_lif
from eideploy.conform.cases.build_neurons import case
from eideploy.program import Population, Program, Projection

ALWAYS = [11] * 12
"""Without refractory period a neuron of θ = 10 spikes in each of these steps."""

PERIODS = [0, 1, 2, 5]


def cases() -> Iterator[Case]:
    """How long it is, what goes on in it, where it ends."""
    yield from _length()
    yield from _meanwhile()
    yield from _end()
    yield from _in_floating_point()


def _length() -> Iterator[Case]:
    yield case(
        "refractory/none",
        "With a period of 0 a neuron can spike in every step.",
        lif(refractory=0),
        ALWAYS,
    )
    yield case(
        "refractory/one",
        "With a period of 1 a neuron that is driven all the time spikes in every other step.",
        lif(refractory=1),
        ALWAYS,
    )
    yield case(
        "refractory/several",
        "With a period of r there are r silent steps between two spikes, and no more.",
        lif(refractory=3),
        [0, *ALWAYS],
    )
    yield case(
        "refractory/longest",
        "A period can be 63 steps.",
        lif(refractory=[62, 63]),
        [11] * 130,
    )
    yield case(
        "refractory/each-neuron-its-own",
        "Periods differ from neuron to neuron, 0 among them.",
        lif(refractory=[*PERIODS, 3, 7]),
        [11] * 20,
    )
    yield case(
        "refractory/after-a-spike-only",
        "A neuron is refractory after its own spike: not before the first, nor after another's.",
        lif(refractory=4),
        [[0, 11, 5], [0, 11, 5], [11, 0, 5], [11, 0, 5], [11, 11, 0], [0, 11, 11], [11, 11, 11]],
    )


def _meanwhile() -> Iterator[Case]:
    yield case(
        "refractory/input-is-lost",
        "What arrives in the period does not reach v, where u forgets it.",
        lif(refractory=PERIODS),
        [11, 9, 9, 9, 9, 9, 0, 1, 1, 9],
    )
    yield case(
        "refractory/current-goes-on",
        "u decays and takes input in the period as ever, and drives v with what it is then.",
        lif(refractory=PERIODS, current_decay=1023),
        [11, 8, 0, 0, -3, 0, 0, 4, 0, 0, 0, 0],
    )
    yield case(
        "refractory/bias-is-lost",
        "In the period v gets no bias; the first step after it counts again.",
        lif(refractory=PERIODS, bias_mantissa=[300, 641, 350, -5]),
        [11, *[0] * 9],
    )
    yield case(
        "refractory/bias-of-the-current-goes-on",
        "The bias of the current is one of u, which goes on.",
        lif(refractory=PERIODS, current_bias=2, current_decay=2047),
        [9, *[0] * 11],
    )
    yield case(
        "refractory/no-leak",
        "In the period v stays where the reset left it: it does not leak.",
        lif(refractory=PERIODS, reset_to=[601, 601, -601, -601], voltage_decay=2048),
        [11, *[0] * 9],
    )
    yield case(
        "refractory/soft-reset-waits",
        "What a soft reset leaves is held, and spikes after the period if it still can.",
        lif(refractory=PERIODS, reset="subtract"),
        [35, *[0] * 14],
    )
    yield case(
        "refractory/not-tested",
        "A v that was reset to more than θ is not tested in the period, and is in the step after.",
        lif(refractory=PERIODS, reset_to=700),
        [11, *[0] * 7, -2, *[0] * 5],
    )
    yield case(
        "refractory/not-shortened",
        "Input in the period neither ends it nor begins it anew.",
        lif(refractory=[2, 3, 4, 5]),
        [11, 500, 500, 500, 11, 0, 11, 11, 500, 0, 11, 11, 11],
    )
    yield case(
        "refractory/extremes",
        "Nothing is clipped in the period, for nothing is added: v waits at its ends as elsewhere.",
        lif(
            threshold=100,
            refractory=[1, 3, 1, 3],
            reset_to=[2**23 - 1, 2**23 - 1, 1 - 2**23, 1 - 2**23],
        ),
        [101, 131071, -131071, 5, -5, 131071, 131071],
    )


def _end() -> Iterator[Case]:
    yield case(
        "refractory/ends-with-the-sample",
        "A new sample finds no neuron refractory, whenever the last one spiked.",
        lif(refractory=[1, 2, 3, 7]),
        [0, 0, 0, 11],
        [11, 0, 11, 11],
        [11, 11, 11, 11],
        [0, 11, 0, 0],
    )
    yield case(
        "refractory/is-carried",
        "Where state is carried from sample to sample, so is what remains of a period.",
        lif(refractory=[1, 2, 3, 7]),
        [0, 0, 0, 11],
        [11, 0, 11, 11],
        [11, 11, 11, 11],
        [0, 11, 0, 0],
        reset_phase=None,
    )
    yield case(
        "refractory/ends-with-a-late-reset",
        "A reset in the midst of a sample ends the period there.",
        lif(refractory=[1, 2, 3, 7]),
        [11, 0, 11, 11, 11],
        [11, 11, 11, 0, 11],
        reset_phase=2,
    )
    yield case(
        "refractory/in-logical-steps",
        "A period is in logical steps: where one takes 3 hardware steps, it takes 3 times as many.",
        lif(refractory=PERIODS),
        ALWAYS,
        stride=3,
    )
    yield Case(
        "refractory/not-between-samples",
        "The silent steps between two samples, which a loop needs, do not shorten a period.",
        Program(
            (
                source(4),
                Population(
                    "out",
                    (4,),
                    lif(refractory=[1, 2, 3, 5], voltage_decay=0),
                    offset=1,
                    reset_phase=None,
                ),
            ),
            (
                Projection(
                    "in",
                    "out",
                    matrix((11 * np.eye(4, dtype=int)).tolist()),
                    "input",
                    1,
                    sign="excitatory",
                ),
                Projection("out", "out", matrix((2 * np.eye(4, dtype=int)).tolist()), "input", 3),
            ),
            "integer",
            ("out",),
        ),
        show([[0] * 4, [0] * 4, [1] * 4], [[1] * 4] * 3, [[0] * 4, [1] * 4, [1] * 4]),
    )


def _in_floating_point() -> Iterator[Case]:
    yield case(
        "refractory/float-each-neuron-its-own",
        "In floating point too a period of r is r silent steps, of each neuron as many as it has.",
        floating_lif(refractory=[*PERIODS, 3, 63]),
        [1.5] * 20,
    )
    yield case(
        "refractory/float-current-goes-on",
        "In floating point too u decays and takes input in the period, and v gets none of it.",
        floating_lif(refractory=PERIODS, current_decay=0.5, bias=0.125, voltage_decay=0.25),
        [1.5, 1.0, 0.0, 0.0, -0.5, 0.0, 0.25, 0.5],
    )
    yield case(
        "refractory/float-soft-reset-waits",
        "In floating point too what a soft reset leaves is held, does not leak, and spikes later.",
        floating_lif(refractory=PERIODS, reset="subtract", reset_to=1.0, voltage_decay=0.125),
        [4.0, *[0.0] * 11],
    )
    yield case(
        "refractory/float-threshold-below-0",
        "With θ = −1 a neuron spikes at rest, but not in its period: v is not tested there.",
        floating_lif(refractory=PERIODS, threshold=-1.0),
        [0.0] * 10,
    )
    yield case(
        "refractory/float-ends-with-the-sample",
        "In floating point too a new sample finds no neuron refractory.",
        floating_lif(refractory=PERIODS),
        [0.0, 1.5, 1.5],
        [1.5, 0.0, 1.5],
    )
