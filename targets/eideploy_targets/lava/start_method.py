"""The start method of multiprocessing, which Lava wants to be `fork`."""

from __future__ import annotations

import importlib
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def forking() -> Iterator[None]:
    """Import Lava and let it fork for the duration; then put the start method back.

    Lava sets the start method when it is imported, which Python refuses where anything has set or
    used one before, even if it was the same.
    """
    before = multiprocessing.get_start_method(allow_none=True)
    try:
        multiprocessing.set_start_method(None, force=True)
        importlib.import_module("lava.magma.runtime.message_infrastructure.multiprocessing")
        multiprocessing.set_start_method("fork", force=True)
        yield
    finally:
        multiprocessing.set_start_method(before, force=True)
