"""A file for HDF5 to write to, on a disk that may be full, by someone who may press Ctrl-C."""

from __future__ import annotations

import io
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A block in which Ctrl-C waits for its end.

    An exception that is raised where HDF5 calls Python does not come out of it: what was to be
    written is lost without a word, or the process ends.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # no other thread is interrupted
        return
    pressed = False

    def remember(*_: object) -> None:
        nonlocal pressed
        pressed = True

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            signal.raise_signal(signal.SIGINT)
