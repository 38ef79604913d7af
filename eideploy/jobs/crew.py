"""Who does the tasks: processes of this machine, or a cluster that runs already."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from eideploy.errors import InputError, MissingComponentError

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 5
"""A scheduler that does not answer for so long is not there."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""Each worker keeps to one core: there are as many of them as are to be busy."""


@dataclass(frozen=True)
class Crew:
    """Who does the tasks: this process, if neither is given.

    Args:
        workers: processes of this machine, of one thread each.
        scheduler: address of a Dask scheduler, e.g. `tcp://10.0.0.1:8786`.
        retries: how often a task is begun anew whose worker died, before it is tried alone. A
            cluster that runs already has its own: `distributed.scheduler.allowed-failures`.

    Raises:
        InputError: both are given, or a number is out of range.
    """

    workers: int | None = None
    scheduler: str | None = None
    retries: int = 3

    def __post_init__(self) -> None:
        if self.workers is not None and self.scheduler is not None:
            raise InputError(
                "workers of this machine and the scheduler of a cluster cannot both do the tasks",
                "Give one of --workers and --scheduler.",
            )
        if self.workers is not None and self.workers < 1:
            raise InputError(f"there cannot be {self.workers} workers; expected at least 1")
        if self.retries < 0:
            raise InputError(
                f"a task cannot be begun anew {self.retries} times; expected 0 or more"
            )

    @property
    def hired(self) -> bool:
        """Whether it is anybody but this process."""
        return self.workers is not None or self.scheduler is not None

    def for_tasks(self, count: int) -> Crew:
        """The same without those workers of this machine that would have nothing to do."""
        return self if self.workers is None else replace(self, workers=min(self.workers, count))

    def hands(self) -> int:
        """How many tasks can be done at a time.

        Raises:
            MissingComponentError: the scheduler does not answer.
        """
        if self.scheduler is None:
            return self.workers or 1
        with hire(self) as client:
            return max(1, sum(client.nthreads().values()))


@contextmanager
def hire(crew: Crew) -> Iterator[Client]:
    """A client of the crew's cluster; processes that it starts end with the block.

    Raises:
        InputError: the address of the scheduler is none.
        MissingComponentError: it does not answer.
    """
    import dask
    from distributed import Client

    with ExitStack() as stack:
        # Versions are compared here, and only those that matter; libraries warn of any other.
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", module="distributed")
        stack.enter_context(_quiet())
        stack.enter_context(
            dask.config.set(
                {
                    # Backends may start processes of their own, which a daemon must not.
                    "distributed.worker.daemon": False,
                    "distributed.worker.multiprocessing-method": "spawn",
                    "distributed.worker.profile.enabled": False,
                    # Without the threshold for giving back memory that Dask would set: large
                    # arrays come and go here, and each time cost a fault for every page.
                    "distributed.nanny.pre-spawn-environ": ONE_THREAD,
                    # There is nothing to look at by HTTP.
                    "distributed.scheduler.http.routes": [],
                    "distributed.worker.http.routes": [],
                    # A busy machine takes long to replace a process that died.
                    "distributed.deploy.lost-worker-timeout": "10 minutes",
                    "distributed.scheduler.allowed-failures": crew.retries,
                }
            )
        )
        if crew.scheduler is None:
            address = stack.enter_context(_processes(crew.workers or 1))
        else:
            address = _checked(crew.scheduler)
        try:
            client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, asyncio.TimeoutError) as error:
            raise MissingComponentError(
                f"no Dask scheduler answers at {address!r}: {error}",
                "Start one with `dask scheduler`, and workers with `dask worker ADDRESS`; or use "
                "processes of this machine with --workers.",
            ) from error
        yield stack.enter_context(client)


def _checked(address: str) -> str:
    """An address of which a scheduler may be asked; `InputError` if it is none."""
    from distributed import Security
    from distributed.comm.addressing import get_address_host_port

    try:
        get_address_host_port(address)
    except ValueError as error:
        raise InputError(
            f"{address!r} is not the address of a scheduler: {error}",
            "Give it as `dask scheduler` prints it, e.g. tcp://10.0.0.1:8786.",
        ) from error
    # A client that finds this out by itself does not come to an end.
    secured = Security().get_connection_args("client")["ssl_context"] is not None
    if address.startswith("tls:") and not secured:
        raise InputError(
            f"there are no certificates to ask the scheduler at {address!r} with",
            "Name them in Dask's configuration, distributed.comm.tls; or give tcp://HOST:PORT.",
        )
    return address


@contextmanager
def _processes(count: int) -> Iterator[str]:
    """A scheduler and workers of this machine, as its address."""
    from distributed import LocalCluster

    with (
        _environment_kept(),
        tempfile.TemporaryDirectory(prefix="eideploy-") as folder,
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            memory_limit=None,  # what parts take is bounded where they are cut
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            local_directory=folder,
            env=ONE_THREAD,
            silence_logs=logging.CRITICAL,
        ) as cluster,
    ):
        yield cluster.scheduler_address


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Take back what is set here for processes that are started."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _quiet() -> Iterator[None]:
    """What the cluster logs is of no use to who waits for tasks: what matters is raised."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    before = {logging.getLogger(name): logging.getLogger(name).level for name in names}
    for logger in before:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in before.items():
            logger.setLevel(level)
