"""What a climb finds: sums, and of each rung the sample to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from eideploy.verify.measurement import Measurement
from eideploy.verify.rungs import Rung
from eideploy.verify.specimen import Specimen


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found on some of the samples.

    Args:
        refused: why a side cannot be run, by its name.
        measured: what was counted, by rung.
        specimens: the sample to look at, by rung: there is none where the sides never part, unless
            the first of all samples is among these.
        seconds: time that each side took to run, by its name.
    """

    refused: Mapping[str, str] = field(default_factory=dict)
    measured: Mapping[Rung, Measurement] = field(default_factory=dict)
    specimens: Mapping[Rung, Specimen] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __add__(self, later: Findings) -> Findings:
        """The same on the samples of both, of which those of `later` come behind."""
        measured, specimens = dict(self.measured), dict(self.specimens)
        for rung, counted in later.measured.items():
            measured[rung] = measured[rung] + counted if rung in measured else counted
        for rung, specimen in later.specimens.items():
            known = specimens.get(rung)
            if known is None or specimen.precedes(known):
                specimens[rung] = specimen
        seconds = dict(self.seconds)
        for side, taken in later.seconds.items():
            seconds[side] = seconds.get(side, 0.0) + taken
        return Findings({**later.refused, **self.refused}, measured, specimens, seconds)
