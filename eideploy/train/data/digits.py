"""The 8×8 digits that come with scikit-learn."""

from __future__ import annotations

import numpy as np

from eideploy.train.data.dataset import Dataset, DatasetSpec
from eideploy.train.data.split import held_out


def load(steps: int) -> Dataset:
    """1797 images of handwritten digits, values k/16.

    Held out is every fifth of the samples sorted by class, 360 of them: the same share of each
    class, and the same samples everywhere.
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    x = images.astype(np.uint8).reshape(-1, 1, 8, 8)
    y = labels.astype(np.int64)
    out = held_out(y, every=5)
    return Dataset(x[~out], y[~out], x[out], y[out])


DIGITS = DatasetSpec((1, 8, 8), classes=10, levels=16, high=1.0, load=load)
