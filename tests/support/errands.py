"""Work for crews that leaves a file for everything it does, and dies when it is told to."""

from __future__ import annotations

import os
import signal
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from eideploy.compile import CompileOptions, Pass
from eideploy.errors import StimulusError
from eideploy.program import Program, Stimulus, Trace
from eideploy.simulate import reference
from eideploy.simulate.record import Progress, Record
from eideploy.targets import Availability


def note(folder: Path, what: str) -> None:
    """Leave a file that says so, whatever happens then."""
    (folder / f"{what} {uuid.uuid4()}").touch()


def noted(folder: Path) -> dict[str, int]:
    """How often each thing was noted."""
    found: dict[str, int] = {}
    for file in sorted(folder.iterdir()):
        what = file.name.rsplit(" ", 1)[0]
        found[what] = found.get(what, 0) + 1
    return found


def die() -> None:
    """End this process as the kernel does when memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


def square(task: int) -> int:
    return task * task


def complain(task: int) -> int:
    if task == 3:
        raise StimulusError("sample 3 is damaged", "Record it again.")
    return task


@dataclass(frozen=True)
class Square:
    """Squares numbers.

    Args:
        folder: for notes.
        deaths: how often the process dies in the middle of a task, by task.
    """

    folder: Path
    deaths: dict[int, int] = field(default_factory=dict)

    def __call__(self, task: int) -> int:
        note(self.folder, f"begun {task}")
        if noted(self.folder)[f"begun {task}"] <= self.deaths.get(task, 0):
            die()
        return square(task)


@dataclass
class Heavy:
    """Work that notes each time that it arrives somewhere."""

    folder: Path

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = state
        note(self.folder, f"arrived {os.getpid()}")

    def __call__(self, task: int) -> int:
        return os.getpid()


@dataclass(frozen=True)
class Counted:
    """The reference as a target that notes the samples of each run, by the first value shown.

    Args:
        folder: for notes; a text, since a path does not say what is in it.
        deaths: how often its process dies in the middle of a run, by that value.
    """

    folder: str
    deaths: dict[int, int] = field(default_factory=dict)
    arithmetic: str = "float"
    timeout: float | None = None

    name: ClassVar[str] = "counted"
    relation: ClassVar[str] = "exact"

    def pipeline(self, options: CompileOptions) -> tuple[Pass, ...]:
        return ()

    def available(self) -> Availability:
        return Availability(True)

    def run(
        self,
        program: Program,
        stimulus: Stimulus,
        record: Record,
        progress: Progress | None = None,
    ) -> Trace:
        assert stimulus.labels is not None
        for label in stimulus.labels.tolist():
            note(Path(self.folder), f"begun {label}")
            if noted(Path(self.folder))[f"begun {label}"] <= self.deaths.get(label, 0):
                die()
        return reference.run(program, stimulus, record)
