"""A target that is run on part after part of the samples, in the time that it has for all."""

from __future__ import annotations

from dataclasses import dataclass, is_dataclass, replace
from time import perf_counter
from typing import Any

from eideploy.errors import TargetError
from eideploy.jobs import digest, source
from eideploy.program import Program, Stimulus, Trace
from eideploy.simulate.record import Progress, Record
from eideploy.targets import Target


@dataclass(eq=False)
class Allowance:
    """Runs a target; its `timeout` in seconds, if it has one, is for all calls together.

    Processes among which samples are divided have as much each: as they work side by side, it
    limits the time for all samples there too.

    Args:
        target: what is run.
        left: seconds that are left; None without a limit.
    """

    target: Target
    left: float | None

    def __call__(
        self, program: Program, stimulus: Stimulus, record: Record, progress: Progress | None
    ) -> Trace:
        """Run it on some samples.

        Raises:
            TargetError: what the target says, or that time is up.
        """
        left = self.left
        if left is None:
            return self.target.run(program, stimulus, record, progress)
        if left <= 0:
            raise self._late()
        limited: Any = replace(self.target, timeout=left)  # type: ignore[type-var]
        started = perf_counter()
        try:
            trace: Trace = limited.run(program, stimulus, record, progress)
            return trace
        except TargetError as error:
            if perf_counter() - started < left or left == _seconds(self.target):
                raise
            raise self._late() from error
        finally:
            self.left = left - (perf_counter() - started)

    @property
    def digest(self) -> str | None:
        """Of what its traces depend on: its code is part of it, and time is not."""
        unlimited: Any = self.target
        if self.left is not None:
            unlimited = replace(unlimited, timeout=None)
        return digest((unlimited, source(type(unlimited).__module__)))

    def _late(self) -> TargetError:
        return TargetError(
            f"target {self.target.name!r} did not finish all samples within "
            f"{_seconds(self.target):g} s",
            "Allow more time, or show fewer samples.",
        )


def in_all(target: Target) -> Allowance:
    """What runs a target within its time."""
    return Allowance(target, _seconds(target))


def _seconds(target: Target) -> float | None:
    """The limit of a target that has one."""
    return getattr(target, "timeout", None) if is_dataclass(target) else None
