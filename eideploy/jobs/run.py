"""Doing tasks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import TypeVar

from eideploy.errors import EideployWarning, OutputError, TargetError
from eideploy.jobs.cluster import Lost, spread
from eideploy.jobs.crew import Crew, hire
from eideploy.jobs.journal import Journal

T = TypeVar("T")
R = TypeVar("R")


def run_tasks(
    work: Callable[[T], R],
    tasks: Sequence[T],
    *,
    name: Callable[[T], str] = str,
    crew: Crew | None = None,
    journal: Journal[R] | None = None,
    lost: Callable[[T, str], R] | None = None,
) -> Generator[tuple[int, R], None, None]:
    """Do every task once; yield its index and its result as soon as it is there, in any order.

    What a task raises ends the run. Leaving the iterator calls off what is under way.

    Args:
        work: does one task, and never gives None; with a crew, it and the tasks are sent to other
            processes, and the work stays there from task to task.
        tasks: what it is given.
        name: of a task, unique among them: in the journal and in errors.
        crew: who does them.
        journal: what is in it is not done again; what is done is added to it.
        lost: makes a result of a task whose workers died again and again, and of why; without it
            such a task is a `TargetError`.

    Raises:
        MissingComponentError: the scheduler of the crew does not answer.
        InputError: a worker has other versions than there are here, or something cannot be sent.
        TargetError: a task was lost, or the cluster.
    """
    left = []
    for index, task in enumerate(tasks):
        done = journal.read(name(task)) if journal else None
        if done is None:
            left.append(index)
        else:
            yield index, done
    with closing(_do(work, tasks, left, crew)) as results:
        for index, result in results:
            if isinstance(result, Lost):
                # It is not written down: when the run is resumed, it may well be done.
                yield index, _without(tasks[index], result, name, lost)
                continue
            if journal:
                try:
                    journal.write(name(tasks[index]), result)
                except OutputError as error:
                    journal = None
                    warnings.warn(
                        f"this run cannot be resumed: {error.what}", EideployWarning, stacklevel=2
                    )
            yield index, result


def _do(
    work: Callable[[T], R], tasks: Sequence[T], wanted: list[int], crew: Crew | None
) -> Generator[tuple[int, R | Lost], None, None]:
    if crew is None or not crew.hired:
        for index in wanted:
            yield index, work(tasks[index])
    elif wanted:
        with hire(crew.for_tasks(len(wanted))) as client:
            yield from spread(client, work, tasks, wanted)


def _without(
    task: T, loss: Lost, name: Callable[[T], str], lost: Callable[[T, str], R] | None
) -> R:
    """What stands for the result of a task that was lost."""
    if lost is None:
        raise TargetError(
            f"{name(task)} could not be done: {loss.why}",
            "See what kills it: run it alone, without --workers and --scheduler.",
        )
    return lost(task, loss.why)
