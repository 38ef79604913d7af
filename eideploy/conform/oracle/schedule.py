"""Hardware time: which logical step of which sample a population is in."""

from __future__ import annotations

from dataclasses import dataclass

from eideploy.conform.oracle.document import ProgramDocument, Values


@dataclass(frozen=True)
class Schedule:
    """Samples one after the other, each of `steps` logical steps of `stride` hardware steps.

    Between two samples there are `gap` silent hardware steps, as many as the slowest loop takes
    longer than a feed-forward path.
    """

    samples: int
    steps: int
    stride: int
    gap: int

    @property
    def period(self) -> int:
        """Hardware steps from the start of a sample to that of the next."""
        return self.steps * self.stride + self.gap

    def due(self, hardware_step: int, offset: int) -> tuple[int, int] | None:
        """Sample and logical step of a population with that offset; None where it is at rest."""
        sample, within = divmod(hardware_step - offset, self.period)
        step, between = divmod(within, self.stride)
        if not 0 <= sample < self.samples or step >= self.steps or between:
            return None
        return sample, step


def schedule(document: ProgramDocument, values: Values) -> Schedule:
    """When what happens, for a Program and what is shown to it.

    Raises:
        ValueError: a state is to be reset before a step that no sample has.
    """
    shown = next(iter(values.values()))
    steps = len(shown[0])
    for population in document["populations"]:
        if (population["reset_phase"] or 0) >= steps:
            raise ValueError(
                f"the state of {population['name']!r} is reset before step "
                f"{population['reset_phase']}, but a sample has {steps} steps"
            )
    offset = {population["name"]: population["offset"] for population in document["populations"]}
    slack = [
        projection["delay"] - (offset[projection["target"]] - offset[projection["source"]])
        for projection in document["projections"]
    ]
    return Schedule(len(shown), steps, document["stride"], max([0, *slack]))
