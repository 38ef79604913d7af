"""Decay of current and potential: x·(4096 − decay) / 4096, rounded toward zero.

Most of what decays is read by two neurons, whose biases lift it to 2⁶·θ and to one more: the first
stays silent, the second spikes, if it is what it has to be to the unit.
"""

from __future__ import annotations

from collections.abc import Iterator

from eideploy.conform.case import Case
from eideploy.conform.cases.build import draw, lif
from eideploy.conform.cases.build_neurons import HIGHEST, case

LIMIT = 2**17
"""An input of that much is 2²³ units of u."""

BOTH = (1, -1)

REGISTERS = [0, 1, 2, 63, 500, 1023, 2047, 2048, 3000, 4000, 4094, 4095]


def cases() -> Iterator[Case]:
    """Of the current, of the potential, and of both."""
    yield from _of_the_current()
    yield from _of_the_potential()
    yield from _of_both()


def _of_the_current() -> Iterator[Case]:
    yield _current(
        "decay/current-registers",
        "u keeps (4096 − (d + 1)) / 4096 for d = 0, 1, 2047, 4094, 4095: Lava adds 1 to du.",
        *((sign * x, d, 2) for d in (0, 1, 2047, 4094, 4095) for sign, x in ((1, 1000), (-1, 60))),
    )
    yield _current(
        "decay/current-of-0-is-a-decay",
        "With a decay of 0 in the register u still decays, by a 4096th.",
        *((x, 0, steps) for x in (1, 64, 131071, -1, -63) for steps in (1, 5)),
    )
    yield _current(
        "decay/current-of-4095-is-all",
        "With 4095 in the register nothing is left of u in the next step.",
        *((sign * x, 4095, 1) for sign in BOTH for x in (1, 2, 131071)),
    )
    yield _current(
        "decay/current-toward-zero",
        "A negative u is rounded toward zero as a positive one is, and mirrors it.",
        *((sign * x, d, 3) for x, d in ((1, 0), (7, 99), (7, 2730), (61, 1000)) for sign in BOTH),
    )
    yield _current(
        "decay/current-dies-out",
        "Rounding takes at least one unit in each step, so that the last of u is gone in the end.",
        *((sign, d, steps) for d in (0, 63) for sign in BOTH for steps in (32, 63, 64)),
    )
    yield case(
        "decay/current-counts-down",
        "A small u of a slow decay loses one unit in each step, and drives a neuron until it is "
        "at the threshold.",
        lif(voltage_decay=4096, current_decay=[0, 0, 0, 31], threshold=[1, 2, 0, 1]),
        [[2, 3, 1, 2], *[0] * 66],
    )
    yield _current(
        "decay/current-in-full-width",
        "u·(4096 − d) needs 36 bits: the largest u decays as the smaller ones do.",
        *((x, d, 3) for x in (131071, 119999) for d in (0, 77, 2047, 3000)),
    )
    yield case(
        "decay/current-before-input",
        "What was there decays, and not what arrives in the same step.",
        lif(voltage_decay=4096, current_decay=[0, 2047, 4095] * 2, threshold=[99, 149, 99] * 2),
        [[100, 100, 100, 99, 100, 99], [100, 100, 99, 0, 99, 99], -100, 0, 100],
    )


def _of_the_potential() -> Iterator[Case]:
    yield _potential(
        "decay/voltage-registers",
        "v keeps (4096 − d) / 4096 for d = 0, 1, 2048, 4095, 4096: nothing is added to dv.",
        *((sign * 4000, d) for d in (0, 1, 2048, 4095, 4096) for sign in BOTH),
    )
    yield _potential(
        "decay/voltage-of-negatives",
        "A negative v is rounded toward zero: −3 halves to −1, and not to −2.",
        *((v, d) for v in (-3, -1, -5, -1001, -4095) for d in (2048, 1)),
    )
    yield _potential(
        "decay/voltage-of-positives",
        "A positive v is rounded down: 4095·4095 / 4096 is 4094, and 2048·4095 / 4096 is 2047.",
        *((v, 1) for v in (4095, 2048, 2049, 4097, 6143)),
        *((v, 2048) for v in (3, 1, 2, 4095)),
    )
    yield _potential(
        "decay/voltage-of-1",
        "v = 1 and v = −1 decay to 0, even by the smallest decay.",
        *((sign, d) for d in (0, 1, 2048, 4095) for sign in BOTH),
    )
    yield _potential(
        "decay/voltage-in-full-width",
        "v·(4096 − d) needs 36 bits: the largest v decays as the smaller ones do.",
        *((v, d) for v in (HIGHEST, 7654321, 5000001) for d in (1, 77, 2048, 4095)),
        *((-v, d) for v in (HIGHEST, 7654321, 5000001) for d in (1, 77, 2048, 4095)),
    )
    yield case(
        "decay/voltage-of-0-is-none",
        "With a decay of 0 v stays as it is, positive or negative, for as long as one looks.",
        lif(threshold=[1, 1, 131071, 10], voltage_decay=0),
        [[1, -1, 131071, -131071], *[0] * 20, [0, 2, 0, 131081], 1],
    )
    yield case(
        "decay/voltage-of-4096-is-all",
        "With a decay of 4096 v is no more than the input of the step.",
        lif(threshold=3, voltage_decay=4096),
        [[3, -3, 3, -131071], 0, [1, 4, 3, 4], [3, 3, 3, 3], [0, 3, 4, 3]],
    )
    yield case(
        "decay/voltage-dies-out",
        "However slow the decay, it takes at least one unit in each step: no v stays for ever.",
        lif(threshold=1, voltage_decay=[1, 1, 63, 63]),
        [[1, -1, 1, -1], *[0] * 64, [1, 2, 1, 2], [0, 1, 0, 1]],
    )


