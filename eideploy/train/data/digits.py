"""The 8×8 digits that come with scikit-learn."""

from __future__ import annotations

import numpy as np

from eideploy.train.data.dataset import Dataset, DatasetSpec


def load(steps: int) -> Dataset:
    """1797 images of handwritten digits, values k/16.

    Held out is every fifth of the samples sorted by class, 360 of them: the same share of each
    class, and the same samples everywhere.
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    x = images.astype(np.uint8).reshape(-1, 1, 8, 8)
    y = labels.astype(np.int64)
    held_out = np.zeros(len(y), dtype=bool)
    held_out[np.argsort(y, kind="stable")[::5]] = True
    return Dataset(x[~held_out], y[~held_out], x[held_out], y[held_out])


DIGITS = DatasetSpec((1, 8, 8), classes=10, levels=16, high=1.0, load=load)
