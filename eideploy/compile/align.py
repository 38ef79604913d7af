"""Pass `align`: hardware delays, so that all paths into a population arrive in the same step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from eideploy.errors import UnsupportedError
from eideploy.program import Identity, Population, Program, Projection, Relay


@dataclass(frozen=True)
class Align:
    """Give each population its offset and each projection the delay that follows from it.

    A projection costs at least one hardware step. The offset of a population is the longest path to
    it; shorter paths wait, and pass through graded relays where they wait longer than a chip can. A
    projection that closes a loop acts one logical step later.

    Args:
        longest_delay: most hardware steps of one projection; 62 on Loihi 2 (Intel).
    """

    longest_delay: int = 62

    name: ClassVar[str] = "align"
    requires: ClassVar[frozenset[str]] = frozenset({"program"})
    ensures: ClassVar[frozenset[str]] = frozenset({"aligned"})

    def __call__(self, program: Program) -> Program:
        """Raises `UnsupportedError` for a loop that needs more hardware steps than logical ones."""
        closing = _closing(program)
        lag = {id(p): p.delay + (1 if id(p) in closing else 0) for p in program.projections}
        offset = _offsets(program, closing)
        projections = []
        for projection in program.projections:
            distance = offset[projection.target] - offset[projection.source]
            delay = lag[id(projection)] + distance
            if delay < 1:
                raise UnsupportedError(
                    f"projection {projection.name} closes a loop of {1 - distance} populations, "
                    "which takes as many hardware steps but only one logical step",
                    "Only loops from a population to itself can be deployed so far.",
                )
            projections.append(replace(projection, delay=delay))
        populations = [replace(p, offset=offset[p.name]) for p in program.populations]
        aligned = replace(program, populations=tuple(populations), projections=tuple(projections))
        return _relayed(aligned, self.longest_delay)


def _relayed(program: Program, longest: int) -> Program:
    """The same Program with relays, `source.wait1` and so on, where a projection waits too long."""
    populations = {population.name: population for population in program.populations}
    projections = []
    for projection in program.projections:
        origin, source = program.by_name[projection.source], projection.source
        for stop in range(1, 1 + (projection.delay - 1) // longest):
            relay = f"{projection.source}.wait{stop}"
            if relay not in populations:
                offset = origin.offset + stop * longest
                populations[relay] = Population(relay, origin.shape, Relay(), offset)
                wait = Projection(source, relay, Identity(np.ones(())), delay=longest)
                projections.append(replace(wait, sign="excitatory"))
            source = relay
        delay = (projection.delay - 1) % longest + 1
        projections.append(replace(projection, source=source, delay=delay))
    return replace(program, populations=tuple(populations.values()), projections=tuple(projections))


def _closing(program: Program) -> set[int]:
    """Projections (by id) that close a loop, found by depth-first search from the inputs."""
    outgoing: dict[str, list[Projection]] = {p.name: [] for p in program.populations}
    for projection in program.projections:
        outgoing[projection.source].append(projection)
    closing: set[int] = set()
    finished: set[str] = set()
    order = [p.name for p in program.sources] + [p.name for p in program.populations]
    for root in order:
        if root in finished:
            continue
        active = {root}
        stack = [(root, iter(outgoing[root]))]
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                active.discard(name)
                finished.add(name)
            elif following.target in active:
                closing.add(id(following))
            elif following.target not in finished:
                active.add(following.target)
                stack.append((following.target, iter(outgoing[following.target])))
    return closing


def _offsets(program: Program, closing: set[int]) -> dict[str, int]:
    """Longest path to each population, in hardware steps, over what does not close a loop."""
    offset = dict.fromkeys(program.by_name, 0)
    forward = [p for p in program.projections if id(p) not in closing]
    for _ in program.populations:
        for projection in forward:
            earliest = offset[projection.source] + 1
            # A wanted delay of d steps bridges d hardware steps by itself.
            offset[projection.target] = max(offset[projection.target], earliest - projection.delay)
    return offset
