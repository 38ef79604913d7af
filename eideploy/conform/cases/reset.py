"""What a spike does to the potential of LIF neurons."""

from __future__ import annotations

from collections.abc import Iterator

from eideploy.conform.case import Case
from eideploy.conform.cases.build import lif
from eideploy.conform.cases.build_neurons import HIGHEST, case

DRIVEN = [7, 7, 13, 11, 0, 3, 8, 25, 1, 9]


def cases() -> Iterator[Case]:
    """To a value, by subtraction, and what it leaves alone."""
    yield from _to_a_value()
    yield from _by_subtraction()
    yield from _around()


def _to_a_value() -> Iterator[Case]:
    yield case(
        "reset/to-zero",
        "A spike sets v to 0: what was above the threshold is lost.",
        lif(threshold=[10, 11, 20, 6]),
        DRIVEN,
    )
    yield case(
        "reset/to-a-positive-value",
        "A spike sets v to reset_to, which is in units of v and not shifted by 6.",
        lif(reset_to=[1, 63, 64, 639]),
        DRIVEN,
    )
    yield case(
        "reset/to-a-negative-value",
        "reset_to may be below 0: the neuron then has further to go.",
        lif(reset_to=[-1, -64, -500, -6400]),
        DRIVEN,
    )
    yield case(
        "reset/twice-in-a-row",
        "A neuron can spike in every step, and each time is reset anew.",
        lif(reset_to=[0, 5, -5, 640]),
        [11, 11, 12, 11, 0, 11],
    )
    yield case(
        "reset/at-the-threshold",
        "reset_to = 2⁶·θ is not above it: without input the neuron stays silent.",
        lif(reset_to=[640, 639, 641, 640], bias_mantissa=[0, 0, 0, 1]),
        [11, 0, 0, 0, 0, 0],
    )
    yield case(
        "reset/above-the-threshold",
        "A neuron that is reset to more than its threshold spikes again until v has leaked away.",
        lif(reset_to=[641, 1000, 2000, 641], voltage_decay=[0, 2048, 2048, 64]),
        [11, 0, 0, 0, -3, 0, 0, 0],
    )
    yield case(
        "reset/to-the-ends",
        "reset_to can be any v there is, ±(2²³ − 1) included.",
        lif(reset_to=[HIGHEST, -HIGHEST, HIGHEST, -HIGHEST], voltage_decay=[0, 0, 2048, 2048]),
        [11, 0, 1, -1, 0, 1],
    )
    yield case(
        "reset/then-decays",
        "The value of the reset decays in the next step, as any v.",
        lif(reset_to=[1001, 601, -601, -1001], voltage_decay=2048),
        [11, 0, 0, 0, 11, 0],
    )


def _by_subtraction() -> Iterator[Case]:
    yield case(
        "reset/subtract-keeps-the-rest",
        "A soft reset takes 2⁶·θ away and keeps what was above it.",
        lif(reset="subtract", threshold=[10, 11, 20, 6]),
        DRIVEN,
    )
    yield case(
        "reset/subtract-once",
        "A soft reset takes the threshold away once in a step: v = 3·θ + 1 spikes three times.",
        lif(reset="subtract", bias_mantissa=[0, 1]),
        [[30, 30], *[0] * 7],
        [[31, 40], *[0] * 7],
    )
    yield case(
        "reset/subtract-the-threshold",
        "A soft reset subtracts the threshold of the neuron; reset_to has no say in it.",
        lif(reset="subtract", threshold=[3, 7, 10, 12], reset_to=[0, 64, -64, 9999]),
        DRIVEN,
    )
    yield case(
        "reset/subtract-then-decays",
        "The rest decays in the next step, not the v before the reset.",
        lif(reset="subtract", voltage_decay=[2048, 1024, 1, 4095]),
        [25, 3, 14, 0, 12, 0, 0],
    )
    yield case(
        "reset/subtract-nothing",
        "With θ = 0 a soft reset takes nothing away: what is above 0 spikes until it is not.",
        lif(reset="subtract", threshold=0, voltage_decay=[0, 2048, 4095, 4096]),
        [1, 0, 0, 0, 0, 0, 0, 0, -1, 0],
    )
    yield case(
        "reset/subtract-at-the-ends",
        "A soft reset starts from the clipped v, and largest thresholds are subtracted in full.",
        lif(reset="subtract", threshold=[131071, 131070, 65536, 1]),
        [131071, 131071, 131071, 131071, 0],
    )


def _around() -> Iterator[Case]:
    yield case(
        "reset/only-who-spiked",
        "A spike resets the neuron that has spiked, and none beside it.",
        lif(threshold=[10, 10, 10, 10], reset_to=[0, 1, 2, 3]),
        [[11, 9, 4, 0], [5, 0, 4, 0], [0, 2, 4, 0], [6, 0, 0, 11], [1, 3, 1, 1]],
    )
    yield case(
        "reset/leaves-the-current",
        "A spike resets v and not u, which goes on to drive the neuron.",
        lif(current_decay=[0, 1023, 2047, 3071]),
        [11, 0, 0, 5, 0, 0, 0],
    )
    yield case(
        "reset/after-the-test",
        "The state of a step is that of its test: in the step of a spike v is still above θ.",
        lif(reset_to=[0, -77]),
        [12, 0, 10, 1, 9],
    )
