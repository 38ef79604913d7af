"""The 24 bits of current and potential: one wraps, the other is clipped."""

from __future__ import annotations

from collections.abc import Iterator

from eideploy.conform.case import Case
from eideploy.conform.cases.build import lif
from eideploy.conform.cases.build_neurons import HIGHEST, case

LIMIT = 2**17
"""An input of that much is 2²³ units of u."""

PASSING = {"threshold": 131071, "voltage_decay": 4096}
"""v is u, clipped."""

KEEPING = {"threshold": 131071, "voltage_decay": 0}
"""v adds up what u is."""


def cases() -> Iterator[Case]:
    """The current, which wraps, and the potential, which does not."""
    yield from _current()
    yield from _potential()


def _current() -> Iterator[Case]:
    yield case(
        "overflow/current-below-the-limit",
        "u of 2²³ − 64 and of −2²³ + 64 are as they are.",
        lif(**PASSING),
        [[LIMIT - 1, 1 - LIMIT], 0, [1 - LIMIT, LIMIT - 1]],
    )
    yield case(
        "overflow/current-at-the-upper-limit",
        "u of exactly +2²³ stays: it does not become −2²³, as the comment in Lava says it would.",
        lif(**PASSING),
        [LIMIT, 0, LIMIT],
    )
    yield case(
        "overflow/current-at-the-lower-limit",
        "u of exactly −2²³ becomes +2²³.",
        lif(**PASSING),
        [-LIMIT, 0, -LIMIT],
    )
    yield case(
        "overflow/current-beyond-the-limits",
        "u wraps around: what is above 2²³ is negative, what is below −2²³ is positive.",
        lif(**PASSING),
        [[LIMIT + 1, -LIMIT - 1, LIMIT + 999, -LIMIT - 999], 0],
        [[2 * LIMIT - 1, 1 - 2 * LIMIT, 2 * LIMIT, -2 * LIMIT], 0],
    )
    yield case(
        "overflow/current-to-the-unit",
        "u wraps from 2²³ + 1 up and from −2²³ down, to the unit: a decay makes it odd here.",
        # 64·64·4095/4096 is 4095, and 64·4032·4095/4096 is 257985, 1 more than a multiple of 64.
        lif(**PASSING, current_decay=0),
        [
            [64, 4032, 4096, -64, -4032, -4096],
            [131008, 127041, 126977, -131008, -127041, -126977],
            0,
        ],
    )
    yield case(
        "overflow/current-wraps-once",
        "One turn is taken back in a step, and not two, as in Lava: 3·2²³ + 64 becomes 2²³ + 64.",
        lif(**PASSING, current_decay=2047),
        [[3 * LIMIT + 1, -3 * LIMIT - 1, 3 * LIMIT, -3 * LIMIT], 0, 0],
    )
    yield case(
        "overflow/current-adds-up",
        "u wraps where inputs of several steps and what is left of them come to the limit.",
        lif(**PASSING, current_decay=[0, 0, 1023, 1023]),
        [[70000, -70000, 70000, -70000]] * 6,
    )
    yield case(
        "overflow/current-bias-counts",
        "The bias of the current is added before the wrap, as an input is.",
        lif(**PASSING, current_bias=[1, -1, LIMIT, -LIMIT]),
        [[LIMIT - 1, 1 - LIMIT, 0, 0], [LIMIT, -LIMIT, 1, -1]],
    )
    yield case(
        "overflow/current-turned-drives",
        "A wrapped u drives v the other way: too much excitation inhibits.",
        lif(threshold=1000, current_decay=2047),
        [[LIMIT + 5000, 900, -LIMIT - 5000, 2000], 0, 0, 0],
    )


def _potential() -> Iterator[Case]:
    yield case(
        "overflow/voltage-clips-above",
        "v ends at 2²³ − 1 and does not wrap.",
        # What is above is left by a soft reset, to the unit: 2²³ − 1 − 2²² and the bias.
        lif(threshold=2**16, reset="subtract", bias_mantissa=[0, 1, 2, 63]),
        [LIMIT, 0, 0, LIMIT - 1, 1, 0],
    )
    yield case(
        "overflow/voltage-clips-below",
        "v ends at −(2²³ − 1), a unit above −2²³, and does not wrap.",
        # −(2²³ − 1) + 2²³ is 1, a spike of θ = 0 unless the bias takes it away.
        lif(threshold=0, bias_mantissa=[0, -1, 1, -2]),
        [1 - LIMIT, -1, -1, LIMIT, 0, 1 - LIMIT, 1 - LIMIT, LIMIT],
    )
    yield case(
        "overflow/voltage-clips-u-of-the-limit",
        "u = 2²³ is one more than v can be.",
        lif(**KEEPING, reset_to=[0, 1, -1]),
        [LIMIT, 0, LIMIT],
    )
    yield case(
        "overflow/voltage-recovers",
        "From its end v comes back by what it gets, and not by what was clipped first.",
        lif(threshold=[3, 3, 4, 4], bias_mantissa=[0, 0, 1, -1]),
        [[-LIMIT + 1] * 4, [-LIMIT + 1] * 4, 3, 1, [0, LIMIT - 1, 0, LIMIT - 1], 2, LIMIT, 0],
    )
    yield case(
        "overflow/voltage-clips-with-its-bias",
        "The sum of what is left of v, u and bias is clipped once, at its end.",
        lif(**KEEPING, bias_mantissa=[4095, -4096, -4096, 4095], bias_exponent=7),
        [
            [LIMIT - 1, 1 - LIMIT, LIMIT - 1, 1 - LIMIT],
            [-9000, 9000, LIMIT - 1, 1 - LIMIT],
            [-9000, 9000, -3, 3],
        ],
    )
    yield case(
        "overflow/voltage-wide",
        "v is held in 24 bits, all of them: 2^k and −2^k come out as they went in.",
        lif(**PASSING),
        [[sign * 2**k for k in range(17) for sign in (1, -1)]],
    )
    yield case(
        "overflow/voltage-of-the-reset",
        "A v that its reset puts at one of its ends is clipped there in the steps after, as ever.",
        lif(threshold=131000, reset_to=[HIGHEST, -HIGHEST], bias_mantissa=[5, -5]),
        [131001, 0, 0, [-200, 131071], [0, 131071], [0, 131071]],
    )
