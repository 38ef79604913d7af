"""Lava's runtime with workers that cannot be lost: watched while they run, ended in every case.

Lava runs each process of a network in an operating system process of its own. Left alone it waits
for ever when one of them dies, and leaves processes, threads and shared memory behind on failure.
Here workers are polled instead of waited for, share memory that has no name, and end with us.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from mmap import mmap
from types import SimpleNamespace
from typing import Any

from lava.magma.core.process.message_interface_enum import ActorType
from lava.magma.core.run_conditions import RunSteps
from lava.magma.runtime.message_infrastructure.multiprocessing import MultiProcessing
from lava.magma.runtime.mgmt_token_enums import MGMT_RESPONSE, enum_equal
from lava.magma.runtime.runtime import Runtime

from eideploy.errors import TargetError

POLL = 0.01
"""Seconds between two looks at the workers while nothing arrives."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class NamelessMemory:
    """Shared memory for Lava's channels that workers inherit; with no name, nothing can stay."""

    def create_shared_memory(self, size: int) -> SimpleNamespace:
        """Something with a buffer of `size` bytes, as `multiprocessing.shared_memory` has it."""
        return SimpleNamespace(buf=memoryview(mmap(-1, size)))


class Workers(MultiProcessing):
    """Lava's processes as operating system processes that are quiet, named and end with us."""

    def __init__(self) -> None:
        super().__init__()
        # What workers print is shown only if they fail.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115

    def start(self) -> None:
        """Called by Lava's runtime before anything else."""
        self._smm = NamelessMemory()

    def build_actor(
        self, target_fn: Callable[..., None], builder: Any, exception_q: Any = None
    ) -> Any:
        """Start a worker; called by Lava's runtime for each process."""
        work = partial(_work, target_fn, self._log.fileno(), os.getpid())
        with uninterrupted():  # A worker inherits this: Ctrl-C is for its parent alone.
            worker = super().build_actor(work, builder, exception_q)
        parameters = getattr(builder, "proc_params", None)
        worker.name = repr(parameters.get("name")) if parameters else "the runtime service"
        return worker

    def any_ended(self, timeout: float) -> bool:
        """Whether a worker has ended, waiting up to `timeout` seconds for it."""
        sentinels = [worker.sentinel for worker in self.actors]
        return bool(multiprocessing.connection.wait(sentinels, timeout))

    def failure(self) -> TargetError:
        """Why a worker ended that should not have."""
        patience = time.monotonic() + 2.0  # What a process model raised may still be on its way.
        while True:
            for worker in self.actors:
                if worker.exception:
                    error, _ = worker.exception
                    return TargetError(
                        f"Lava's process of {worker.name} failed: {type(error).__name__}: {error}"
                    )
                if (worker.exitcode or 0) < 0:
                    return TargetError(
                        f"Lava's process of {worker.name} was killed "
                        f"({signal.Signals(-worker.exitcode).name})",
                        "Something outside ended it; the kernel does when memory runs out. "
                        "Show fewer samples at a time.",
                    )
            if time.monotonic() > patience:
                return TargetError("a process of Lava ended before the run did", self._printed())
            time.sleep(POLL)

    def _printed(self) -> str:
        """The last lines that workers printed."""
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return "\n".join(lines[-3:])

    def stop(self) -> None:
        """End all workers, whatever they are doing."""
        with uninterrupted():
            for worker in self.actors:
                worker.kill()
            for worker in self.actors:
                # Not Lava's `join`: it reads a pipe that a killed worker may leave half full.
                multiprocessing.Process.join(worker)
                worker.close()
                worker._pconn.close()
                worker._cconn.close()
            self.actors.clear()
            self._log.close()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(target_fn: Callable[..., None], log: int, parent: int, **arguments: Any) -> None:
    """What a worker does first: be quiet, and see to it that it dies with its parent."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    os.dup2(log, 1)
    os.dup2(log, 2)
    # Notebooks and test runners have streams of their own in place of 1 and 2.
    sys.stdout = sys.stderr = os.fdopen(os.dup(log), "w", buffering=1)
    target_fn(**arguments)


class Deadline:
    """A moment after which to give up.

    Args:
        seconds: from now; None for never.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds

    def check(self, progress: str) -> None:
        """Raise `TargetError` if it is past, saying how far the run had come."""
        if self._end is not None and time.monotonic() > self._end:
            raise TargetError(
                f"Lava did not finish within {self.seconds:g} s ({progress})",
                "Allow more time, or show fewer samples.",
            )


class WatchedRuntime(Runtime):
    """Lava's runtime over `Workers`: it can be polled, and stopped at any time and twice."""

    def __init__(self, executable: Any, deadline: Deadline) -> None:
        super().__init__(executable, ActorType.MultiProcessing)
        self.workers = Workers()
        self.deadline = deadline
        self.exception_q: list[Any] = []
        self._stopped = False

    def _build_message_infrastructure(self) -> None:
        self._messaging_infrastructure = self.workers
        self.workers.start()

    def _start_ports(self) -> None:
        """The last step of `initialize` before Lava waits for all workers without an end."""
        super()._start_ports()
        for queue in self.exception_q:
            while queue.empty():
                self.watch("while starting")
            if error := queue.get():
                raise TargetError(f"Lava cannot build a process: {error}")
        self.exception_q = []

    def begin(self, steps: int) -> None:
        """Start running, and return at once."""
        self.start(RunSteps(num_steps=steps, blocking=False))

    def watch(self, progress: str, timeout: float = POLL) -> None:
        """Wait for `timeout` seconds, and raise `TargetError` if something is wrong by then."""
        if self.workers.any_ended(timeout):
            raise self.workers.failure()
        self.deadline.check(progress)

    def proceed(self) -> bool:
        """Whether all steps have run; the workers go on by themselves."""
        (service,) = self.service_to_runtime
        if not service.probe():
            return False
        if enum_equal(service.recv(), MGMT_RESPONSE.DONE):
            self._is_running = False
            return True
        raise self.workers.failure()  # The service reports that a process model raised.

    def stop(self) -> None:
        """End the workers and the threads of all ports, however far the run has come."""
        if self._stopped:
            return
        self._stopped = True
        self.workers.stop()
        self._is_started = self._is_running = False
        self.join()
        for process in self._executable.process_list:
            for port in process.out_ports.members:
                if port.external_pipe_flag and hasattr(port, "external_pipe_csp_recv_port"):
                    port.external_pipe_csp_recv_port.join()


@contextmanager
def running(executable: Any, steps: int, deadline: Deadline) -> Iterator[WatchedRuntime]:
    """A runtime that executes connected processes, and that is gone at the end of the block."""
    runtime = WatchedRuntime(executable, deadline)
    executable.assign_runtime_to_all_processes(runtime)
    try:
        try:
            runtime.initialize()
        except OSError as error:
            raise TargetError(
                f"Lava cannot start its {len(executable.process_list)} processes: {error}",
                "It needs memory and a system process for each population and projection. "
                "`--executor inprocess` needs only this one.",
            ) from error
        runtime.begin(steps)
        yield runtime
    finally:
        runtime.stop()
