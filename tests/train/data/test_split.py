"""Splits and orders made of classes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eideploy.train.data.split import held_out, taking_turns

LABELS = st.lists(st.integers(0, 5), min_size=1, max_size=80).map(np.array)


@given(LABELS, st.integers(2, 10))
def test_each_class_gives_up_the_same_share(labels: np.ndarray, every: int) -> None:
    out = held_out(labels, every)
    assert out.sum() == -(-len(labels) // every)
    for label in np.unique(labels):
        of_class = labels == label
        assert abs(out[of_class].sum() - of_class.sum() / every) < 1


@given(LABELS)
def test_classes_take_turns(labels: np.ndarray) -> None:
    order = taking_turns(labels)
    assert sorted(order) == list(range(len(labels)))
    for label in np.unique(labels):
        mine = order[labels[order] == label]
        assert np.array_equal(mine, np.sort(mine))
    for end in range(1, len(labels)):
        had = np.bincount(labels[order[:end]], minlength=6)
        left = np.bincount(labels, minlength=6) - had
        # A class is more than one ahead of another only when that one is used up.
        assert all(had[a] - had[b] <= 1 or left[b] == 0 for a in range(6) for b in range(6))
