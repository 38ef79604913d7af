"""What is done already, on disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

R = TypeVar("R")


@dataclass(frozen=True)
class Journal(Generic[R]):
    """A folder with a file for each task that is done.

    Args:
        folder: of this run alone: its name is a hash of all that its results depend on.
        encode: a result as bytes; never by pickle.
        decode: the same backwards.
    """

    folder: Path
    encode: Callable[[R], bytes]
    decode: Callable[[bytes], R]
