"""Where data sets lie, and what is said of one that does not, or that cannot be read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from eideploy.errors import EideployError, InputError, MissingComponentError
from eideploy.train.data.dataset import Array

VARIABLE = "EIDEPLOY_DATA"
DEFAULT = Path("data")
"""Below the working directory, where the examples of torchvision and tonic put data sets too."""


def data_folder() -> Path:
    """The folder of all data sets: EIDEPLOY_DATA, or `data` below the working directory."""
    return Path(os.environ.get(VARIABLE) or DEFAULT).expanduser()


def use_data_folder(path: str | Path) -> None:
    """Read data sets from another folder from now on.

    It is kept in the environment, so that processes started later read from there too.
    """
    os.environ[VARIABLE] = os.fspath(path)


def find(name: str, choices: Sequence[str], how: str) -> Path:
    """The first of some places in `data_folder` that exists.

    Args:
        name: of the data set.
        choices: files or folders relative to `data_folder`.
        how: to get the data set; `{folder}` stands for `data_folder`.

    Raises:
        MissingComponentError: none exists; names all of them.
    """
    folder = data_folder()
    for choice in choices:
        if (folder / choice).exists():
            return folder / choice
    raise MissingComponentError(
        f"the data set {name} is not in {folder.absolute()}: there is no {' nor '.join(choices)}",
        f"{how.format(folder=folder)} Another folder is chosen by --data-dir or {VARIABLE}.",
    )


def files_by_class(folder: Path, classes: Sequence[str], suffix: str) -> tuple[list[Path], Array]:
    """The files of a folder that has one folder for each class, sorted by class and name.

    Args:
        folder: of the data set.
        classes: names of the folders, in the order of the classes.
        suffix: of the files.

    Returns:
        The files and the class of each.

    Raises:
        InputError: a class has none.
    """
    paths, labels = [], []
    for label, name in enumerate(classes):
        found = sorted((folder / name).glob(f"*{suffix}"), key=_by_number)
        if not found:
            raise InputError(
                f"{folder / name} holds no *{suffix} file", "It is incomplete; unpack it again."
            )
        paths += found
        labels += [label] * len(found)
    return paths, np.array(labels, dtype=np.int64)


def _by_number(path: Path) -> tuple[int, str]:
    """Sorts a_2 before a_10."""
    number = re.search(r"\d+$", path.stem)
    return (int(number.group()) if number else -1, path.name)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever goes wrong in the block is because of what is in this file.

    Raises:
        InputError: something did; names the file.
    """
    try:
        yield
    except EideployError:
        raise
    # The readers of torchvision and tonic raise what comes, from AssertionError to Exception.
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise InputError(
            f"{path} cannot be read: {reason}",
            "It is damaged or of another format; get the data set again.",
        ) from error
