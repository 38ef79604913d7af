"""Events become counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tonic.transforms import Downsample, ToFrame

from eideploy.errors import InputError
from eideploy.train.data.events import Camera

SMALL = Camera(sensor=4, cells=2, most=3)


def events(*rows: tuple[int, int, int, int]) -> tuple[np.ndarray, ...]:
    """Columns x, y, p, t of rows."""
    return tuple(np.array(rows).T)


def test_an_event_is_counted_where_and_when_it_is() -> None:
    # 10 µs in 2 steps: 0 to 4 and 5 to 9.
    shown = SMALL.frames(events((0, 0, 0, 100), (3, 1, 1, 104), (1, 2, 0, 105), (2, 3, 1, 109)), 2)
    assert shown.dtype == np.uint8
    assert np.argwhere(shown).tolist() == [[0, 0, 0, 0], [0, 1, 0, 1], [1, 0, 1, 0], [1, 1, 1, 1]]
    assert shown.sum() == 4


def test_counts_are_cut_off() -> None:
    assert SMALL.frames(events(*[(1, 1, 0, t) for t in range(5)]), 1).max() == 3


def test_one_event_is_in_the_first_step() -> None:
    assert SMALL.frames(events((0, 0, 1, 7)), 5).nonzero()[0].tolist() == [0]


def test_the_value_is_events_per_pixel() -> None:
    spec = SMALL.spec(classes=7, load=lambda steps: pytest.fail("not asked for"))
    assert (spec.shape, spec.classes, spec.timed) == ((2, 2, 2), 7, True)
    # Each cell takes 4 pixels together.
    assert spec.values(np.array([0, 1, 2, 3])).tolist() == [0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ((4, 0, 0, 0), "outside of 4×4 pixels"),
        ((0, -1, 0, 0), "outside of 4×4 pixels"),
        ((0, 0, 2, 0), "a polarity is neither 0 nor 1"),
    ],
)
def test_an_event_that_cannot_be(row: tuple[int, int, int, int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        SMALL.frames(events((0, 0, 0, 0), row), 2)


def test_a_recording_without_events() -> None:
    with pytest.raises(ValueError, match="there is no event"):
        SMALL.frames(tuple(np.zeros((4, 0))), 2)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.sampled_from([4, 6, 16]))
def test_tonic_counts_the_same(seed: int, steps: int, cells: int) -> None:
    rng = np.random.default_rng(seed)
    table = np.zeros(300, dtype=[("x", int), ("y", int), ("t", int), ("p", int)])
    for name, end in (("x", 16), ("y", 16), ("p", 2), ("t", 50 * steps)):
        table[name] = rng.integers(0, end, 300)
    table["t"].sort()
    # The last event of all is in no bin of tonic's; with it, both cut the time every 50 µs.
    table["t"][[0, -2, -1]] = 0, 50 * steps - 1, 50 * steps
    scaled = Downsample(sensor_size=(16, 16, 2), target_size=(cells, cells))(table)
    theirs = ToFrame(sensor_size=(cells, cells, 2), n_time_bins=steps)(scaled)
    x, y, p, t = (table[name][:-1] for name in "xypt")
    assert np.array_equal(Camera(16, cells, 255).frames((x, y, p, t), steps), theirs)


def test_classes_take_turns_and_a_damaged_file_is_named() -> None:
    paths = [Path(name) for name in ("a0", "a1", "b0")]

    def read(path: Path) -> tuple[np.ndarray, ...]:
        return events((0, 0, 0, 0), *[(3, 3, 1, 1)] * (paths.index(path)))

    x, y = SMALL.load(paths, np.array([0, 0, 1]), read, 1)
    assert y.tolist() == [0, 1, 0]
    assert x[:, 0, 1, 1, 1].tolist() == [0, 2, 1]
    paths[2] = Path("b1")
    with pytest.raises(InputError, match="b1 cannot be read: it is gone"):
        SMALL.load(paths, np.array([0, 0, 1]), broken, 1)


def broken(path: Path) -> tuple[np.ndarray, ...]:
    if path.name == "b1":
        raise OSError("it is gone")
    return events((0, 0, 0, 0))
