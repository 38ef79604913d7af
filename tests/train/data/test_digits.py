"""The digits of scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from eideploy.train import find_dataset


def test_they_are_split_in_equal_shares_without_overlap() -> None:
    data = find_dataset("digits").load(8)
    assert (len(data.train_y), len(data.test_y)) == (1437, 360)
    everything = np.concatenate([data.train_x, data.test_x]).reshape(1797, -1)
    images = load_digits().data.astype(np.uint8)
    assert sorted(map(bytes, everything)) == sorted(map(bytes, images))
    for digit in range(10):
        total = np.sum(load_digits().target == digit)
        assert abs(np.sum(data.test_y == digit) - total / 5) < 1


def test_they_are_what_their_spec_says() -> None:
    spec = find_dataset("digits")
    data = spec.load(8)
    for x, y in ((data.train_x, data.train_y), (data.test_x, data.test_y)):
        assert x.shape == (len(y), *spec.shape)
        assert (x.dtype, y.dtype) == (np.uint8, np.int64)
        assert set(np.unique(y)) == set(range(spec.classes))
        assert (x.min(), x.max()) == (0, spec.levels)
