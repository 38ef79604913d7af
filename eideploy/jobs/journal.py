"""What is done already, on disk."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import time, time_ns
from typing import IO, Generic, TypeVar
from urllib.parse import quote, unquote

from eideploy.errors import OutputError
from eideploy.files import atomic_write

R = TypeVar("R")

FORGOTTEN_SECONDS = 30 * 86400
"""A journal that nobody went on with for so long is thrown away."""

ATTEMPTS = 20
"""How often a run tries to make a folder that others, which tidy up, do not take away at once."""

_SUFFIX = ".done"
_DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Journal(Generic[R]):
    """A folder with a file for each task that is done: a checksum, and the result in bytes.

    Args:
        folder: of this run alone.
        encode: a result as bytes; never by pickle.
        decode: the same backwards.
    """

    folder: Path
    encode: Callable[[R], bytes]
    decode: Callable[[bytes], R]

    def names(self) -> list[str]:
        """Names of the tasks that are done, sorted."""
        files = self.folder.glob(f"*{_SUFFIX}")
        return sorted(unquote(file.name.removesuffix(_SUFFIX)) for file in files)

    def read(self, name: str) -> R | None:
        """The result of a task; None if it is not there, or damaged."""
        try:
            content = self._file(name).read_bytes()
        except OSError:
            return None
        checksum, result = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        return self.decode(result) if hashlib.sha256(result).digest() == checksum else None

    def write(self, name: str, result: R) -> None:
        """Add the result of a task. Raises `OutputError` if it cannot be written."""
        content = self.encode(result)
        with atomic_write(self._file(name)) as temporary:
            temporary.write_bytes(hashlib.sha256(content).digest() + content)

    def _file(self, name: str) -> Path:
        return self.folder / f"{quote(name, safe=' ')}{_SUFFIX}"


def cache_folder() -> Path:
    """Where what can be made again is kept: `$EIDEPLOY_CACHE`, or `eideploy` in the XDG cache."""
    if own := os.environ.get("EIDEPLOY_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "eideploy"


@contextmanager
def keep_journal(
    cache: Path,
    key: str,
    encode: Callable[[R], bytes],
    decode: Callable[[bytes], R],
    *,
    resume: bool = False,
) -> Iterator[Journal[R]]:
    """A journal for the duration of a run: it is kept if the run is interrupted, else removed.

    Every run has a folder of its own, `journal/KEY/RUN`, which it holds locked: of two runs of the
    same thing neither takes over or removes what the other is at.

    Args:
        cache: folder of all that can be made again.
        key: digest of everything that results depend on.
        encode: a result as bytes.
        decode: the same backwards.
        resume: go on with the last run that was interrupted; else such runs are forgotten.

    Raises:
        OutputError: the folder cannot be made.
    """
    runs = cache / "journal" / key
    _forget_old(cache / "journal")
    taken = None
    for folder in _found(runs, "*/"):
        lock = _lock(folder)
        if lock is None:  # another run is at it
            continue
        if resume and taken is None and any(folder.glob(f"*{_SUFFIX}")):
            taken = folder, lock
        else:
            _remove(folder, lock)
    folder, lock = taken or _new(runs)
    try:
        yield Journal(folder, encode, decode)
    except BaseException:
        if any(folder.glob(f"*{_SUFFIX}")):
            lock.close()
        else:
            _remove(folder, lock)
        raise
    _remove(folder, lock)


def _found(folder: Path, pattern: str) -> list[Path]:
    """Folders of runs, the last first; none if another run takes them away meanwhile."""
    try:
        return sorted(folder.glob(pattern), reverse=True)
    except FileNotFoundError:
        return []


def _new(runs: Path) -> tuple[Path, IO[bytes]]:
    """A folder for a run that begins, and its lock."""
    why = "it cannot be locked"
    for _ in range(ATTEMPTS):
        folder = runs / f"{time_ns():020}-{os.getpid()}"
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            why = error.strerror or str(error)
            continue
        # Until it is locked, a run that begins at the same time takes it for one that was left.
        if lock := _lock(folder):
            return folder, lock
        shutil.rmtree(folder, ignore_errors=True)
    raise OutputError(
        f"cannot write {folder}: {why}", "Name a folder that can be written: EIDEPLOY_CACHE."
    )


def _lock(folder: Path) -> IO[bytes] | None:
    """The lock of a run's folder, held until it is closed or this process ends; None if taken.

    It belongs to the process alone: what a backend forks does not hold it.
    """
    try:
        lock = open(folder / "lock", "ab")  # noqa: SIM115 - it is held beyond this call
    except OSError:
        return None
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return None
        if not os.fstat(lock.fileno()).st_nlink:  # who had it has removed it since it was opened
            lock.close()
            return None
    return lock


def _remove(folder: Path, lock: IO[bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock.close()
    with suppress(OSError):  # another run is in it
        folder.parent.rmdir()


def _forget_old(journals: Path) -> None:
    for folder in _found(journals, "*/*/"):
        try:
            old = time() - folder.stat().st_mtime > FORGOTTEN_SECONDS
        except OSError:  # its run has just removed it
            continue
        if old and (lock := _lock(folder)):
            _remove(folder, lock)
