"""Doing tasks on a cluster: few at a time, each counted once, none lost."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import uuid4

from eideploy.errors import InputError, TargetError
from eideploy.jobs.errand import do, pack
from eideploy.jobs.versions import versions

if TYPE_CHECKING:
    from distributed import Client, Future

T = TypeVar("T")
R = TypeVar("R")

WAITING_PER_HAND = 2
"""Tasks that are sent for each that can be done at a time: the next is there when one is done."""

LOOK_SECONDS = 5.0
"""How often to look whether there is anybody left."""

DESERTED_SECONDS = 120.0
"""A cluster that has no workers for so long is given up."""


@dataclass(frozen=True)
class Lost:
    """That a task was not done, and why."""

    why: str


def spread(
    client: Client, work: Callable[[T], R], tasks: Sequence[T], wanted: Sequence[int]
) -> Iterator[tuple[int, R | Lost]]:
    """Do tasks on a cluster; yield the index and the result of each as soon as it is there.

    The cluster begins a task anew whose worker died. It counts a death for every task that the
    worker had been given, so those that it gives up are tried once more in the end, one at a time:
    what kills its worker then has only itself to blame.

    Args:
        client: of the cluster.
        work: does one task.
        tasks: all of them.
        wanted: indices of those to do.

    Raises:
        TargetError: the cluster went away, or has no workers.
        InputError: a worker has other versions, or something cannot be sent.
        Exception: what a task raised.
    """
    party = _Party(client, pack(work), tasks, versions())
    try:
        suspects = []
        for index, result in party.do(wanted, at_once=None):
            if isinstance(result, Lost):
                suspects.append(index)
            else:
                yield index, result
        yield from party.do(sorted(suspects), at_once=1)
    finally:
        party.dismiss()


@dataclass
class _Party(Generic[T]):
    """Tasks on their way."""

    client: Client
    work: bytes
    tasks: Sequence[T]
    expected: Mapping[str, str]
    run: str = field(default_factory=lambda: uuid4().hex)
    under_way: dict[Future[Any], int] = field(default_factory=dict)
    carried: Future[Any] | None = None

    def do(self, wanted: Sequence[int], at_once: int | None) -> Iterator[tuple[int, Any]]:
        """Do the tasks of these indices, at most so many at once, or as many as keep all busy."""
        waiting = deque(wanted)
        while waiting or self.under_way:
            most = at_once or WAITING_PER_HAND * max(1, sum(self.client.nthreads().values()))
            while waiting and len(self.under_way) < most:
                self._send(waiting.popleft())
            for future in self._arrived():
                index = self.under_way.pop(future)
                result = self._result(future)
                future.release()
                yield index, result

    def dismiss(self) -> None:
        """Call off what is under way."""
        self.client.cancel(list(self.under_way), force=True)
        self.under_way.clear()

    def _send(self, index: int) -> None:
        if self.carried is None or self.carried.status == "error":
            # As the result of a task it goes to each worker once, and a cluster that loses it,
            # because all who had it died, makes it anew.
            self.carried = self.client.submit(bytes, self.work, pure=False)
        sent = self.client.submit(
            do, self.run, self.carried, pack(self.tasks[index]), self.expected, pure=False
        )
        self.under_way[sent] = index

    def _arrived(self) -> list[Future[Any]]:
        """Futures that are done: waits until there is one."""
        from distributed import CancelledError, wait

        deserted: float | None = None
        while True:
            try:
                with self.client.as_current():
                    found = wait(list(self.under_way), LOOK_SECONDS, "FIRST_COMPLETED")
                return list(found.done)
            except CancelledError as error:
                raise _gone() from error
            except asyncio.TimeoutError:  # nothing arrived yet
                if self.client.status != "running":
                    raise _gone() from None
            if self.client.nthreads():
                deserted = None
                continue
            deserted = deserted or monotonic()
            if monotonic() - deserted > DESERTED_SECONDS:
                raise TargetError(
                    f"the cluster has had no workers for {DESERTED_SECONDS:g} s",
                    "Start workers: dask worker ADDRESS. What was done so far: --resume.",
                )

    def _result(self, future: Future[Any]) -> Any:
        from distributed import CancelledError, KilledWorker

        try:
            return future.result()
        except KilledWorker:
            return Lost("the processes that did it died, every time")
        except CancelledError as error:
            raise _gone() from error
        except ModuleNotFoundError as error:
            raise InputError(
                f"a worker cannot import what it is sent: {error}",
                "Install the same versions on the workers as here.",
            ) from error


def _gone() -> TargetError:
    return TargetError(
        "the cluster went away while it was at work",
        "Look after its scheduler. What was done so far: --resume.",
    )
