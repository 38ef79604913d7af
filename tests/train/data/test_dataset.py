"""What all data sets have in common."""

from __future__ import annotations

import numpy as np
import pytest

from eideploy.errors import RecipeError
from eideploy.train import find_dataset, load_recipe, override, present
from eideploy.train.data import Dataset, DatasetSpec, list_datasets
from eideploy.train.network import dataset_of


def counting(steps: int) -> Dataset:
    """Timed samples [sample, step, 2, 3, 4] of which each value is another."""
    k = np.arange(6 * steps * 24, dtype=np.uint8).reshape(6, steps, 2, 3, 4)
    y = np.arange(6)
    return Dataset(k[:4], y[:4], k[4:], y[4:])


TIMED = DatasetSpec((2, 3, 4), classes=6, levels=15, high=3.0, load=counting, timed=True)


def test_values_are_k_of_levels_times_high() -> None:
    values = TIMED.values(np.array([0, 5, 15], dtype=np.uint8))
    assert values.dtype == np.float32
    assert values.tolist() == [0, 1, 3]


def test_flat_samples_are_the_same_samples() -> None:
    image, flat = find_dataset("digits"), find_dataset("digits", flat=True)
    assert flat.shape == (64,)
    assert np.array_equal(flat.load(8).test_x, image.load(8).test_x.reshape(-1, 64))
    assert (flat.levels, flat.high, flat.classes) == (image.levels, image.high, image.classes)


def test_flat_sequences_keep_their_steps() -> None:
    flat = TIMED.flattened()
    assert flat.shape == (24,)
    assert flat.timed
    assert np.array_equal(flat.load(2).train_x, counting(2).train_x.reshape(4, 2, 24))
    assert flat.load(2).test_x.shape == (2, 2, 24)


def test_a_limit_keeps_the_first_samples() -> None:
    limited = TIMED.limited(3, None).load(2)
    assert limited.train_y.tolist() == [0, 1, 2]
    assert np.array_equal(limited.train_x, counting(2).train_x[:3])
    assert limited.test_y.tolist() == [4, 5]


def test_a_recipe_says_how_many_samples_are_used() -> None:
    changes = ["data.flat=true", "data.train_samples=50", "data.test_samples=7"]
    spec = dataset_of(override(load_recipe("digits_mlp"), changes))
    data, whole = spec.load(8), find_dataset("digits", flat=True).load(8)
    assert np.array_equal(data.train_x, whole.train_x[:50])
    assert np.array_equal(data.test_x, whole.test_x[:7])
    assert (len(data.train_y), len(data.test_y)) == (50, 7)


def test_a_sample_is_shown_at_every_step_without_being_copied() -> None:
    x = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    shown = present(x, 5)
    assert shown.shape == (2, 5, 3, 2)
    assert all(np.array_equal(shown[:, step], x) for step in range(5))
    assert np.shares_memory(shown, x)


def test_every_name_finds_a_data_set() -> None:
    names = list_datasets()
    assert {"digits", "mnist", "cifar10", "nmnist"} <= set(names)
    for name in names:
        spec = find_dataset(name)
        # A k is a byte, and its values are of the order of 1.
        assert 1 <= spec.levels <= 255
        assert 1 <= spec.high < 40


def test_unknown_data_set() -> None:
    with pytest.raises(RecipeError, match=r"'digit'\nDid you mean 'digits'\?"):
        find_dataset("digit")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (["data.flat=true"], r"digits gives flat samples of shape \[64\]"),
        (["data.name=nmnist"], r"nmnist gives event data of shape \[2, 34, 34\]"),
    ],
)
def test_only_images_are_augmented(changes: list[str], says: str) -> None:
    recipe = override(load_recipe("digits_conv"), ["data.augment.crop=1"])
    with pytest.raises(RecipeError, match=rf"(?s)--set .*data\.augment is for images; {says}"):
        override(recipe, changes)
