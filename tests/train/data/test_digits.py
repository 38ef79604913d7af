"""The digits, and what all data sets have in common."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from eideploy.errors import RecipeError
from eideploy.train import find_dataset, present


def test_digits_are_split_in_equal_shares_without_overlap() -> None:
    data = find_dataset("digits").load(8)
    assert (len(data.train_y), len(data.test_y)) == (1437, 360)
    everything = np.concatenate([data.train_x, data.test_x]).reshape(1797, -1)
    images = load_digits().data.astype(np.uint8)
    assert sorted(map(bytes, everything)) == sorted(map(bytes, images))
    for digit in range(10):
        total = np.sum(load_digits().target == digit)
        assert abs(np.sum(data.test_y == digit) - total / 5) < 1


def test_digits_are_what_their_spec_says() -> None:
    spec = find_dataset("digits")
    data = spec.load(8)
    for x, y in ((data.train_x, data.train_y), (data.test_x, data.test_y)):
        assert x.shape == (len(y), *spec.shape)
        assert (x.dtype, y.dtype) == (np.uint8, np.int64)
        assert set(np.unique(y)) == set(range(spec.classes))
        assert (x.min(), x.max()) == (0, spec.levels)
        assert spec.values(x).dtype == np.float32
        assert np.array_equal(spec.values(x), x / 16)


def test_flat_samples_are_the_same_samples() -> None:
    image, flat = find_dataset("digits"), find_dataset("digits", flat=True)
    assert flat.shape == (64,)
    assert np.array_equal(flat.load(8).test_x, image.load(8).test_x.reshape(-1, 64))
    assert (flat.levels, flat.high, flat.classes) == (image.levels, image.high, image.classes)


def test_a_sample_is_shown_at_every_step() -> None:
    x = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    shown = present(x, 5)
    assert shown.shape == (2, 5, 3, 2)
    assert all(np.array_equal(shown[:, step], x) for step in range(5))


def test_unknown_data_set() -> None:
    with pytest.raises(RecipeError, match=r"'digit'\nDid you mean 'digits'\?"):
        find_dataset("digit")
