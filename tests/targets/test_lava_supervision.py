"""However a run of Lava ends, it says so and leaves nothing behind."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eideploy_targets.lava import LavaFixed

from eideploy.errors import TargetError
from eideploy.program import Program, Stimulus, save_program, save_stimulus
from eideploy.simulate import reference
from eideploy.simulate.record import Record

pytestmark = pytest.mark.lava
pytest.importorskip("lava")

PATIENCE = 20.0
"""Seconds in which a thing must happen that takes a fraction of one on an idle machine."""


@pytest.fixture
def endless(stimulus: Stimulus) -> Stimulus:
    """More samples than any of these tests waits for."""
    return Stimulus({"input": np.tile(stimulus.values["input"], (4000, 1, 1))})


def children() -> set[str]:
    """Operating system processes that are children of this one, zombies included."""
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        found.update((task / "children").read_text().split())
    return found


def belongings() -> dict[str, Any]:
    """What a run could leave behind."""
    gc.collect()
    return {
        "children": children(),
        "shared memory": set(os.listdir("/dev/shm")),
        "open files": len(os.listdir("/proc/self/fd")),
        "log handlers": list(logging.getLogger().handlers),
        "start method": multiprocessing.get_start_method(allow_none=True),
    }


@pytest.fixture(autouse=True)
def nothing_left_behind(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    threads = set(threading.enumerate())
    before = belongings()
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), thread.name
    after = belongings()
    assert after == before
    assert capfd.readouterr() == ("", "")


class Meddler:
    """Does something once, as soon as the first sample is done."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action = action
        self.since = 0.0

    def __call__(self, done: int, total: int) -> None:
        if not self.since:
            self.since = time.monotonic()
            self.action()


def kill(name: str) -> Callable[[], None]:
    def action() -> None:
        (worker,) = (w for w in multiprocessing.active_children() if w.name == name)
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)

    return action


def test_success(program: Program, stimulus: Stimulus) -> None:
    trace = LavaFixed().run(program, stimulus, Record())
    expected = reference.run(program, stimulus)
    assert np.array_equal(trace["out"].output, expected["out"].output)
    assert 0 < expected["out"].output.mean() < 1


@pytest.mark.parametrize("worker", ["'hidden'", "'input→hidden.shunt'", "the runtime service"])
def test_a_killed_worker_is_named_at_once(worker: str, program: Program, endless: Stimulus) -> None:
    meddler = Meddler(kill(worker))
    with pytest.raises(TargetError, match=f"{worker} was killed .SIGKILL"):
        LavaFixed().run(program, endless, Record(), meddler)
    assert time.monotonic() - meddler.since < PATIENCE


def test_a_worker_killed_while_starting_is_named(
    program: Program, endless: Stimulus, monkeypatch: pytest.MonkeyPatch
) -> None:
    LavaFixed().run(program, endless.take(slice(0, 1)), Record())  # Lava is imported now.
    from eideploy_targets.lava.workers import WatchedRuntime

    build = WatchedRuntime._build_processes
    monkeypatch.setattr(
        WatchedRuntime, "_build_processes", lambda self: (build(self), kill("'out'")())
    )
    with pytest.raises(TargetError, match="'out' was killed"):
        LavaFixed().run(program, endless, Record())


def test_a_failing_process_model_is_quoted(
    program: Program, stimulus: Stimulus, monkeypatch: pytest.MonkeyPatch
) -> None:
    LavaFixed().run(program, stimulus.take(slice(0, 1)), Record())
    from eideploy_targets.lava.processes.ei.neuron import PyEINeuronFixedModel

    def fail(self: Any, *arrived: Any) -> None:
        print("not to be seen")
        raise ValueError("no such number")

    monkeypatch.setattr(PyEINeuronFixedModel, "integrate", fail)
    with pytest.raises(TargetError, match="'hidden' failed: ValueError: no such number"):
        LavaFixed().run(program, stimulus, Record())


