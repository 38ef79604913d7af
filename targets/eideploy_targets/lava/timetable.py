"""When a population works, in hardware steps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timetable:
    """Samples streamed back to back: step t of sample k is hardware step k·period + t + offset.

    Args:
        samples: number of samples of the run.
        steps: logical steps of a sample, T.
        period: T plus the silent steps between two samples.
        offset: latency of the population.
        reset_phase: logical step of every sample before which the state is reset; None for never.
    """

    samples: int
    steps: int
    period: int
    offset: int = 0
    reset_phase: int | None = 0

    def at(self, hardware_step: int) -> int | None:
        """Logical step t that falls on a hardware step; None where the population is silent."""
        sample, t = divmod(hardware_step - self.offset, self.period)
        return t if 0 <= sample < self.samples and t < self.steps else None
