"""What a data set is: whole numbers k, their classes, and what value each k stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test samples, as whole numbers k from 0 to the `levels` of their spec.

    A byte a value is what keeps large data sets in memory; values are made of them batch by batch.
    The first samples hold every class in about its share of the whole, so that a beginning of the
    data is a smaller data set.

    Attributes:
        train_x: [sample, *shape], or [sample, step, *shape] of timed data; uint8.
        train_y: class of each sample, int64.
        test_x: held out, as `train_x`.
        test_y: as `train_y`.
    """

    train_x: Array
    train_y: Array
    test_x: Array
    test_y: Array

    def first(self, train: int | None, test: int | None) -> Dataset:
        """The first so many samples of each split; None keeps all."""
        return Dataset(
            self.train_x[:train], self.train_y[:train], self.test_x[:test], self.test_y[:test]
        )

    def flattened(self, axes: int) -> Dataset:
        """The same with the last `axes` axes of the samples made one."""

        def flat(x: Array) -> Array:
            return x.reshape(*x.shape[: x.ndim - axes], -1)

        return replace(self, train_x=flat(self.train_x), test_x=flat(self.test_x))


@dataclass(frozen=True)
class DatasetSpec:
    """What is known of a data set before it is loaded.

    Attributes:
        shape: of one sample, or of one step of it if it is timed.
        classes: how many there are.
        levels: largest k; the value shown is k/levels · high.
        high: largest value.
        load: reads the samples; its argument is the number of steps, which timed data are cut into
            and other data do not depend on.
        timed: samples are sequences of steps, not one image shown in every step.
    """

    shape: tuple[int, ...]
    classes: int
    levels: int
    high: float
    load: Callable[[int], Dataset]
    timed: bool = False

    def flattened(self) -> DatasetSpec:
        """The same with samples of shape [features]."""
        shape = (int(np.prod(self.shape)),)
        return replace(
            self, shape=shape, load=lambda steps: self.load(steps).flattened(len(self.shape))
        )

    def limited(self, train: int | None, test: int | None) -> DatasetSpec:
        """The same with the first so many samples of each split; None keeps all."""
        return replace(self, load=lambda steps: self.load(steps).first(train, test))

    def values(self, k: Array) -> Array:
        """What whole numbers stand for: k/levels · high, in float32."""
        x = k.astype(np.float32)
        x /= self.levels
        x *= self.high
        return x


def present(x: Array, steps: int) -> Array:
    """Show each sample as a constant current, [sample, *shape] → [sample, step, *shape].

    The result is a view: it takes no memory for the steps.
    """
    return np.broadcast_to(x[:, None], (len(x), steps, *x.shape[1:]))
