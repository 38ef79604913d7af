"""Running all sides of the ladder on one part of the samples after the other.

Only the traces of one part exist at any time; of the parts before it there are sums, and of each
rung the sample to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from eideploy.errors import MissingComponentError, UnsupportedError
from eideploy.simulate.record import Progress
from eideploy.verify.artifact import Artifact
from eideploy.verify.measurement import Measurement
from eideploy.verify.part import Part
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

    def add(self, rung: Rung, before: Artifact, after: Artifact, part: Part) -> None:
        """Compare two sides on some samples."""
        measured = rung.measure(before, after, part)
        known = self.specimens.get(rung)
        if known is None or not known.precedes(measured):
            self.specimens[rung] = Specimen.cut(before, after, measured, part.start)
        earlier = self.measured.get(rung)
        self.measured[rung] = measured if earlier is None else earlier + measured


def climb(
    sides: Mapping[str, Side],
    rungs: tuple[Rung, ...],
    samples: Part,
    parts: tuple[slice, ...],
    refused: Mapping[str, str],
    progress: StageProgress | None = None,
) -> Findings:
    """Run every side on every part of the samples, and count on every rung.

    Args:
        sides: by name.
        rungs: in order; a side is run when a rung needs it, and forgotten when none does any more.
        samples: all of them.
        parts: slices that cover them.
        refused: sides that cannot be run, and why.
        progress: called while anything runs.
    """
    found = Findings(dict(refused))
    told = partial(_tell, progress, samples.stop)
    for part in parts:
        _climb_part(sides, rungs, samples.take(part), found, told)
    return found


def _climb_part(
    sides: Mapping[str, Side],
    rungs: tuple[Rung, ...],
    part: Part,
    found: Findings,
    told: Callable[[int, str, int, int], None],
) -> None:
    """Add what the samples of `part` say. No trace outlives this call."""
    made: dict[str, Artifact] = {}
    for index, rung in enumerate(rungs):
        for name in (rung.before, rung.after):
            if name in made or name in found.refused:
                continue
            artifact = _run(sides[name], part, partial(told, part.start, name), found)
            if artifact is not None:
                made[name] = artifact
        if rung.before in made and rung.after in made:
            found.add(rung, made[rung.before], made[rung.after], part)
        needed = {name for later in rungs[index + 1 :] for name in (later.before, later.after)}
        made = {name: artifact for name, artifact in made.items() if name in needed}


def _run(side: Side, part: Part, told: Progress, found: Findings) -> Artifact | None:
    """What a side does, or None where it may be left out and cannot do it."""
    told(0, part.shown.samples)
    try:
        artifact = side.run(part, told)
    except (MissingComponentError, UnsupportedError) as error:
        if not side.optional:
            raise
        found.refused[side.name] = error.what
        return None
    found.seconds[side.name] = found.seconds.get(side.name, 0.0) + artifact.seconds
    return artifact


def _tell(
    progress: StageProgress | None, samples: int, start: int, name: str, done: int, of: int
) -> None:
    if progress is not None:
        progress(name, start + done, samples)
