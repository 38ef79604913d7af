"""The run directory while it is trained in: what is there before, and what is left after."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path

from eideploy.errors import InputError, OutputError
from eideploy.train.checkpoint import (
    checkpoint_path,
    compare_recipes,
    read_checkpoint,
    recipe_values,
)
from eideploy.train.folder import ABOUT, CHECKPOINT, load_run
from eideploy.train.recipe import Recipe

LOGS = "logs"
"""What TensorBoard shows."""

PAGE = "training.html"
"""What the page about a training is called, which is written afterwards if it is wanted."""


class Plan(Enum):
    """What there is to do; the value says so."""

    BEGIN = "nothing to go on from in {}: training begins"
    GO_ON = "going on in {}"
    HAND_BACK = "{} is finished already"


def prepare(folder: Path, recipe: Recipe, *, resume: bool, overwrite: bool) -> Plan:
    """Make sure, before it begins, that training can begin here and its result be written.

    Args:
        folder: the run directory.
        recipe: what is to be trained.
        resume: go on from a checkpoint, if there is one.
        overwrite: begin again, whatever is there.

    Raises:
        InputError: something is there and neither was asked for, or both were, or what is there is
            of another recipe, or damaged.
        OutputError: the directory cannot be written.
    """
    if resume and overwrite:
        raise InputError("asked both to resume and to overwrite", "Choose one of the two.")
    _check_writable(folder)
    checkpoint = checkpoint_path(folder)
    finished = (folder / ABOUT).exists()
    if resume:
        if checkpoint.exists():
            compare_recipes(recipe_values(read_checkpoint(checkpoint)), recipe, folder)
            return Plan.GO_ON
        if finished:
            compare_recipes(load_run(folder).recipe.model_dump(mode="json"), recipe, folder)
            return Plan.HAND_BACK
    elif not overwrite and (finished or checkpoint.exists()):
        what = "a run" if finished else "an unfinished training"
        how = "" if finished else "go on with it by --resume, "
        raise InputError(
            f"{folder} holds {what} already", f"Choose another directory, {how}or give --overwrite."
        )
    return Plan.BEGIN


def clear(folder: Path) -> None:
    """Take away what an earlier training left, but for a finished run."""
    for name in (CHECKPOINT, LOGS):
        shutil.rmtree(folder / name, ignore_errors=True)


@contextmanager
def tidy(folder: Path) -> Iterator[None]:
    """If the block fails before there is a checkpoint to resume from, leave nothing behind."""
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        yield
    except BaseException:
        if not checkpoint_path(folder).exists():
            clear(folder)
            with suppress(OSError):  # somebody else has put something there
                for place in made:
                    place.rmdir()
        raise


def _check_writable(folder: Path) -> None:
    try:
        # The folder itself is made when there is something to put into it.
        existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise OutputError(
            f"cannot write to {folder}: {error.strerror or error}",
            "Check that it is a directory that you may write to.",
        ) from error
