"""Running all sides of the ladder on some of the samples.

The traces exist until all rungs that need them were looked at; what is left are sums, and of each
rung the sample to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from eideploy.errors import MissingComponentError, UnsupportedError
from eideploy.simulate.record import Progress
from eideploy.verify.artifact import Artifact
from eideploy.verify.findings import Findings
from eideploy.verify.measurement import Measurement
from eideploy.verify.part import Part
from eideploy.verify.rungs import Rung, Side
from eideploy.verify.specimen import Specimen

PartProgress = Callable[[str, int], None]
"""Called with (name of the side that runs, number of samples that are behind it)."""


def climb(
    sides: Mapping[str, Side],
    rungs: tuple[Rung, ...],
    refused: Mapping[str, str],
    part: Part,
    progress: PartProgress | None = None,
) -> Findings:
    """Run every side on a part of the samples, and count on every rung.

    Args:
        sides: by name.
        rungs: in order; a side is run when a rung needs it, and forgotten when none does any more.
        refused: sides that cannot be run, and why.
        part: of the samples.
        progress: called while anything runs.
    """
    refused = dict(refused)
    made: dict[str, Artifact] = {}
    measured: dict[Rung, Measurement] = {}
    specimens: dict[Rung, Specimen] = {}
    seconds: dict[str, float] = {}
    for index, rung in enumerate(rungs):
        for name in (rung.before, rung.after):
            if name in made or name in refused:
                continue
            try:
                made[name] = sides[name].run(part, _telling(progress, name, part))
                seconds[name] = made[name].seconds
            except (MissingComponentError, UnsupportedError) as error:
                if not sides[name].optional:
                    raise
                refused[name] = error.what
        if rung.before in made and rung.after in made:
            before, after = made[rung.before], made[rung.after]
            counted = measured[rung] = rung.measure(before, after, part)
            if counted.parting or part.start == 0:
                specimens[rung] = Specimen.cut(before, after, counted, part.start)
        needed = {name for later in rungs[index + 1 :] for name in (later.before, later.after)}
        made = {name: artifact for name, artifact in made.items() if name in needed}
    return Findings(refused, measured, specimens, seconds)


def _telling(progress: PartProgress | None, name: str, part: Part) -> Progress:
    def tell(done: int, of: int) -> None:
        if progress is not None:
            progress(name, part.start + done)

    tell(0, part.shown.samples)
    return tell
