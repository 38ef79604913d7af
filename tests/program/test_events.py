"""Events in steps: held against a loop over single events, and against what training counts."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eideploy.errors import StimulusError
from eideploy.program.events import Bins, bin_events


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 3)), min_size=1, max_size=30),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 9),
)
def test_every_event_counts_once_in_the_right_step(recordings, steps):
    events = [
        {"t": np.array([t for t, _ in one]), "x": np.array([x for _, x in one], np.uint8)}
        for one in recordings
    ]
    binned = bin_events(events, (4,), Bins(steps=steps), most=100)
    expected = np.zeros((len(recordings), steps, 4))
    for sample, one in enumerate(recordings):
        times = [t for t, _ in one]
        for t, x in one:
            span = Fraction(max(times) - min(times) + 1, steps)
            expected[sample, int((t - min(times)) / span), x] += 1
    np.testing.assert_array_equal(binned.values, expected)
    assert binned.full == 0
    assert binned.active == np.count_nonzero(expected)


def test_steps_of_a_width_start_at_the_first_event_and_end_with_the_longest_recording():
    events = [
        {"t": np.array([1000, 1999, 2000, 4999], np.uint32), "x": np.array([0, 0, 0, 1])},
        {"t": np.array([7, 7, 7]), "x": np.array([1, 1, 0])},
    ]
    binned = bin_events(events, (2,), Bins.parse("1ms"), most=2)
    assert binned.values[..., 0].tolist() == [[2, 1, 0, 0], [1, 0, 0, 0]]
    assert binned.values[..., 1].tolist() == [[0, 0, 0, 1], [2, 0, 0, 0]]
    clipped = bin_events(events, (2,), Bins.parse("1ms"), most=1)
    assert clipped.values.max() == 1
    assert (clipped.full, clipped.active) == (2, 5)


@pytest.mark.parametrize(("unit", "t"), [("s", 0.0035), ("ms", 3.5), ("us", 3500), ("ns", 3500000)])
def test_times_have_a_unit(unit, t):
    events = {"t": np.array([0, t]), "x": np.array([0, 0])}
    values = bin_events([events], (1,), Bins.parse("0.5ms", unit), most=1).values
    assert np.flatnonzero(values).tolist() == [0, 7]


def test_a_recording_without_events_is_silence():
    none = {"t": np.zeros(0, int), "x": np.zeros(0, int)}
    some = {"t": np.arange(3), "x": np.zeros(3, int)}
    values = bin_events([none, some], (1,), Bins(steps=3), most=1).values
    assert values[..., 0].tolist() == [[0, 0, 0], [1, 1, 1]]
    with pytest.raises(StimulusError, match="no event"):
        bin_events([none], (1,), Bins(steps=3), most=1)


def test_cameras_are_binned_as_for_training(shared_data):
    pytest.importorskip("torch")
    from eideploy.train.data.nmnist import CAMERA

    with np.load(shared_data / "nmnist" / "train_1000.npz") as archive:
        start = archive["start"][:4]
        fields = {name: archive[name][: start[-1]] for name in "xypt"}
    made = [{f: v[a:b] for f, v in fields.items()} for a, b in pairwise(start)]
    binned = bin_events(made, (2, 34, 34), Bins(steps=12), most=15)
    expected = [CAMERA.frames(tuple(events[f] for f in "xypt"), 12) for events in made]
    np.testing.assert_array_equal(binned.values, expected)
