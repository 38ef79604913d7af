"""A target that is run on part after part of the samples, in the time that it has for all."""

from __future__ import annotations

from dataclasses import is_dataclass, replace
from time import perf_counter
from typing import Any

from eideploy.errors import TargetError
from eideploy.program import Program, Stimulus, Trace
from eideploy.simulate.record import Progress, Record
from eideploy.targets import Target
from eideploy.verify.rungs import Execute


def in_all(target: Target) -> Execute:
    """Run a target; its `timeout` in seconds, if it has one, is for all calls together.

    Raises:
        TargetError: what the target says, or that time is up.
    """
    seconds: float | None = getattr(target, "timeout", None)
    if seconds is None or not is_dataclass(target):
        return target.run
    left = seconds

    def execute(
        program: Program, stimulus: Stimulus, record: Record, progress: Progress | None
    ) -> Trace:
        nonlocal left
        if left <= 0:
            raise _late(target.name, seconds)
        limited: Any = replace(target, timeout=left)
        started = perf_counter()
        try:
            return limited.run(program, stimulus, record, progress)
        except TargetError as error:
            if perf_counter() - started < left or left == seconds:
                raise
            raise _late(target.name, seconds) from error
        finally:
            left -= perf_counter() - started

    return execute


def _late(name: str, seconds: float) -> TargetError:
    return TargetError(
        f"target {name!r} did not finish all samples within {seconds:g} s",
        "Allow more time, or show fewer samples.",
    )