def _of_both() -> Iterator[Case]:
    yield case(
        "decay/current-reaches-v-at-once",
        "v takes the u of its own step: decayed, and with the input of the step in it.",
        lif(threshold=[59, 60, 64], current_decay=[2047, 2047, 1023], voltage_decay=[0, 0, 512]),
        [40, 0, 0, -40, 0, 0],
    )
    yield case(
        "decay/each-neuron-its-own",
        "Decays of current and potential may differ from neuron to neuron.",
        lif(
            current_decay=[4095, 3000, 2000, 1000, 500, 100],
            voltage_decay=[100, 500, 1000, 2000, 3000, 4096],
            threshold=12,
        ),
        [9, 4, 0, 0, 13, 0, -9, 0, 5, 5, 5, 5],
    )
    yield case(
        "decay/of-the-clipped",
        "What decays is the clipped v, not what it would have been.",
        # −(2²³ − 1) decays to −8386559 or −4194303, which is 63 units from a multiple of 2⁶.
        lif(
            threshold=[33, 33, 65537, 65537],
            voltage_decay=[1, 1, 2048, 2048],
            bias_mantissa=[63, 64, 63, 64],
        ),
        [-131071, -131071, -131071, LIMIT, 0],
    )
    yield _long_run("decay/long-run-of-the-current", "u", currents=True)
    yield _long_run("decay/long-run-of-the-potential", "v", potentials=True)
    yield _long_run("decay/long-run-of-both", "u and v", currents=True, potentials=True)


Decaying = tuple[int, int, int]


def _current(name: str, claim: str, *read: Decaying) -> Case:
    """An input x, and u as many steps later, for each (x, register, steps)."""
    left = []
    for x, register, steps in read:
        u = 64 * x
        for _ in range(steps):
            u = _kept(u, register + 1)
        left.append(u)
    thresholds, lifts = _between(left)
    neuron = lif(
        voltage_decay=4096,
        current_decay=_twice([register for _, register, _ in read]),
        threshold=thresholds,
        bias_mantissa=lifts,
    )
    steps = max(steps for *_, steps in read)
    return case(name, claim, neuron, [_twice([x for x, *_ in read]), *[0] * steps])


def _potential(name: str, claim: str, *read: tuple[int, int]) -> Case:
    """A reset to v, and what is left of it in the next step, for each (v, decay).

    What is far below 0 is lifted by an input of 2²³ units in that step.
    """
    left = [_kept(v, d) + 64 * LIMIT * (v < -4095) for v, d in read]
    thresholds, lifts = _between(left)
    neuron = lif(
        voltage_decay=_twice([d for _, d in read]),
        reset_to=_twice([v for v, _ in read]),
        threshold=thresholds,
        bias_mantissa=lifts,
    )
    return case(name, claim, neuron, [LIMIT, _twice([LIMIT * (v < -4095) for v, _ in read]), 0])


def _kept(value: int, decay: int) -> int:
    return (1 if value > 0 else -1) * (abs(value) * (4096 - decay) // 4096)


def _between(left: list[int]) -> tuple[list[int], list[int]]:
    """Thresholds and biases of two neurons for each value, which is lifted to 2⁶·θ and beyond."""
    thresholds = [max(0, -(-value // 64)) for value in left]
    lifts = [64 * theta - value for theta, value in zip(thresholds, left, strict=True)]
    return _twice(thresholds), [lift + more for lift in lifts for more in (0, 1)]


def _twice(values: list[int]) -> list[int]:
    return [value for value in values for _ in range(2)]


def _long_run(name: str, what: str, *, currents: bool = False, potentials: bool = False) -> Case:
    """Neurons of small thresholds and a noisy input."""
    rng, n = draw(name), len(REGISTERS)
    return case(
        name,
        f"In a hundred steps of noise neurons of a θ of 0 to 3 spike as {what} would have it: each "
        "unit that is rounded wrongly comes out in some of them.",
        lif(
            current_decay=list(reversed(REGISTERS)) if currents else 4095,
            voltage_decay=REGISTERS if potentials else 4096,
            threshold=[index % 4 for index in range(n)],
        ),
        [[rng.randint(-3, 3) for _ in range(n)] for _ in range(100)],
    )
