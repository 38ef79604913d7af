"""Digests are equal where everything is that results depend on, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eideploy.errors import EideployError, InputError
from eideploy.jobs import digest


@dataclass(frozen=True)
class Point:
    x: Any = 1
    y: Any = 2

    def move(self) -> None: ...


@dataclass(frozen=True)
class Spot(Point): ...


class Named:
    def __init__(self, name: str) -> None:
        self.digest = name


ZEROS = np.zeros((2, 3), np.int64)

DIFFERENT = [
    None,
    *(0, 1, 1.0, True, False, -0.0, 0.0, float("nan"), 2**80),
    *("", "1", b"1", "None", "a b", Path.__name__),
    *((), (1,), (1, 2), (12,), ((1,), 2), (1, (2,)), [3], ["1"]),
    *({}, {"a": 1}, {"b": 1}, {"a": 1, "b": 2}, {"a": {"b": 2}}),
    *(ZEROS, ZEROS.T, ZEROS.astype(np.int32), ZEROS.ravel(), ZEROS + 1, np.zeros(())),
    *(ZEROS.astype(">i8"), np.zeros(0), np.zeros((0, 2)), np.arange(6), np.arange(6)[::-1]),
    *(Point(), Point(y=3), Point(2, 1), Spot(), Point(Point()), Point(ZEROS)),
    *(digest, partial(digest, 1), partial(digest, 2), partial(digest, value=2)),
    *(Point(3).move, Point(4).move, slice(1), slice(2), Named("a"), Named("b")),
    *(EideployError, InputError),
]


def test_all_that_is_different_has_another_digest() -> None:
    found = [digest(value) for value in DIFFERENT]
    assert None not in found
    assert len(set(found)) == len(DIFFERENT)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ((1, 2), [1, 2]),
        (ZEROS, ZEROS.copy(order="F")),
        (np.arange(12).reshape(3, 4)[:, ::2], np.arange(12).reshape(3, 4)[:, ::2].copy()),
        (Point(ZEROS), replace(Point(), x=ZEROS.copy())),
        (np.int64(3), np.asarray(3)),
    ],
)
def test_what_is_equal_has_the_same(one: Any, other: Any) -> None:
    assert digest(one) == digest(other) is not None


def test_an_array_that_repeats_one_step_is_read_once() -> None:
    step = np.arange(6.0).reshape(2, 1, 3)
    shown = [np.broadcast_to(step, (2, steps, 3)) for steps in (4, 5, 10**9)]
    assert len({digest(values) for values in [*shown, shown[0] + 0, -shown[0]]}) == 5


@pytest.mark.parametrize(
    "value", [object(), lambda: None, {1, 2}, [object()], Point(object()), np.array([object()])]
)
def test_what_does_not_say_what_it_depends_on_has_none(value: object) -> None:
    assert digest(value) is None


def test_another_process_finds_the_same() -> None:
    script = (
        "import numpy as np; from eideploy.jobs import Crew, digest; "
        "print(digest((Crew(2), {'a': np.arange(3), 'b': digest}, 1.5)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300
    )
    from eideploy.jobs import Crew

    assert done.stdout.strip() == digest((Crew(2), {"b": digest, "a": np.arange(3)}, 1.5))
