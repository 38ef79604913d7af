"""A bar for conversions that take minutes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


def with_progress(items: Sequence[T], what: str) -> Iterable[T]:
    """The items, with a bar on stderr while they are gone through, if somebody looks at it."""
    console = Console(stderr=True)
    return track(items, what, console=console, transient=True, disable=not console.is_terminal)
