"""Batches: which samples come when, and what they look like."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from eideploy.train import Recipe, load_recipe, override
from eideploy.train.data import Dataset, DatasetSpec, find_dataset, list_datasets
from eideploy.train.loading import make_loader, to_sequence

SAMPLES = 22
AUGMENTED = ["data.augment.crop=2", "data.augment.flip=true", "data.augment.cutout=0.5"]


def no_data(steps: int) -> Dataset:
    return pytest.fail("what is loaded is given")


SPEC = DatasetSpec((3, 6, 5), classes=SAMPLES, levels=15, high=3.0, load=no_data)
rng = np.random.default_rng(0)
X = rng.integers(0, 16, (SAMPLES, *SPEC.shape), dtype=np.uint8)
Y = np.arange(SAMPLES)
"""Each sample is a class of its own, so that a batch says which samples are in it."""


def recipe(*changes: str) -> Recipe:
    return override(load_recipe("digits_conv"), ["training.batch_size=4", *changes])


def loader(*changes: str, train: bool = True, rank: int = 0, world: int = 1) -> DataLoader:
    return make_loader(X, Y, SPEC, recipe(*changes), train=train, rank=rank, world=world)


def epoch(batches: DataLoader, number: int) -> list[tuple[Tensor, Tensor]]:
    """All batches of an epoch, as Lightning asks for them."""
    batches.sampler.set_epoch(number)
    return list(batches)


def order(batches: list[tuple[Tensor, Tensor]]) -> list[int]:
    return torch.cat([y for _, y in batches]).tolist()


def same(a: list[tuple[Tensor, Tensor]], b: list[tuple[Tensor, Tensor]]) -> bool:
    return len(a) == len(b) and all(
        torch.equal(one, other)
        for one, other in zip(itertools.chain(*a), itertools.chain(*b), strict=True)
    )


def test_values_are_those_of_the_spec() -> None:
    for x, y in epoch(loader(), 0):
        assert (x.dtype, y.dtype) == (torch.float32, torch.int64)
        assert np.array_equal(x.numpy(), SPEC.values(X[y]))


@pytest.mark.parametrize("name", list_datasets())
def test_training_sees_to_the_last_bit_what_is_deployed(name: str) -> None:
    """A batch is made with torch, the stimulus of a run with NumPy: for every k the same value."""
    spec = find_dataset(name)
    k = np.arange(spec.levels + 1, dtype=np.uint8)
    ((x, _),) = make_loader(
        k, np.zeros(len(k)), spec, recipe("training.batch_size=256"), train=False
    )
    assert np.array_equal(x.numpy(), spec.values(k))
    assert x.max() == np.float32(spec.high)


def test_every_sample_comes_once_in_an_epoch_and_in_another_order_in_the_next() -> None:
    batches = loader()
    orders = [order(epoch(batches, number)) for number in range(3)]
    for one in orders:
        assert sorted(one) == list(range(SAMPLES))
    assert orders[0] != list(range(SAMPLES))
    assert len({tuple(one) for one in orders}) == 3
    assert order(epoch(loader("seed=1"), 0)) not in orders
    assert order(epoch(loader("seed=1"), 0)) != order(epoch(loader("seed=2"), 0))


def test_no_epoch_is_one_of_the_next_seed() -> None:
    assert order(epoch(loader("seed=0"), 1)) != order(epoch(loader("seed=1"), 0))


def test_test_samples_come_in_order_and_as_they_are() -> None:
    for world, rank in ((1, 0), (2, 1)):
        batches = loader(*AUGMENTED, train=False, rank=rank, world=world)
        for number in (0, 3):
            seen = epoch(batches, number)
            assert order(seen) == list(range(SAMPLES))
            assert np.array_equal(torch.cat([x for x, _ in seen]).numpy(), SPEC.values(X))


@pytest.mark.parametrize("changes", [(), AUGMENTED])
def test_an_epoch_does_not_depend_on_those_before(changes: list[str]) -> None:
    through = loader(*changes)
    for number in range(3):
        last = epoch(through, number)
    torch.rand(5)
    assert same(epoch(loader(*changes), 2), last)


@pytest.mark.parametrize("changes", [(), AUGMENTED])
def test_batches_do_not_depend_on_the_number_of_workers(changes: list[str]) -> None:
    alone, helped = loader(*changes), loader(*changes, "training.workers=2")
    for number in range(2):
        assert same(epoch(alone, number), epoch(helped, number))


@pytest.mark.parametrize("changes", [(), AUGMENTED])
def test_processes_see_together_the_batches_of_one(changes: list[str]) -> None:
    alone = epoch(loader(*changes), 1)
    shares = [epoch(loader(*changes, rank=rank, world=2), 1) for rank in range(2)]
    for (x, y), *parts in zip(alone, *shares, strict=True):
        both_x, both_y = (torch.cat(part) for part in zip(*parts, strict=True))
        place = [both_y.tolist().index(label) for label in y.tolist()]
        assert sorted(place) == list(range(len(both_y)))
        assert torch.equal(both_x[place], x)


def test_the_callers_random_numbers_stay() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    epoch(loader(*AUGMENTED), 0)
    assert torch.equal(torch.rand(3), expected)


def test_timed_samples_keep_their_steps() -> None:
    k = rng.integers(0, 16, (4, 7, 2, 3), dtype=np.uint8)
    spec = DatasetSpec((2, 3), classes=4, levels=15, high=3.0, load=no_data, timed=True)
    ((x, y),) = make_loader(k, np.arange(4), spec, recipe(), train=False)
    assert np.array_equal(x.numpy(), spec.values(k))
    sequence = to_sequence(x, 7, spec.timed)
    assert sequence.shape == (7, 4, 2, 3)
    assert all(torch.equal(sequence[:, i], x[i]) for i in y)


def test_an_image_is_shown_in_every_step_without_being_copied() -> None:
    ((x, _), *_) = loader(train=False)
    sequence = to_sequence(x, 9, timed=False)
    assert sequence.shape == (9, *x.shape)
    assert all(torch.equal(step, x) for step in sequence)
    assert sequence.data_ptr() == x.data_ptr()
