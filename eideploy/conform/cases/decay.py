"""Decay of current and potential: x·(4096 − decay) / 4096, rounded toward zero."""

from __future__ import annotations

from collections.abc import Iterator

from eideploy.conform.case import Case
from eideploy.conform.cases.build import lif
from eideploy.conform.cases.build_neurons import HIGHEST, case

SILENT = {"threshold": 131071}
"""Nothing but decay happens to v."""

PUT = {"threshold": 100}
"""An input of 101 makes it spike, which puts v where its reset says."""

BOTH = [1000, -1000] * 5
CURRENT = [decay for decay in (0, 1, 2047, 4094, 4095) for _ in range(2)]
VOLTAGE = [decay for decay in (0, 1, 2048, 4095, 4096) for _ in range(2)]


def cases() -> Iterator[Case]:
    """Of the current, of the potential, and of both."""
    yield from _of_the_current()
    yield from _of_the_potential()
    yield from _of_both()


def _of_the_current() -> Iterator[Case]:
    forgetting = {**SILENT, "voltage_decay": 4096}
    yield case(
        "decay/current-registers",
        "u keeps (4096 − (d + 1)) / 4096 for d = 0, 1, 2047, 4094, 4095: Lava adds 1 to du.",
        lif(**forgetting, current_decay=CURRENT),
        [BOTH, 0, 0, 0, BOTH, 0],
    )
    yield case(
        "decay/current-of-0-is-a-decay",
        "With a decay of 0 in the register u still decays, by a 4096th.",
        lif(**forgetting, current_decay=0),
        [[64, 4096, 131071, -64, -4096, -131071], *[0] * 6],
    )
    yield case(
        "decay/current-of-4095-is-all",
        "With 4095 in the register nothing is left of u in the next step.",
        lif(**forgetting, current_decay=4095),
        [[1, 131071, -1, -131071], 0, [3, 3, 3, 3], 0],
    )
    yield case(
        "decay/current-toward-zero",
        "A negative u is rounded toward zero as a positive one is, and mirrors it.",
        lif(**forgetting, current_decay=[0, 0, 99, 99, 2730, 2730]),
        [[1, -1, 1, -1, 1, -1], 0, 0, [7, -7, 7, -7, 7, -7], 0, 0, 0, 0],
    )
    yield case(
        "decay/current-dies-out",
        "Rounding takes at least one unit in each step, so that the last of u is gone in the end.",
        lif(**forgetting, current_decay=[0, 0, 63, 63]),
        [[1, -1, 1, -1], *[0] * 66],
    )
    yield case(
        "decay/current-before-input",
        "What was there decays, and not what arrives in the same step.",
        lif(**forgetting, current_decay=[0, 2047, 4095]),
        [100, 100, -100, 0, 100],
    )


def _of_the_potential() -> Iterator[Case]:
    yield case(
        "decay/voltage-registers",
        "v keeps (4096 − d) / 4096 for d = 0, 1, 2048, 4095, 4096: nothing is added to dv.",
        lif(**SILENT, voltage_decay=VOLTAGE),
        [BOTH, 0, 0, 0, BOTH, 0],
    )
    yield case(
        "decay/voltage-of-0-is-none",
        "With a decay of 0 v stays as it is, positive or negative, for as long as one looks.",
        lif(**SILENT, voltage_decay=0),
        [[1, -1, 131071, -131071], *[0] * 20],
    )
    yield case(
        "decay/voltage-of-4096-is-all",
        "With a decay of 4096 v is no more than the input of the step.",
        lif(**SILENT, voltage_decay=4096),
        [[1, -1, 131071, -131071], 0, [3, 3, -3, -3], 0],
    )
    yield case(
        "decay/voltage-of-negatives",
        "A negative v is rounded toward zero: −3 halves to −1, and not to −2.",
        lif(**PUT, reset_to=[-3, -1, -5, -1001, -4095, 5], voltage_decay=2048),
        [101, *[0] * 9],
    )
    yield case(
        "decay/voltage-of-positives",
        "A positive v is rounded down: 4095·4095 / 4096 is 4094, and 2048·4095 / 4096 is 2047.",
        lif(**PUT, reset_to=[4095, 2048, 2049, 4097, 6143, -2048], voltage_decay=1),
        [101, 0, 0, 0],
    )
    yield case(
        "decay/voltage-dies-out",
        "However slow the decay, it takes at least one unit in each step: no v stays for ever.",
        lif(**SILENT, voltage_decay=[1, 1, 1, 1, 63, 63]),
        [[1, -1, 2, -2, 1, -1], *[0] * 129],
    )
    yield case(
        "decay/voltage-of-1",
        "v = 1 and v = −1 decay to 0, even by the smallest decay.",
        lif(**PUT, reset_to=[1, -1, 1, -1], voltage_decay=[1, 1, 2048, 2048]),
        [101, 0, 0, 0],
    )
    yield case(
        "decay/voltage-in-full-width",
        "v·(4096 − d) needs 36 bits: the largest v decays as the smaller ones do.",
        lif(
            **SILENT,
            voltage_decay=[1, 1, 77, 77, 2048, 4095],
            reset_to=[HIGHEST, -HIGHEST, 7654321, -7654321, -HIGHEST, HIGHEST],
        ),
        [131072, *[0] * 5],
    )


def _of_both() -> Iterator[Case]:
    yield case(
        "decay/current-in-full-width",
        "u·(4096 − d) needs 36 bits: the largest u decays as the smaller ones do.",
        lif(**SILENT, voltage_decay=4096, current_decay=[0, 0, 2047, 2047, 4094, 4094]),
        [[131071, -131071] * 3, 0, 0, 0],
    )
    yield case(
        "decay/current-reaches-v-at-once",
        "v takes the u of its own step: decayed, and with the input of the step in it.",
        lif(**SILENT, current_decay=[2047, 1023, 0], voltage_decay=[0, 512, 4096]),
        [40, 0, 0, -40, 0, 0],
    )
    yield case(
        "decay/each-neuron-its-own",
        "Decays of current and potential may differ from neuron to neuron.",
        lif(
            current_decay=[4095, 3000, 2000, 1000, 500, 100],
            voltage_decay=[100, 500, 1000, 2000, 3000, 4096],
            threshold=20,
        ),
        [9, 4, 0, 0, 13, 0, -9, 0, 5, 5, 5, 5],
    )
    yield case(
        "decay/settles",
        "Under a constant input v settles where what it loses and what it gets are one.",
        lif(**SILENT, voltage_decay=[1, 200, 2048, 4095], current_decay=[4095, 2047, 2047, 63]),
        [[-3, 3, -7, 2]] * 40,
    )
    yield case(
        "decay/of-the-clipped",
        "What decays is the clipped v, not what it would have been.",
        lif(**SILENT, voltage_decay=[0, 1, 2048], current_decay=4095),
        [131071, 131071, 131071, 0, 0],
        [-131071, -131071, -131071, 0, 0],
    )
