"""What is sent to a worker: the work, which is the same for all tasks, and a task."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from eideploy import __version__
from eideploy.errors import InputError

COMPARED = ("numpy", "torch", "distributed")
"""Distributions on which results may depend."""

_unpacked: tuple[bytes, Any] = (b"", None)  # the work that this process did last


def versions() -> dict[str, str]:
    """Versions of what results depend on, by name."""
    found = {"eideploy": __version__, "Python": ".".join(map(str, sys.version_info[:2]))}
    for name in COMPARED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def pack(value: object) -> bytes:
    """Bytes of what is sent.

    Raises:
        InputError: it cannot be sent.
    """
    from distributed.protocol.pickle import dumps

    try:
        packed: bytes = dumps(value)
    except Exception as error:  # pickling runs code of any class, which may raise anything
        raise InputError(
            f"this cannot be sent to other processes: {error}",
            "Leave out --workers and --scheduler.",
        ) from error
    return packed


def do(work: bytes, task: bytes, here: Mapping[str, str]) -> Any:
    """Do one task on a worker.

    Args:
        work: a packed function of the task.
        task: packed.
        here: `versions` of the client.

    Raises:
        InputError: this worker has other versions.
    """
    from distributed.protocol.pickle import loads

    global _unpacked
    check(here)
    if _unpacked[0] != work:
        _unpacked = work, loads(work)
    function: Callable[[Any], Any] = _unpacked[1]
    return function(loads(task))


def check(expected: Mapping[str, str]) -> None:
    """Raise `InputError` unless the versions here are those that are expected."""
    found = versions()
    differing = [
        f"{name} {found.get(name, 'none')} instead of {wanted}"
        for name, wanted in expected.items()
        if found.get(name) != wanted
    ]
    if differing:
        raise InputError(
            f"a worker has {', '.join(differing)}: what it finds could not be compared",
            "Install the same versions on the workers as here.",
        )
