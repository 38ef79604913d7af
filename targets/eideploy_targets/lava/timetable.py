"""When a population works, in hardware steps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timetable:
    """Samples streamed back to back.

    Logical step t of sample k is hardware step k·period + t·stride + offset.

    Args:
        samples: number of samples of the run.
        steps: logical steps of a sample, T.
        period: hardware steps of a sample, T·stride, and the silent ones up to the next sample.
        offset: latency of the population.
        reset_phase: logical step of every sample before which the state is reset; None for never.
        stride: hardware steps of a logical step.
    """

    samples: int
    steps: int
    period: int
    offset: int = 0
    reset_phase: int | None = 0
    stride: int = 1

    def place(self, hardware_step: int) -> tuple[int, int] | None:
        """Sample and logical step t of a hardware step; None where the population is silent."""
        sample, within = divmod(hardware_step - self.offset, self.period)
        t, between = divmod(within, self.stride)
        works = 0 <= sample < self.samples and t < self.steps and not between
        return (sample, t) if works else None

    def at(self, hardware_step: int) -> int | None:
        """Logical step t of a hardware step; None where the population is silent."""
        place = self.place(hardware_step)
        return None if place is None else place[1]
