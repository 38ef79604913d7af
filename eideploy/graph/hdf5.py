"""HDF5 as a plain tree of arrays and strings, without trust in the file.

Groups are dictionaries, datasets are values. Nothing is executed or unpickled, and no link is
followed out of the file. Groups keep the order in which their members were written. `.nir` files
are written in the layout of the `nir` package.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

import h5py
import nir
import numpy as np
from numpy.typing import NDArray

from eideploy.errors import GraphError
from eideploy.files import atomic_write

Strings = list[Union[str, "Strings"]]
Stored = Union[NDArray[Any], str, Strings, "Tree"]
Tree = dict[str, Stored]

ROOT = "node"


@dataclass(frozen=True)
class Layout:
    """What kind of HDF5 file is expected.

    Args:
        name: of the format.
        file: what such a file is called in messages.
        root: the group that holds everything.
        writer: how such a file is made.
    """

    name: str
    file: str
    root: str
    writer: str


NIR = Layout(
    "NIR",
    "a .nir file",
    ROOT,
    "Write it with eideploy.graph.write or nir.write; a network of lava-dl is read by `eideploy "
    "import-netx`.",
)

MAX_DEPTH = 64
"""Deepest nesting of groups that is read; deeper means a group that contains itself."""

_MOST_COMPRESSION = 1032  # of deflate, by its documentation
_SPARE_BYTES = 2**20


def load(path: str | os.PathLike[str], layout: Layout = NIR) -> Tree:
    """Load everything below the root group of a file.

    Args:
        path: the file.
        layout: what it is expected to be.

    Returns:
        Groups as dictionaries, numeric datasets as arrays (dtype kept), text as str or lists of it.

    Raises:
        GraphError: the file cannot be read, has another layout, or holds something that a network
            has no place for (references, compound types, links into other files …).
    """
    _check_readable(Path(path), layout)
    try:
        with h5py.File(path, "r") as file:
            root = file.get(layout.root)
            if not isinstance(root, h5py.Group):
                raise GraphError(
                    f"an HDF5 file, but not {layout.name}: it has no group {layout.root!r} "
                    f"(it has {', '.join(map(repr, list(file)[:8])) or 'nothing'})",
                    layout.writer,
                )
            return _load_group(root, f"/{layout.root}", depth=0)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        # h5py raises each of these on some kind of damage.
        raise GraphError(
            f"cannot be read as HDF5: {error}",
            "The file is damaged, truncated or of another format; export it again.",
        ) from error
    except MemoryError as error:
        raise GraphError(f"does not fit into memory: {error}") from error


def save(path: str | os.PathLike[str], tree: Tree) -> None:
    """Write `tree` as a .nir file, atomically.

    The file is made in memory first, so that a full disk is an ordinary failure to write. Equal
    trees give equal bytes.

    Args:
        path: where to.
        tree: what `load` is to return.

    Raises:
        OutputError: the file cannot be written; what was there before is untouched.
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("version", data=nir.version, dtype=h5py.string_dtype())
        _save_group(file.create_group(ROOT, track_order=True), tree)
    with atomic_write(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def _check_readable(path: Path, layout: Layout) -> None:
    """Tell apart the ways in which a path is no HDF5 file."""
    if path.is_dir():
        raise GraphError(f"is a folder, expected {layout.file}")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError:
        raise GraphError("no such file", "Check the path.") from None
    except OSError as error:
        raise GraphError(f"cannot be opened: {error.strerror or error}") from error
    if empty:
        raise GraphError("is empty", "Export it again; the writer was probably interrupted.")
    if not h5py.is_hdf5(path):
        raise GraphError(
            f"is not an HDF5 file, as {layout.file} must be", "Check the path; export it again."
        )


def _load_group(group: h5py.Group, where: str, depth: int) -> Tree:
    if depth > MAX_DEPTH:
        raise GraphError(f"{where}: groups are nested more than {MAX_DEPTH} deep")
    tree: Tree = {}
    for name in group:
        inside = f"{where}/{name}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise GraphError(f"{inside}: is a link, expected data", "Store the data in the file.")
        item = group[name]
        if isinstance(item, h5py.Group):
            tree[name] = _load_group(item, inside, depth + 1)
        elif isinstance(item, h5py.Dataset):
            tree[name] = _load_dataset(item, inside)
        else:
            raise GraphError(f"{inside}: is neither a group nor a dataset")
    return tree


def _load_dataset(dataset: h5py.Dataset, where: str) -> NDArray[Any] | str | Strings:
    if dataset.is_virtual or dataset.external:
        raise GraphError(f"{where}: its data lie in another file", "Store the data in the file.")
    if dataset.shape is None:
        raise GraphError(f"{where}: holds no value")
    if dataset.nbytes > _SPARE_BYTES + _MOST_COMPRESSION * dataset.id.get_storage_size():
        raise GraphError(
            f"{where}: declares shape {dataset.shape} and stores only "
            f"{dataset.id.get_storage_size()} bytes",
            "The file is damaged, or was never filled.",
        )
    if h5py.check_string_dtype(dataset.dtype) is not None:
        text = dataset.asstr()[()]
        strings: str | Strings = text if isinstance(text, str) else text.tolist()
        return strings
    if dataset.dtype.kind not in "biuf" or dataset.dtype.subdtype is not None:
        raise GraphError(f"{where}: has dtype {dataset.dtype}, expected numbers or text")
    return np.asarray(dataset[()], dtype=dataset.dtype)


def _save_group(group: h5py.Group, tree: Tree) -> None:
    for name, value in tree.items():
        if isinstance(value, dict):
            _save_group(group.create_group(name, track_order=True), value)
        elif isinstance(value, np.ndarray):
            # HDF5 compresses neither scalars nor empty arrays.
            compression = "gzip" if value.size and value.ndim else None
            group.create_dataset(name, data=value, compression=compression)
        else:
            group.create_dataset(name, data=value, dtype=h5py.string_dtype())
