"""Running all sides of the ladder on one part of the samples after the other.

Only the traces of one part exist at any time; of the parts before it there are sums, and of each
rung the sample to look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from eideploy.errors import MissingComponentError, UnsupportedError
from eideploy.program import Stimulus
from eideploy.simulate.record import Progress
from eideploy.verify.artifact import Artifact
from eideploy.verify.measurement import Measurement
from eideploy.verify.rungs import Rung, Side, StageProgress
from eideploy.verify.specimen import Specimen


@dataclass(eq=False)
class Findings:
    """What was found so far.

    Args:
        refused: why a side cannot be run, by its name.
        measured: what was counted, by rung.
        specimens: the sample to look at, by rung.
        seconds: time that each side took to run, by its name.
    """

    refused: dict[str, str]
    measured: dict[Rung, Measurement] = field(default_factory=dict)
    specimens: dict[Rung, Specimen] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, rung: Rung, before: Artifact, after: Artifact, shown: Stimulus, at: int) -> None:
        """Compare two sides on some samples, the first of which is number `at`."""
        measured = rung.measure(before, after, shown, at)
        known = self.specimens.get(rung)
        if known is None or not known.precedes(measured):
            self.specimens[rung] = Specimen.cut(before, after, measured, at)
        earlier = self.measured.get(rung)
        self.measured[rung] = measured if earlier is None else earlier + measured


def climb(
    sides: Mapping[str, Side],
    rungs: tuple[Rung, ...],
    stimulus: Stimulus,
    parts: tuple[slice, ...],
    refused: Mapping[str, str],
    progress: StageProgress | None = None,
) -> Findings:
    """Run every side on every part of the samples, and count on every rung.

    Args:
        sides: by name.
        rungs: in order; a side is run when a rung needs it, and forgotten when none does any more.
        stimulus: all samples.
        parts: slices that cover them.
        refused: sides that cannot be run, and why.
        progress: called while anything runs.
    """
    found = Findings(dict(refused))
    for part in parts:
        _climb_part(sides, rungs, stimulus, part, found, progress)
    return found


def _climb_part(
    sides: Mapping[str, Side],
    rungs: tuple[Rung, ...],
    stimulus: Stimulus,
    part: slice,
    found: Findings,
    progress: StageProgress | None,
) -> None:
    """Add what the samples of `part` say. No trace outlives this call."""
    shown = stimulus.take(part)
    made: dict[str, Artifact] = {}
    for index, rung in enumerate(rungs):
        for name in (rung.before, rung.after):
            if name in made or name in found.refused:
                continue
            told = partial(_tell, progress, name, part.start, stimulus.samples)
            artifact = _run(sides[name], shown, told, found)
            if artifact is not None:
                made[name] = artifact
        if rung.before in made and rung.after in made:
            found.add(rung, made[rung.before], made[rung.after], shown, part.start)
        needed = {name for later in rungs[index + 1 :] for name in (later.before, later.after)}
        made = {name: artifact for name, artifact in made.items() if name in needed}


def _run(side: Side, shown: Stimulus, told: Progress, found: Findings) -> Artifact | None:
    """What a side does, or None where it may be left out and cannot do it."""
    told(0, shown.samples)
    try:
        artifact = side.run(shown, told)
    except (MissingComponentError, UnsupportedError) as error:
        if not side.optional:
            raise
        found.refused[side.name] = error.what
        return None
    found.seconds[side.name] = found.seconds.get(side.name, 0.0) + artifact.seconds
    return artifact


def _tell(
    progress: StageProgress | None, name: str, start: int, samples: int, done: int, of: int
) -> None:
    if progress is not None:
        progress(name, start + done, samples)
