"""Every data set by name."""

from __future__ import annotations

from eideploy.errors import RecipeError
from eideploy.train.complaint import nearest
from eideploy.train.data.cifar import CIFAR10, CIFAR100
from eideploy.train.data.cifar10dvs import CIFAR10DVS
from eideploy.train.data.dataset import DatasetSpec
from eideploy.train.data.digits import DIGITS
from eideploy.train.data.dvsgesture import DVSGESTURE
from eideploy.train.data.mnist import MNIST
from eideploy.train.data.nmnist import NMNIST
from eideploy.train.data.tinyimagenet import TINYIMAGENET

DATASETS = {
    "digits": DIGITS,
    "mnist": MNIST,
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
    "tinyimagenet": TINYIMAGENET,
    "nmnist": NMNIST,
    "dvsgesture": DVSGESTURE,
    "cifar10dvs": CIFAR10DVS,
}


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
