"""What is sent to a worker: the work, which is the same for all tasks, and a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from eideploy.errors import InputError
from eideploy.jobs.versions import check

_unpacked: tuple[str, Any] = ("", None)
"""The run that this process did a task of last, and its work: it is large, and may keep count."""


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


def do(run: str, work: bytes, task: bytes, expected: Mapping[str, str]) -> Any:
    """Do one task on a worker.

    Args:
        run: that the task is of, unlike any other.
        work: a packed function of the task.
        task: packed.
        expected: versions of what results depend on.

    Raises:
        InputError: this worker has other versions.
    """
    from distributed.protocol.pickle import loads

    global _unpacked
    check(expected)
    if _unpacked[0] != run:
        _unpacked = run, loads(work)
    function: Callable[[Any], Any] = _unpacked[1]
    return function(loads(task))
