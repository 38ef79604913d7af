"""One sample on both sides of a hop: what a report shows of the traces."""

from __future__ import annotations

from dataclasses import dataclass

from eideploy.verify.artifact import Artifact
from eideploy.verify.measure import measure
from eideploy.verify.measurement import Measurement
from eideploy.verify.report import Relation


@dataclass(frozen=True, eq=False)
class Specimen:
    """The sample in which two sides part first, or the first of all if they never do.

    Args:
        before: the first side, of this sample alone.
        after: the second side, of this sample alone.
        sample: its number.
        parting: step, depth of the population and sample where they part; None if they never do.
    """

    before: Artifact
    after: Artifact
    sample: int
    parting: tuple[int, int, int] | None

    @staticmethod
    def cut(before: Artifact, after: Artifact, measured: Measurement, start: int = 0) -> Specimen:
        """Cut it out of two artifacts.

        Args:
            before: the first side, on any samples.
            after: the second side, on the same samples.
            measured: what was counted of the two.
            start: number of their first sample.
        """
        parting = measured.parting
        sample = parting[2] if parting else start
        index = sample - start
        return Specimen(before.sample(index), after.sample(index), sample, parting)

    def precedes(self, other: Specimen) -> bool:
        """Whether its sides part, and do so before those of the other."""
        if self.parting is None:
            return False
        return other.parting is None or self.parting < other.parting

    def measure(self, relation: Relation) -> Measurement:
        """Compare the two sides in this sample alone."""
        return measure(self.before, self.after, relation=relation, start=self.sample)
