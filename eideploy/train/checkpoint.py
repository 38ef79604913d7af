"""Checkpoints: what an interrupted training goes on from.

There is one, written at the end of each epoch in place of the one before: a reader sees the old one
or the new one, whole. Nothing but tensors and plain values is read from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins import CheckpointIO

from eideploy.errors import InputError
from eideploy.files import atomic_write
from eideploy.train.folder import CHECKPOINT
from eideploy.train.recipe import Recipe

_NAME = "last"
_KEYS = {
    "hyper_parameters",
    "epoch",
    "state_dict",
    "optimizer_states",
    "lr_schedulers",
    "loops",
    "callbacks",
}
_REMEDY = "It is damaged or of another program; start again with --overwrite."


def checkpoint_path(run: Path) -> Path:
    """Where the checkpoint of a run directory is, if there is one."""
    return run / CHECKPOINT / f"{_NAME}{ModelCheckpoint.FILE_EXTENSION}"


def make_checkpoint_callback(run: Path) -> ModelCheckpoint:
    """What writes it at the end of each epoch."""
    return ModelCheckpoint(
        run / CHECKPOINT, _NAME, save_on_train_epoch_end=True, enable_version_counter=False
    )


class AtomicCheckpointIO(CheckpointIO):
    """Writes a checkpoint so that no reader sees half of it, and reads it without unpickling."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Replace the file at `path`."""
        with atomic_write(path) as temporary:
            torch.save(checkpoint, temporary)

    def load_checkpoint(self, path: Any, *_: Any, **__: Any) -> dict[str, Any]:
        """As `read_checkpoint`, whatever is said of where to and how."""
        return read_checkpoint(Path(path))

    def remove_checkpoint(self, path: Any) -> None:
        """Remove the file at `path`."""
        Path(path).unlink(missing_ok=True)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Tensors, on the CPU, and plain values of a checkpoint.

    Raises:
        InputError: it is damaged, or another program's.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    # What torch raises on a damaged file is anything from EOFError to UnpicklingError.
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(f"{path} cannot be read: {reason}", _REMEDY) from error
    if not isinstance(checkpoint, dict) or not checkpoint.keys() >= _KEYS:
        raise InputError(f"{path} is no checkpoint of `eideploy train`", _REMEDY)
    return checkpoint


def recipe_values(checkpoint: dict[str, Any]) -> Any:
    """The values of the recipe that a checkpoint was written by."""
    return checkpoint["hyper_parameters"]


def epochs_done(checkpoint: dict[str, Any]) -> int:
    """How many epochs a checkpoint has behind it."""
    return int(checkpoint["epoch"]) + 1


def compare_recipes(written: Any, recipe: Recipe, where: Path) -> None:
    """Whether a recipe is the one that something was trained by.

    Args:
        written: the values of the recipe that it was trained by.
        recipe: the one that is asked for.
        where: the values are from.

    Raises:
        InputError: they differ; names the first key.
    """
    difference = _first_difference(written, recipe.model_dump(mode="json"), "")
    if difference is not None:
        key, before, now = difference
        raise InputError(
            f"{where} was trained with {key} = {before!r}, the recipe has {now!r}",
            "Resume with the recipe it was started with, or choose another directory.",
        )


def _first_difference(before: Any, now: Any, key: str) -> tuple[str, Any, Any] | None:
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return None if before == now else (key, before, now)
    for name in {**now, **before}:
        path = f"{key}.{name}" if key else name
        if found := _first_difference(before.get(name), now.get(name), path):
            return found
    return None
