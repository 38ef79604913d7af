"""Data sets: whole numbers and classes, read from the files that each data set comes in.

`find_dataset` knows them by name; `load` of what it returns reads the files below `data_folder`,
which nothing here downloads.
"""

from eideploy.train.data.dataset import Array, Dataset, DatasetSpec, present
from eideploy.train.data.folder import data_folder, use_data_folder
from eideploy.train.data.registry import DATASETS, find_dataset, list_datasets

__all__ = [
    "DATASETS",
    "Array",
    "Dataset",
    "DatasetSpec",
    "data_folder",
    "find_dataset",
    "list_datasets",
    "present",
    "use_data_folder",
]
