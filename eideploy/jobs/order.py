"""Results in the order of their tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

R = TypeVar("R")


def in_order(results: Iterable[tuple[int, R]]) -> Iterator[R]:
    """Results of all tasks in order; one that comes early waits until those before it are there.

    Args:
        results: index and result of each task, in any order.
    """
    early: dict[int, R] = {}
    next_one = 0
    for index, result in results:
        early[index] = result
        while next_one in early:
            yield early.pop(next_one)
            next_one += 1
