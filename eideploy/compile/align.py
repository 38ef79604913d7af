"""Pass `align`: hardware delays, so that all paths into a population arrive in the same step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from eideploy.errors import UnsupportedError
from eideploy.program import Identity, Population, Program, Projection, Relay


@dataclass(frozen=True)
class Align:
    """Give each population its offset, each projection its delay, and the Program its stride.

    Before, the delay of a projection is the wanted one in logical steps: 0, or 1 and more where it
    closes a loop or stands for a Delay. In hardware, logical steps are `stride` steps apart and a
    projection takes one at least:

        delay = wanted·stride + offset(target) − offset(source) ≥ 1

    The stride is the smallest with which there are such offsets: the largest number of projections
    of a loop for each logical step that it takes, rounded up, and 1 without loops. An offset is the
    longest path to its population. What is shorter waits, and passes through graded relays where it
    waits longer than a chip can; a relay works in the steps of what it relays.

    Args:
        longest_delay: most hardware steps of one projection; 62 on Loihi 2 (Intel).
    """

    longest_delay: int = 62

    name: ClassVar[str] = "align"
    requires: ClassVar[frozenset[str]] = frozenset({"program"})
    ensures: ClassVar[frozenset[str]] = frozenset({"aligned"})

    def __call__(self, program: Program) -> Program:
        """Raises `UnsupportedError` for a loop in which nothing takes a logical step."""
        for stride in range(1, 1 + len(program.populations)):
            offset = _offsets(program, stride)
            if offset is not None:
                break
        else:
            raise UnsupportedError(
                f"a loop of populations takes no time: it runs through {_instant(program)}",
                "Give one of its projections a delay of a logical step.",
            )
        populations = [replace(p, offset=offset[p.name]) for p in program.populations]
        projections = [
            replace(p, delay=p.delay * stride + offset[p.target] - offset[p.source])
            for p in program.projections
        ]
        aligned = replace(
            program,
            populations=tuple(populations),
            projections=tuple(projections),
            stride=stride,
        )
        return _relayed(aligned, self.longest_delay)


def _offsets(program: Program, stride: int) -> dict[str, int] | None:
    """Longest path to each population, in hardware steps; None if there is no longest one."""
    offset = dict.fromkeys(program.by_name, 0)
    for _ in program.populations:
        settled = True
        for projection in program.projections:
            # A wanted delay bridges its steps by itself.
            earliest = offset[projection.source] + 1 - projection.delay * stride
            if earliest > offset[projection.target]:
                offset[projection.target] = earliest
                settled = False
        if settled:
            return offset
    return None


def _instant(program: Program) -> list[str]:
    """Populations of loops without any delay."""
    left = {p.name for p in program.populations}
    at_once = [p for p in program.projections if not p.delay]
    while True:
        within = {p.source for p in at_once if p.target in left} & left
        within &= {p.target for p in at_once if p.source in left}
        if within == left:
            return sorted(left)
        left = within


def _relayed(program: Program, longest: int) -> Program:
    """The same Program with relays, `source.wait1` and so on, where a projection waits too long."""
    populations = {population.name: population for population in program.populations}
    projections = []
    for projection in program.projections:
        origin, source = program.by_name[projection.source], projection.source
        for stop in range(1, 1 + (projection.delay - 1) // longest):
            relay = f"{projection.source}.wait{stop}"
            while relay in program.by_name:
                relay += "'"
            if relay not in populations:
                offset = origin.offset + stop * longest
                populations[relay] = Population(relay, origin.shape, Relay(), offset)
                wait = Projection(source, relay, Identity(np.ones(())), delay=longest)
                projections.append(replace(wait, sign="excitatory"))
            source = relay
        delay = (projection.delay - 1) % longest + 1
        projections.append(replace(projection, source=source, delay=delay))
    return replace(program, populations=tuple(populations.values()), projections=tuple(projections))
