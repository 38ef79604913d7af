"""A mutant: a backend with one mistake in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from eideploy.compile import CompileOptions, Pass, integer_pipeline
from eideploy.conform.mutants.edit import Edit, edited
from eideploy.program import Program, Stimulus, Trace
from eideploy.simulate.record import Progress, Record
from eideploy.targets import Availability

Change = Callable[[Program], Program]


@dataclass(frozen=True)
class Mutant:
    """The twin with a mistake as an engineer would make it: a target that is wrong.

    Args:
        name: `mutant-…`, unique.
        kind: what the mistake is about; cases of topics of this kind are asked first.
        fault: the mistake, in a sentence.
        edits: what reads otherwise in the twin.
        change: what happens to a Program before it runs.
    """

    name: str
    kind: str
    fault: str
    edits: tuple[Edit, ...] = ()
    change: Change | None = None

    arithmetic: ClassVar[str] = "integer"
    relation: ClassVar[str] = "exact"

    def pipeline(self, options: CompileOptions) -> tuple[Pass, ...]:
        """Integers, as of the twin."""
        return integer_pipeline(options)

    def available(self) -> Availability:
        """Always: the suite comes with it."""
        return Availability(ok=True)

    def run(
        self,
        program: Program,
        stimulus: Stimulus,
        record: Record,
        progress: Progress | None = None,
    ) -> Trace:
        """What the twin would do if it had this fault."""
        if self.change is not None:
            program = self.change(program)
        trace: Trace = edited(self.edits).run(program, stimulus, record, progress)
        return trace


UNMUTATED = Mutant("twin", "none", "No mistake: the twin as it is.")
"""What mutants are variations of, and what every case must pass."""
