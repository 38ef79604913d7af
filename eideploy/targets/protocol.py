"""What a backend has to be to take part."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from eideploy.compile import CompileOptions, Pass
from eideploy.program import Program, Stimulus, Trace
from eideploy.simulate.record import Progress, Record


@dataclass(frozen=True)
class Availability:
    """Whether a target can run here.

    Args:
        ok: it can.
        reason: what is missing; empty if nothing is.
        remedy: the command or step that gets it.
    """

    ok: bool
    reason: str = ""
    remedy: str = ""


@runtime_checkable
class Target(Protocol):
    """A backend: says how a graph is compiled for it, whether it is there, and runs a Program.

    Implementations are frozen dataclasses whose fields are their options. One that is exact and yet
    cannot hand out the state of its neurons has `records_state = False`; what it emits is compared.
    One that is known not to conform somewhere has `known_differences`: the path of a YAML file, or
    a resource of its package, as `eideploy.conform.known` reads it.
    """

    @property
    def name(self) -> str:
        """Unique name, as on the command line."""

    @property
    def arithmetic(self) -> str:
        """`float` or `integer`: the kind of Program it runs."""

    @property
    def relation(self) -> str:
        """`exact` if it must reproduce the reference bin for bin, else `bounded`."""

    def pipeline(self, options: CompileOptions) -> tuple[Pass, ...]:
        """Passes from a graph to a Program that this target runs."""

    def available(self) -> Availability:
        """Whether it can run here; never raises."""

    def run(
        self,
        program: Program,
        stimulus: Stimulus,
        record: Record,
        progress: Progress | None = None,
    ) -> Trace:
        """Run `program` on `stimulus` and return what was recorded, in logical time.

        Raises:
            UnsupportedError: the Program holds something that the target cannot do.
            TargetError: the backend failed while running.
        """


@runtime_checkable
class FileFormat(Protocol):
    """What a target may be in addition: one whose networks have a file format of their own.

    `eideploy compile` writes it where the output has its suffix. A Program goes to any target as
    `.npz`; a file of this kind is for the tools of that target.
    """

    @property
    def suffix(self) -> str:
        """How names of such files end, e.g. `.onnx`."""

    def write(self, path: str | os.PathLike[str], program: Program) -> None:
        """Write `program` to `path`, whole or not at all.

        Raises:
            UnsupportedError: the Program holds something that the format cannot say.
            MissingComponentError: a library that writes it is not installed.
            OutputError: the file cannot be written.
        """
