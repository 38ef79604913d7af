"""A file for HDF5 to write to, on a disk that may be full."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any


class Disk(io.FileIO):
    """A new file that takes every write, and remembers the first that failed.

    The library of HDF5 does not survive a file that it can no longer write when it closes it: the
    process ends. So it is told that all is well, and whoever opened the file asks.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")
        self._failure: OSError | None = None

    def write(self, content: Any, /) -> int:
        """Write all of it, or remember why not."""
        left = memoryview(content).cast("B")
        size = len(left)
        try:
            while left and self._failure is None:
                left = left[super().write(left) :]
        except OSError as error:
            self._failure = error
        return size

    def truncate(self, size: int | None = None, /) -> int:
        """Set the size of the file, or remember why not."""
        try:
            return super().truncate(size)
        except OSError as error:
            self._failure = self._failure or error
            return self.tell() if size is None else size

    def check(self) -> None:
        """Raise the first failure, an `OSError`, if there was one."""
        if self._failure is not None:
            raise self._failure
