"""Arrays in a `.npz` file, read without trust in what it claims of its own sizes."""

from __future__ import annotations

import math
import os
import zipfile
from typing import IO

import numpy as np

from eideploy.program.arrays import Array

_MOST_COMPRESSION = 1032  # of deflate, by its documentation
_SPARE_BYTES = 2**20


def read_arrays(path: str | os.PathLike[str]) -> dict[str, Array]:
    """The arrays of an archive by name.

    Memory is taken only for what can be in a file of that size.

    Raises:
        ValueError: it claims more than it can hold, or holds pickled objects.
        OSError, zipfile.BadZipFile, …: as `zipfile` and `numpy.lib.format` find damage.
    """
    with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        # Members that share their bytes, or lie about them, add up to more than there is.
        if sum(member.compress_size for member in members) > os.fstat(file.fileno()).st_size:
            raise ValueError("its members claim more bytes than the file has")
        arrays: dict[str, Array] = {}
        for member in members:
            if member.file_size > _SPARE_BYTES + _MOST_COMPRESSION * member.compress_size:
                raise ValueError(f"{member.filename} claims {member.file_size:,} bytes")
            with archive.open(member) as content:
                _check_claim(content, member)
            with archive.open(member) as content:
                name = member.filename.removesuffix(".npy")
                arrays[name] = np.lib.format.read_array(  # type: ignore[no-untyped-call]
                    content, allow_pickle=False
                )
    return arrays


def _check_claim(content: IO[bytes], member: zipfile.ZipInfo) -> None:
    """Raise `ValueError` unless an array is as large as the member that holds it."""
    version = np.lib.format.read_magic(content)  # type: ignore[no-untyped-call]
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"{member.filename} has version {version} of the array format")
    read = np.lib.format.read_array_header_1_0
    if version == (2, 0):
        read = np.lib.format.read_array_header_2_0
    shape, _, dtype = read(content)  # type: ignore[no-untyped-call]
    if dtype.hasobject:
        raise ValueError(f"{member.filename} holds pickled objects, which are never loaded")
    claimed = math.prod(shape) * dtype.itemsize
    held = member.file_size - content.tell()
    if claimed != held:
        raise ValueError(f"{member.filename} claims {claimed:,} bytes of values, holds {held:,}")
