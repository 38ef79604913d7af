"""Targets `reference` and `twin`: eideploy's own executors as backends."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import ClassVar, Literal

from eideploy.compile import CompileOptions, Pass, integer_pipeline
from eideploy.program import Program, Stimulus, Trace
from eideploy.simulate import reference
from eideploy.simulate.record import Progress, Record
from eideploy.targets import Availability
from eideploy_targets.specs import fitted


@dataclass(frozen=True)
class Reference:
    """The definition itself, in plain NumPy: slow, and right by definition."""

    name: ClassVar[str] = "reference"
    arithmetic: ClassVar[str] = "integer"
    relation: ClassVar[str] = "exact"

    def pipeline(self, options: CompileOptions) -> tuple[Pass, ...]:
        """Integers, as for a chip."""
        return integer_pipeline(fitted(options))

    def available(self) -> Availability:
        """Always: it needs nothing but NumPy."""
        return Availability(ok=True)

    def run(
        self,
        program: Program,
        stimulus: Stimulus,
        record: Record,
        progress: Progress | None = None,
    ) -> Trace:
        """See `eideploy.simulate.reference.run`."""
        return reference.run(program, stimulus, record, progress)


@dataclass(frozen=True)
class Twin:
    """The digital twin: batched torch, exact in integers.

    Args:
        device: as in torch, e.g. `cpu` or `cuda`.
        division: `exact`, or `restoring` as on a chip without a divide instruction; both give the
            same quotients.
    """

    device: str = "cpu"
    division: Literal["exact", "restoring"] = "exact"

    name: ClassVar[str] = "twin"
    arithmetic: ClassVar[str] = "integer"
    relation: ClassVar[str] = "exact"

    def pipeline(self, options: CompileOptions) -> tuple[Pass, ...]:
        """Integers, as for a chip."""
        return integer_pipeline(fitted(options))

    def available(self) -> Availability:
        """Whether torch is installed."""
        if find_spec("torch") is None:
            return Availability(False, "torch is not installed", "pip install torch")
        return Availability(ok=True)

    def run(
        self,
        program: Program,
        stimulus: Stimulus,
        record: Record,
        progress: Progress | None = None,
    ) -> Trace:
        """See `eideploy.simulate.twin.run`."""
        from eideploy.simulate import twin

        return twin.run(
            program, stimulus, record, progress, device=self.device, division=self.division
        )
