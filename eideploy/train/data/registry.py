"""Every data set by name."""

from __future__ import annotations

from eideploy.errors import RecipeError
from eideploy.train.complaint import nearest
from eideploy.train.data.dataset import DatasetSpec
from eideploy.train.data.digits import DIGITS
from eideploy.train.data.mnist import MNIST
from eideploy.train.data.nmnist import NMNIST

DATASETS = {"digits": DIGITS, "mnist": MNIST, "nmnist": NMNIST}


def find_dataset(name: str, *, flat: bool = False) -> DatasetSpec:
    """The data set of that name, its samples flattened if asked.

    Raises:
        RecipeError: there is none.
    """
    if name not in DATASETS:
        raise RecipeError(f"no data set is named {name!r}", nearest(name, DATASETS))
    return DATASETS[name].flattened() if flat else DATASETS[name]


def list_datasets() -> list[str]:
    """Names of all data sets."""
    return sorted(DATASETS)
