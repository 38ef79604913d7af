"""Climbing part by part: one after the other or many at once, and going on where a run was left.

What is found does not depend on how the samples are parted, or on who looks at which: sums are
without rounding, and parts are added up in the order of the samples.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial, reduce
from itertools import chain

from eideploy.jobs import Journal, Plan, in_order, run_tasks
from eideploy.verify.climb import climb
from eideploy.verify.findings import Findings
from eideploy.verify.part import Part
from eideploy.verify.rungs import Rung, Side, StageProgress, part_size
from eideploy.verify.writing import decode, encode

PARTS_PER_HAND = 4
"""Parts for each that can be done at a time, so that all hands are busy until about the end."""


def climb_in_parts(
    sides: Sequence[Side],
    rungs: tuple[Rung, ...],
    refused: Mapping[str, str],
    samples: Part,
    *,
    chunk_bytes: int,
    plan: Plan,
    progress: StageProgress | None = None,
) -> Findings:
    """Climb with all samples, part by part.

    Args:
        sides: all there are.
        rungs: in order.
        refused: sides that cannot be run, and why.
        samples: all of them.
        chunk_bytes: about what the traces of a part may take.
        plan: who looks at the parts, and where it is written down.
        progress: called while anything runs; with a crew, whenever a part is done.
    """
    size = _size(sides, samples, chunk_bytes, plan)
    work = partial(climb, {side.name: side for side in sides}, rungs, refused)
    if progress is not None and not plan.crew.hired:
        work = partial(work, progress=partial(_tell, progress, samples.stop))
    with _journal(plan, (sides, rungs, refused, samples), size < samples.stop) as journal:
        done = [_range(name) for name in journal.names()] if journal else []
        parts = [samples.take(part) for part in _cut(samples.stop, size, done)]
        with closing(run_tasks(work, parts, name=_name, crew=plan.crew, journal=journal)) as tasks:
            results: Iterable[tuple[int, Findings]] = tasks
            if progress is not None and plan.crew.hired:
                results = _counted(tasks, parts, progress)
            return reduce(Findings.__add__, in_order(results))


def _size(sides: Sequence[Side], samples: Part, chunk_bytes: int, plan: Plan) -> int:
    """Samples in a part: as many as memory allows, and few enough to keep all hands busy."""
    size = part_size(sides, samples.shown, chunk_bytes)
    if not plan.crew.hired:
        return size
    if not all(side.independent for side in sides):
        plan.tell("samples depend on one another, so one process looks at all of them")
        return size
    return min(size, -(-samples.stop // (PARTS_PER_HAND * plan.crew.hands())))


def _journal(
    plan: Plan, subject: object, several: bool
) -> AbstractContextManager[Journal[Findings] | None]:
    """Where it is written down what was found; a single part is either done or it is not."""
    return plan.journal(subject, encode, decode) if several or plan.resume else nullcontext()


def _cut(samples: int, size: int, done: Iterable[tuple[int, int]]) -> Iterator[slice]:
    """Slices that cover all samples: those that are done, and between them of at most `size`."""
    start = 0
    for begin, end in chain(sorted(done), [(samples, samples)]):
        for first in range(start, begin, size):
            yield slice(first, min(first + size, begin))
        if begin < end:
            yield slice(begin, end)
        start = end


def _name(part: Part) -> str:
    return f"samples {part.start} to {part.stop - 1}"


def _range(name: str) -> tuple[int, int]:
    """Start and stop of the part of that name."""
    first, last = map(int, re.findall(r"\d+", name))
    return first, last + 1


def _counted(
    results: Iterable[tuple[int, Findings]], parts: Sequence[Part], progress: StageProgress
) -> Iterator[tuple[int, Findings]]:
    """The same, and a word about every part that is done."""
    behind, samples = 0, parts[-1].stop
    progress("samples", behind, samples)
    for index, result in results:
        behind += parts[index].shown.samples
        progress("samples", behind, samples)
        yield index, result


def _tell(progress: StageProgress, samples: int, name: str, behind: int) -> None:
    progress(name, behind, samples)
