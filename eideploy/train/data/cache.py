"""What takes long to convert is converted once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError

from eideploy.errors import InputError, OutputError
from eideploy.files import atomic_write
from eideploy.train.data.dataset import Dataset
from eideploy.train.data.folder import data_folder

VERSION = 1
"""To be raised when a data set is converted in another way."""


def cached(key: str, convert: Callable[[], Dataset]) -> Dataset:
    """A data set from `eideploy-cache` in the folder of data sets, put there if it was not.

    Its arrays are those of the file, mapped into memory. If the folder cannot be written, it is
    converted each time. Files that are changed later are not looked at again: delete the cache.

    Args:
        key: names what is converted and how.
        convert: makes the data set.

    Raises:
        InputError: the file is damaged.
    """
    path = data_folder() / "eideploy-cache" / f"{key}-v{VERSION}.safetensors"
    if path.exists():
        return _read(path)
    data = convert()
    try:
        _write(path, data)
    except (OutputError, SafetensorError):
        return data
    return _read(path)


def _write(path: Path, data: Dataset) -> None:
    from safetensors.numpy import save_file

    with atomic_write(path) as temporary:
        save_file(vars(data), temporary)


def _read(path: Path) -> Dataset:
    from safetensors.torch import load_file

    try:
        return Dataset(**{name: tensor.numpy() for name, tensor in load_file(path).items()})
    except (OSError, SafetensorError, TypeError) as error:
        raise InputError(
            f"{path} cannot be read: {error}", "Delete it, and it is made again."
        ) from error
