"""A run as a directory: how it is written and read back.

weights.safetensors   parameters and floors
recipe.yaml           the recipe with every default written out
metrics.json          history by epoch, accuracies in %, seconds
run.json              what made it, and what another machine needs to know; written last
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from safetensors.torch import load, save_file

from eideploy import __version__
from eideploy.errors import InputError
from eideploy.files import atomic_write, write_text
from eideploy.train.data import Array
from eideploy.train.recipe import load_recipe
from eideploy.train.run import Run

SCHEMA = "eideploy.run/1"
WEIGHTS, RECIPE, METRICS, ABOUT = "weights.safetensors", "recipe.yaml", "metrics.json", "run.json"

CHECKPOINT = "checkpoint"
"""Folder in a run directory for as long as its training is not over."""


def save_run(run: Run) -> None:
    """Write all files of a run, each atomically, `run.json` last.

    Raises:
        OutputError: the directory cannot be written.
    """
    with atomic_write(run.path / WEIGHTS) as temporary:
        save_file({name: value.contiguous() for name, value in run.weights.items()}, temporary)
        weights_sha256 = hashlib.sha256(temporary.read_bytes()).hexdigest()
    write_text(run.path / RECIPE, run.recipe.to_yaml())
    write_text(run.path / METRICS, _json(run.metrics))
    about = {
        "schema": SCHEMA,
        "eideploy": __version__,
        "torch": torch.__version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        "device": run.metrics.get("device"),
        "precision": run.recipe.training.precision,
        "model": run.name,
        "input_shape": list(run.data.shape),
        "classes": run.data.classes,
        "levels": run.data.levels,
        "high": run.data.high,
        "steps": run.recipe.steps,
        "dt": run.recipe.dt,
        "frozen": run.frozen,
        **({} if run.floors is None else {"floors": dict(run.floors)}),
        **_means_to_json(run.shunt_means),
        "weights_sha256": weights_sha256,
    }
    write_text(run.path / ABOUT, _json(about))


def load_run(path: str | Path) -> Run:
    """Read a run directory.

    Args:
        path: the directory.

    Raises:
        InputError: it is missing, incomplete, damaged, or not a run; names the file.
        RecipeError: its recipe names a model or data set that is not installed.
    """
    folder = Path(path)
    about = _read_json(folder, ABOUT)
    if about.get("schema") != SCHEMA:
        raise InputError(
            f"{folder / ABOUT}: schema is {about.get('schema')!r}, expected {SCHEMA!r}",
            "Give a directory that this version of `eideploy train` wrote.",
        )
    if not (folder / RECIPE).is_file():
        raise _incomplete(folder, RECIPE)
    return Run(
        path=folder,
        recipe=load_recipe(folder / RECIPE),
        weights=_read_weights(folder, about.get("weights_sha256")),
        metrics=_read_json(folder, METRICS),
        floors=_floors(about, folder / ABOUT),
        shunt_means=_means_from_json(about, folder / ABOUT),
    )


def _means_to_json(means: Mapping[str, Array] | None) -> dict[str, Any]:
    if means is None:
        return {}
    return {"shunt_means": {name: values.tolist() for name, values in means.items()}}


def _means_from_json(about: dict[str, Any], path: Path) -> dict[str, Array] | None:
    if "shunt_means" not in about:
        return None
    try:
        return {
            name: np.array(values, dtype=np.float64)
            for name, values in about["shunt_means"].items()
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: shunt_means are not lists of numbers by node name",
            "The file is damaged; train again.",
        ) from error


def _floors(about: dict[str, Any], path: Path) -> dict[str, float] | None:
    if not about.get("frozen"):
        return None
    floors = about.get("floors")
    if not isinstance(floors, dict) or not all(
        isinstance(floor, float) and 0 < floor < math.inf for floor in floors.values()
    ):
        raise InputError(
            f"{path}: floors are {floors!r}, expected positive numbers by node name",
            "The file is damaged; train again.",
        )
    return floors


def _read_weights(folder: Path, sha256: str | None) -> dict[str, torch.Tensor]:
    try:
        data = (folder / WEIGHTS).read_bytes()
        weights = load(data)
    except FileNotFoundError as error:
        raise _incomplete(folder, WEIGHTS) from error
    except (OSError, safetensors.SafetensorError) as error:
        raise InputError(
            f"{folder / WEIGHTS} cannot be read: {error}", "The file is damaged; train again."
        ) from error
    # Each file is written whole, but a disk may have filled up between one and the next.
    if hashlib.sha256(data).hexdigest() != sha256:
        raise InputError(
            f"{folder / WEIGHTS} is not the file that {ABOUT} was written with",
            "It was changed, or an overwrite was cut short; train again.",
        )
    return weights


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    try:
        values = json.loads((folder / name).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _incomplete(folder, name) from error
    except (OSError, ValueError) as error:
        raise InputError(
            f"{folder / name} cannot be read: {error}", "The file is damaged; train again."
        ) from error
    if not isinstance(values, dict):
        raise InputError(
            f"{folder / name} holds no JSON object", "The file is damaged; train again."
        )
    return values


def _incomplete(folder: Path, name: str) -> InputError:
    if (folder / CHECKPOINT).is_dir():
        return InputError(
            f"{folder} holds a training that is not finished, so it is no run yet",
            f"Finish it with the command that began it and --resume: eideploy train … -o {folder} "
            "--resume.",
        )
    what = f"has no {name}" if folder.is_dir() else "is not a directory"
    return InputError(
        f"{folder} {what}, so it is no run", "Give a directory that `eideploy train` wrote."
    )


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(dict(values), indent=2, ensure_ascii=False) + "\n"
