"""Where data sets lie, and what is said of one that does not, or that cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from eideploy.errors import EideployError, InputError, MissingComponentError

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
    """The first of some places below `data_folder` that exists.

    Args:
        name: of the data set.
        choices: files or folders relative to `data_folder`.
        how: to get the data set.

    Raises:
        MissingComponentError: none exists; names all of them.
    """
    places = [data_folder() / choice for choice in choices]
    for place in places:
        if place.exists():
            return place
    looked = " nor ".join(str(place) for place in places)
    raise MissingComponentError(
        f"the data set {name} is not there: no {looked}",
        f"{how} Another folder is chosen by --data-dir or {VARIABLE}.",
    )


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