def test_a_process_model_that_cannot_be_built_is_quoted(
    program: Program, stimulus: Stimulus, monkeypatch: pytest.MonkeyPatch
) -> None:
    LavaFixed().run(program, stimulus.take(slice(0, 1)), Record())
    from eideploy_targets.lava.processes.ei.neuron import PyEINeuronFixedModel

    def fail(self: Any, parameters: Any) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(PyEINeuronFixedModel, "__init__", fail)
    with pytest.raises(TargetError, match="no room"):
        LavaFixed().run(program, stimulus, Record())


def test_a_system_without_room_for_workers_is_named(
    program: Program, stimulus: Stimulus, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, started = multiprocessing.Process.start, []

    def start_two(worker: multiprocessing.Process) -> None:
        if len(started) == 2:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        started.append(worker.name)
        start(worker)

    monkeypatch.setattr(multiprocessing.Process, "start", start_two)
    with pytest.raises(TargetError, match=r"cannot start its 7 processes: .*unavailable"):
        LavaFixed().run(program, stimulus, Record())


def test_a_run_that_takes_too_long_is_given_up(program: Program, endless: Stimulus) -> None:
    with pytest.raises(TargetError, match=r"within 1 s .* of 48000 samples done"):
        LavaFixed(timeout=1).run(program, endless, Record())


def test_ctrl_c_ends_a_run(program: Program, endless: Stimulus) -> None:
    meddler = Meddler(lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        LavaFixed().run(program, endless, Record(), meddler)
    assert time.monotonic() - meddler.since < PATIENCE


SCRIPT = """
import multiprocessing, sys
multiprocessing.set_start_method("spawn")  # another library's choice, made before Lava is loaded
from eideploy.program import load_program, load_stimulus
from eideploy.simulate.record import Record
from eideploy_targets.lava import LavaFixed

def progress(done, total):
    if done == 1:
        print("running", flush=True)

program, stimulus = load_program(sys.argv[1]), load_stimulus(sys.argv[2])
trace = LavaFixed().run(program, stimulus, Record(), progress)
print(multiprocessing.get_start_method(), int(trace["out"].output.sum()), flush=True)
"""


class Script:
    """The script above in a session of its own; `gone` when it and all its workers are."""

    def __init__(self, folder: Path, program: Program, stimulus: Stimulus) -> None:
        save_program(folder / "program.npz", program)
        save_stimulus(folder / "stimulus.npz", stimulus)
        self.end, passed = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, folder / "program.npz", folder / "stimulus.npz"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=[passed],
            start_new_session=True,
        )
        os.close(passed)

    def wait_until_it_runs(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "running\n"

    def gone(self) -> bool:
        """Whether the pipe that all of them hold closes in time."""
        readable, _, _ = select.select([self.end], [], [], PATIENCE)
        os.close(self.end)
        return bool(readable)


def test_nothing_is_printed_and_another_start_method_survives(
    program: Program, stimulus: Stimulus, tmp_path: Path
) -> None:
    script = Script(tmp_path, program, stimulus)
    out, err = script.process.communicate(timeout=3 * PATIENCE)
    spikes = int(reference.run(program, stimulus)["out"].output.sum())
    assert (script.process.returncode, err) == (0, "")
    assert out == f"running\nspawn {spikes}\n"
    assert script.gone()


def test_ctrl_c_in_a_terminal_stops_all_quietly(
    program: Program, endless: Stimulus, tmp_path: Path
) -> None:
    """A terminal sends it to the workers too."""
    script = Script(tmp_path, program, endless)
    script.wait_until_it_runs()
    os.killpg(script.process.pid, signal.SIGINT)
    assert script.gone()
    _, err = script.process.communicate(timeout=PATIENCE)
    assert err.count("Traceback") == 1  # its own
    assert err.endswith("KeyboardInterrupt\n")


@pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere nobody tells a process of its parent's end"
)
def test_workers_do_not_outlive_a_killed_parent(
    program: Program, endless: Stimulus, tmp_path: Path
) -> None:
    script = Script(tmp_path, program, endless)
    script.wait_until_it_runs()
    script.process.kill()
    assert script.gone()
    script.process.communicate(timeout=PATIENCE)
