"""Batches for training and test: which samples come when, and what is done to each of them.

Order and augmentation depend on the seed, the epoch and the index of a sample alone: not on the
number of workers or of processes, nor on what was drawn before. So training that was cut short goes
on as if it had not been, and several processes see together the batches that one would see alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from eideploy.train.augmentation import Augmentation
from eideploy.train.data import Array, DatasetSpec
from eideploy.train.recipe import Recipe
from eideploy.train.sections import AugmentSection

Batch = tuple[Tensor, Tensor]
Visit = tuple[int, int]
"""Epoch, and index of a sample that is seen in it."""


def make_loader(
    x: Array,
    y: Array,
    spec: DatasetSpec,
    recipe: Recipe,
    *,
    train: bool,
    rank: int = 0,
    world: int = 1,
    epoch: int = 0,
) -> DataLoader[Batch]:
    """Batches of values [B, *shape], or [B, step, *shape] if timed, float32, and classes [B].

    For training the order is another in each epoch (`loader.sampler.set_epoch`, which Lightning
    calls), images are augmented as the recipe says, and a process gets every world-th sample of the
    order; where the processes do not divide the samples, the first few come a second time at the
    end of the epoch. For test every process gets every sample once, in order and as it is.

    Args:
        x: whole numbers k as `Dataset` has them, uint8.
        y: classes, int64.
        spec: what k stands for.
        recipe: seed, augmentation, number of workers, and batch size; in training the processes
            share a batch, and their number divides its size.
        train: for training, not for test.
        rank: of this process.
        world: number of processes.
        epoch: that comes first; workers fetch its first batches before anybody calls `set_epoch`.
    """
    wanted = recipe.data.augment
    augmentation = None
    if train and wanted != AugmentSection():
        augmentation = Augmentation(wanted, recipe.seed, (spec.shape[-2], spec.shape[-1]))
    samples = Samples(x, y, spec.levels, spec.high, augmentation)
    order = Order(samples, recipe.seed, rank, world) if train else Order(samples)
    order.set_epoch(epoch)
    workers = recipe.training.workers
    return DataLoader(
        samples,
        batch_size=recipe.training.batch_size // (world if train else 1),
        sampler=order,
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=_as_it_is,
        # Its own, or each epoch would draw a seed for the workers from everybody's.
        generator=torch.Generator(),
    )


def to_sequence(x: Tensor, steps: int, timed: bool) -> Tensor:
    """A batch as networks take it, [T, B, …]; a view.

    Args:
        x: [B, T, …] if timed, else [B, …], which is shown in every step.
        steps: T.
        timed: as in `DatasetSpec`.
    """
    return x.transpose(0, 1) if timed else x.expand(steps, *x.shape)


class Order(DistributedSampler[Any]):
    """The share of one process in the visits of an epoch; without a seed, all samples in order."""

    def __init__(self, samples: Samples, seed: int | None = None, rank: int = 0, world: int = 1):
        # The sampler adds the epoch to its seed: mixed, no epoch of a seed is one of the next seed.
        mixed = int(np.random.SeedSequence(seed or 0).generate_state(1)[0])
        super().__init__(samples, world, rank, shuffle=seed is not None, seed=mixed)

    def __iter__(self) -> Iterator[Visit]:
        """Epoch and index of each sample that is due."""
        return ((self.epoch, index) for index in super().__iter__())


class Samples(Dataset[Batch]):
    """Whole numbers in memory, made values a batch at a time."""

    def __init__(
        self, x: Array, y: Array, levels: int, high: float, augmentation: Augmentation | None
    ) -> None:
        self._x, self._y = torch.from_numpy(x), torch.from_numpy(y)
        self._levels, self._high = levels, high
        self._augmentation = augmentation

    def __len__(self) -> int:
        return len(self._y)

    def __getitems__(self, visits: Sequence[Visit]) -> Batch:
        index = torch.tensor([index for _, index in visits])
        x = self._x[index]
        if self._augmentation is not None:
            x = self._augmentation(x, visits)
        return x.float().div_(self._levels).mul_(self._high), self._y[index]


def _as_it_is(batch: Any) -> Any:
    """In place of torch's collation: `Samples` gives whole batches."""
    return batch
