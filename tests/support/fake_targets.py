"""Targets that are wrong in one way each, around the reference, and cases to show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from eideploy.compile import CompileOptions, Pass, integer_pipeline
from eideploy.conform import Case
from eideploy.conform.cases.build import chain, lif, matrix, neurons, show, single
from eideploy.errors import InputError, UnsupportedError
from eideploy.program import EINeuronFixed, Program, Recording, Stimulus, Trace
from eideploy.simulate import reference
from eideploy.simulate.record import Progress, Record
from eideploy.targets import Availability

EQUAL = Case(
    "threshold/equality",
    "A potential that equals the threshold does not spike.",
    single(lif(threshold=3), 1),
    show([1, 1, 1, 1, 1]),
)
DECAY = Case(
    "decay/half",
    "A potential halves in every step.",
    single(lif(voltage_decay=2048, threshold=100), [[3], [-3]]),
    show([1, 0, 0], [0, 1, 1]),
)
CHAIN = Case(
    "paths/chain",
    "What a population emits reaches the next one a step later.",
    chain((matrix(20), neurons(lif(), 1, name="first")), (matrix(20), neurons(lif(), 1))),
    show([1, 0, 1, 0]),
)
CASES = (EQUAL, DECAY, CHAIN)

Change = Callable[[str, Recording], "Recording | None"]


@dataclass(frozen=True)
class Fake:
    """The reference with something done to each recording.

    Args:
        change: gives what is handed out of a population, or None to leave it out.
        before: called with each Program before it runs.
    """

    change: Change = lambda name, recording: recording
    before: Callable[[Program], None] = lambda program: None
    known_differences: Any = None
    records_state: bool = True
    relation: str = "exact"
    name: str = "fake"

    arithmetic: ClassVar[str] = "integer"

    def pipeline(self, options: CompileOptions) -> tuple[Pass, ...]:
        return integer_pipeline(options)

    def available(self) -> Availability:
        return Availability(ok=True)

    def run(
        self, program: Program, stimulus: Stimulus, record: Record, progress: Progress | None = None
    ) -> Trace:
        self.before(program)
        trace = reference.run(program, stimulus, record, progress)
        changed = {name: self.change(name, r) for name, r in trace.recordings.items()}
        return Trace({name: r for name, r in changed.items() if r is not None})


def output(function: Callable[[Any], Any]) -> Change:
    """Change what is emitted, and drop the state, whose shape may no longer be the same."""
    return lambda name, recording: Recording(function(recording.output), {}, recording.offset)


def state(**functions: Callable[[Any], Any]) -> Change:
    """Change state variables by name."""

    def change(name: str, recording: Recording) -> Recording:
        new = {key: functions.get(key, np.copy)(value) for key, value in recording.state.items()}
        return replace(recording, state=new)

    return change


def refuse(program: Program) -> None:
    raise UnsupportedError("no leak here", "Buy another chip.")


def crash(program: Program) -> None:
    raise ZeroDivisionError("on the way")


def mistake(program: Program) -> None:
    raise InputError("I do not like this Program")


def right() -> Fake:
    return Fake(name="fake-right")


def wrong() -> Fake:
    """Every output is late by a step."""
    late = output(lambda values: np.roll(values, 1, axis=1))
    return Fake(change=late, records_state=False, name="fake-wrong")


def refusing() -> Fake:
    return Fake(before=refuse, name="fake-refusing")


def moody() -> Fake:
    """Refuses circuits, breaks on chains, gets state wrong where a population has two neurons."""

    def before(program: Program) -> None:
        if any(isinstance(p.neuron, EINeuronFixed) for p in program.populations):
            refuse(program)
        if len(program.populations) > 2:
            crash(program)

    def change(name: str, recording: Recording) -> Recording:
        if recording.output[0, 0].size == 1:
            return recording
        return replace(recording, state={key: v + 1 for key, v in recording.state.items()})

    return Fake(before=before, change=change, name="fake-moody")


@dataclass(frozen=True)
class Absent(Fake):
    """Cannot run here."""

    name: str = "fake-absent"

    def available(self) -> Availability:
        return Availability(False, "the chip is not plugged in", "Plug it in.")


def announce(folder: Path) -> None:
    """Make the targets known as an installed package does, to whoever has `folder` on its path."""
    about = folder / "fake_targets-0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-targets\nVersion: 0\n")
    names = {"right": right, "wrong": wrong, "refusing": refusing, "moody": moody, "absent": Absent}
    lines = [f"fake-{name} = fake_targets:{made.__name__}\n" for name, made in names.items()]
    (about / "entry_points.txt").write_text("[eideploy.targets]\n" + "".join(lines))
