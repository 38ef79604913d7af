"""What stands on the ladder: sides that can be run on any samples, and the rungs between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from eideploy.program import Program, Stimulus, Trace
from eideploy.simulate.record import Progress, Record
from eideploy.verify.artifact import Artifact
from eideploy.verify.measure import measure
from eideploy.verify.measurement import Measurement
from eideploy.verify.part import Part
from eideploy.verify.report import Relation

StageProgress = Callable[[str, int, int], None]
"""Called with (name of the side that runs, samples done, samples in all)."""

Execute = Callable[[Program, Stimulus, Record, Progress | None], Trace]
"""Runs a Program: the reference, the twin or a target."""


@dataclass(frozen=True, eq=False)
class Side:
    """One form of the network.

    Args:
        name: as in the names of hops.
        program: what runs, or its counterpart where torch runs.
        execute: runs it; None of a side that was recorded.
        state: whether state is recorded.
        optional: whether its hop is skipped where it cannot run.
    """

    name: str
    program: Program
    execute: Execute | None
    state: bool = True
    optional: bool = False

    def run(self, part: Part, progress: Progress | None = None) -> Artifact:
        """What it does with some samples, or did with them when it was recorded."""
        started = perf_counter()
        if self.execute is None:
            recorded = part.recorded[self.name]
            trace = recorded if isinstance(recorded, Trace) else recorded.read()
        else:
            trace = self.execute(self.program, part.shown, Record(state=self.state), progress)
        return Artifact.of(self.name, self.program, trace, perf_counter() - started)

    def bytes_per_sample(self, steps: int) -> int:
        """About what a trace takes: a byte a spike and a word for everything else."""
        return steps * sum(
            population.size
            * ((1 if population.neuron.spiking else 8) + 8 * len(population.neuron.state))
            for population in self.program.populations
        )

    @property
    def independent(self) -> bool:
        """Whether what it does with a sample depends on no other sample.

        All state is reset before the first step, and nothing arrives before it is due: it would
        come from the sample that follows.
        """
        return all(
            population.reset_phase == 0 or not population.neuron.state
            for population in self.program.populations
        ) and all(self.program.lag(projection) >= 0 for projection in self.program.projections)


@dataclass(frozen=True)
class Rung:
    """Two sides that are held against each other, and how.

    Args:
        before: name of the side that is held to be right.
        after: name of the other side.
        relation: what has to hold.
        state: compare state variables too.
        floating: both are float64 of possibly different orders of summation.
    """

    before: str
    after: str
    relation: Relation
    state: bool = False
    floating: bool = False

    def measure(self, before: Artifact, after: Artifact, part: Part) -> Measurement:
        """Compare the two on some samples."""
        return measure(
            before,
            after,
            relation=self.relation,
            state=self.state,
            labels=part.shown.labels,
            floating=self.floating,
            start=part.start,
        )


def part_size(sides: Sequence[Side], stimulus: Stimulus, limit: int) -> int:
    """How many samples can be looked at together, with traces of about `limit` bytes.

    It is all of them where a side carries something over from sample to sample.
    """
    if not all(side.independent for side in sides):
        return stimulus.samples
    shown = 8 * sum(math.prod(values.shape[1:]) for values in stimulus.values.values())
    taken = shown + sum(side.bytes_per_sample(stimulus.steps) for side in sides)
    return max(1, min(stimulus.samples, limit // taken))


def chunks(sides: Sequence[Side], stimulus: Stimulus, limit: int) -> tuple[slice, ...]:
    """Slices of `part_size` that cover all samples."""
    samples, size = stimulus.samples, part_size(sides, stimulus, limit)
    return tuple(slice(i, min(i + size, samples)) for i in range(0, samples, size))
