"""Doing tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from eideploy.jobs.journal import Journal

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Crew:
    """Who does the tasks: this process, if neither is given.

    Args:
        workers: processes of this machine.
        scheduler: address of a Dask scheduler, e.g. `tcp://10.0.0.1:8786`.
    """

    workers: int | None = None
    scheduler: str | None = None


def run_tasks(
    work: Callable[[T], R],
    tasks: Sequence[T],
    *,
    crew: Crew | None = None,
    journal: Journal[R] | None = None,
    lost: Callable[[T, str], R] | None = None,
) -> Iterator[tuple[int, R]]:
    """Do every task once; yield its index and its result as soon as it is there, in any order.

    Args:
        work: does one task; with a crew, it and the tasks are sent to other processes.
        tasks: what it is given.
        crew: who does them.
        journal: what is in it is not done again; what is done is added to it.
        lost: makes a result of a task whose workers died again and again, and of why; without it
            such a task is a `TargetError`.
    """
    for index, task in enumerate(tasks):
        yield index, work(task)
