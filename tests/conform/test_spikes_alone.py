"""Cases of integer neurons tell by spikes alone: many a backend shows no state.

Each mistake is made in the oracle, and has to change what a case emits.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import numpy as np
import pytest

from eideploy.conform import Case
from eideploy.conform.expected import expected
from eideploy.conform.oracle import fixed
from eideploy.program import Array

TOPICS = ("threshold", "reset", "decay", "overflow", "weights", "bias", "refractory", "carry")
CASES: dict[str, Case] = {
    case.name: case
    for topic in TOPICS
    for case in import_module(f"eideploy.conform.cases.{topic}").cases()
}

LIMIT = 2**23


def _within(u: int) -> int:
    return (u + LIMIT) % (2 * LIMIT) - LIMIT


MISTAKES: dict[str, tuple[str, Callable[..., int], str]] = {
    "decay rounds down": (
        "toward_zero",
        lambda x, bits: x >> bits,
        "decay/voltage-of-negatives",
    ),
    "decay rounds up": (
        "toward_zero",
        lambda x, bits: -(-x >> bits),
        "decay/voltage-of-positives",
    ),
    "decay rounds to the nearest": (
        "toward_zero",
        lambda x, bits: (x + (1 << (bits - 1))) >> bits,
        "decay/voltage-of-1",
    ),
    "decay in single precision": (
        "toward_zero",
        lambda x, bits: int(np.float32(x) / np.float32(2**bits)),
        "decay/voltage-in-full-width",
    ),
    "decay in 32 bits": (
        "toward_zero",
        lambda x, bits: int(np.int64(x).astype(np.int32)) >> bits,
        "decay/current-in-full-width",
    ),
    "u is not wrapped": ("wrapped", lambda u: u, "overflow/current-beyond-the-limits"),
    "u is wrapped as in two's complement": (
        "wrapped",
        _within,
        "overflow/current-at-the-upper-limit",
    ),
    "u is wrapped until it fits": (
        "wrapped",
        lambda u: _within(u - 1) + 1,
        "overflow/current-wraps-once",
    ),
    "v is not clipped": ("clipped", lambda v: v, "overflow/voltage-clips-above"),
    "v is clipped at −2²³": (
        "clipped",
        lambda v: max(-LIMIT, min(LIMIT - 1, v)),
        "overflow/voltage-clips-below",
    ),
    "v is clipped at 2²³": (
        "clipped",
        lambda v: max(1 - LIMIT, min(LIMIT, v)),
        "overflow/voltage-clips-above",
    ),
}


def spikes(case: Case) -> list[Array]:
    return [recording.output for recording in expected(case).recordings.values()]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_changes_spikes(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, wrong, name = MISTAKES[mistake]
    right = spikes(CASES[name])
    monkeypatch.setattr(fixed, function, wrong)
    assert not all(map(np.array_equal, right, spikes(CASES[name])))


READ = [
    name
    for name in CASES
    if name.startswith("weights/")
    and not name.endswith(("decides", "inhibition", "square", "images"))
]


@pytest.mark.parametrize("name", READ)
def test_sums_are_held_between_two_thresholds(name: str) -> None:
    """Of each two neurons the first stays silent in a step in which the second spikes."""
    (emitted,) = spikes(CASES[name])
    first, second = emitted[0, :, 0::2], emitted[0, :, 1::2]
    assert np.all((first < second).any(axis=0))
    assert np.all(first <= second)
