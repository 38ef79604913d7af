"""From a recipe to a trained, frozen run: recipes, data sets, training, and run directories.

Names are imported when they are first used: reading a recipe loads neither torch nor Lightning.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eideploy.train.calibration import accuracy, calibrate_floors, freeze, freeze_network
    from eideploy.train.cost import Cost, cost_of
    from eideploy.train.data import Dataset, find_dataset, list_datasets, present, use_data_folder
    from eideploy.train.folder import load_run
    from eideploy.train.listing import list_recipes
    from eideploy.train.network import build_network
    from eideploy.train.recipe import Recipe, load_recipe, override, parse_recipe
    from eideploy.train.record import record_network
    from eideploy.train.run import Run, to_graph
    from eideploy.train.trainer import train
    from eideploy.train.zoo import list_models

__all__ = [
    "Cost",
    "Dataset",
    "Recipe",
    "Run",
    "accuracy",
    "build_network",
    "calibrate_floors",
    "cost_of",
    "find_dataset",
    "freeze",
    "freeze_network",
    "list_datasets",
    "list_models",
    "list_recipes",
    "load_recipe",
    "load_run",
    "override",
    "parse_recipe",
    "present",
    "record_network",
    "to_graph",
    "train",
    "use_data_folder",
]

_HOMES = {
    "calibration": ("accuracy", "calibrate_floors", "freeze", "freeze_network"),
    "cost": ("Cost", "cost_of"),
    "data": ("Dataset", "find_dataset", "list_datasets", "present", "use_data_folder"),
    "folder": ("load_run",),
    "listing": ("list_recipes",),
    "network": ("build_network",),
    "recipe": ("Recipe", "load_recipe", "override", "parse_recipe"),
    "record": ("record_network",),
    "run": ("Run", "to_graph"),
    "trainer": ("train",),
    "zoo": ("list_models",),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
