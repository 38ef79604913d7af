"""Data sets, and how a sample becomes input over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from eideploy.errors import RecipeError
from eideploy.train.complaint import nearest

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test samples.

    Attributes:
        train_x: [sample, *shape], float32, 0 … `high`.
        train_y: class of each sample, int64.
        test_x: held out, as `train_x`.
        test_y: as `train_y`.
    """

    train_x: Array
    train_y: Array
    test_x: Array
    test_y: Array


@dataclass(frozen=True)
class DatasetSpec:
    """What is known of a data set before it is loaded.

    Attributes:
        shape: of one sample.
        classes: how many there are.
        levels: every value is k/levels · high with a whole number k.
        high: largest value.
        load: reads the samples.
    """

    shape: tuple[int, ...]
    classes: int
    levels: int
    high: float
    load: Callable[[], Dataset]

    def flattened(self) -> DatasetSpec:
        """The same with samples of shape [features]."""

        def load() -> Dataset:
            data = self.load()
            return replace(
                data,
                train_x=data.train_x.reshape(len(data.train_x), -1),
                test_x=data.test_x.reshape(len(data.test_x), -1),
            )

        return replace(self, shape=(int(np.prod(self.shape)),), load=load)


def _digits() -> Dataset:
    """1797 images of handwritten digits that come with scikit-learn, values k/16.

    Held out is every fifth of the samples sorted by class, 360 of them: the same share of each
    class, and the same samples everywhere.
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    x = (images / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    y = labels.astype(np.int64)
    held_out = np.zeros(len(y), dtype=bool)
    held_out[np.argsort(y, kind="stable")[::5]] = True
    return Dataset(x[~held_out], y[~held_out], x[held_out], y[held_out])


DATASETS = {"digits": DatasetSpec((1, 8, 8), classes=10, levels=16, high=1.0, load=_digits)}
"""Every data set by name."""


def find_dataset(name: str, *, flat: bool = False) -> DatasetSpec:
    """The data set of that name, its samples flattened if asked.

    Raises:
        RecipeError: there is none.
    """
    if name not in DATASETS:
        raise RecipeError(f"no data set is named {name!r}", nearest(name, DATASETS))
    return DATASETS[name].flattened() if flat else DATASETS[name]


def present(x: Array, steps: int) -> Array:
    """Show each sample as a constant current, [sample, *shape] → [sample, step, *shape]."""
    return np.broadcast_to(x[:, None], (len(x), steps, *x.shape[1:]))
