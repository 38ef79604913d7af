"""Placing populations on the cores of a board."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from eideploy.compile.chip import Chip
from eideploy.compile.demand import Demand, demand
from eideploy.errors import UnsupportedError
from eideploy.program import Identity, Population, Program


@dataclass(frozen=True)
class Core:
    """What lies on one core: neurons first … last − 1 of a population, in C order."""

    population: str
    first: int
    last: int
    used: Demand


@dataclass(frozen=True)
class Placement:
    """A Program on a board.

    Args:
        chip: of which the board is made.
        cores: those in use.
    """

    chip: Chip
    cores: tuple[Core, ...]

    def of(self, population: str) -> tuple[Core, ...]:
        """The cores of a population."""
        return tuple(core for core in self.cores if core.population == population)

    @property
    def chips(self) -> int:
        """Chips that these cores fill."""
        return -(-len(self.cores) // self.chip.cores.value)

    def to_dict(self) -> dict[str, Any]:
        """As plain dicts, lists, text and numbers, ready for JSON."""
        return {
            "chip": self.chip.name,
            "cores_used": len(self.cores),
            "cores_there": self.chip.cores_in_all,
            "chips_used": self.chips,
            "neurons": sum(core.used.neurons for core in self.cores),
            "synapse_bytes": sum(core.used.synapse_bytes for core in self.cores),
            "state_bytes": sum(core.used.state_bytes for core in self.cores),
            "cores": [
                {
                    "population": core.population,
                    "first": core.first,
                    "last": core.last,
                    **asdict(core.used),
                }
                for core in self.cores
            ],
        }


def place(program: Program, chip: Chip) -> Placement:
    """Put every population but the inputs on cores of its own, as few as the limits allow.

    A population is cut into stretches of equal size; a plane of channels between channels as long
    as there are enough of them, so that few cores hold the same kernel.

    Raises:
        UnsupportedError: not even a single neuron of a population fits on a core, or the board has
            too few cores.
    """
    inputs = {population.name for population in program.sources}
    populations = [p for p in program.populations if p.name not in inputs]
    placed = {p.name: _spread(program, chip, p, 1, {}) for p in populations}
    # More cores for one population are more axons out for those that drive it, and so on.
    unsettled = True
    while unsettled:
        unsettled = False
        for population in populations:
            before = placed[population.name]
            now = _spread(program, chip, population, len(before), placed)
            placed[population.name] = now
            unsettled |= len(now) != len(before)
    cores = tuple(core for population in populations for core in placed[population.name])
    if len(cores) > chip.cores_in_all:
        largest = max(populations, key=lambda p: len(placed[p.name]))
        raise UnsupportedError(
            f"the network needs {len(cores):,} cores, a board of {chip.chips.value} {chip.name} "
            f"has {chip.cores_in_all:,}; population {largest.name!r} alone needs "
            f"{len(placed[largest.name]):,}",
            "Make the network smaller, or give another board with --chip.",
        )
    return Placement(chip, cores)


def _spread(
    program: Program,
    chip: Chip,
    population: Population,
    least: int,
    placed: dict[str, tuple[Core, ...]],
) -> tuple[Core, ...]:
    """A population on at least `least` cores, for the present cores of those that it drives."""
    # One axon serves all projections into the same core.
    cores_of: dict[str, int] = {}
    for projection in program.projections:
        if projection.source == population.name:
            there, target = len(placed.get(projection.target, ())), projection.target
            each = 1 if isinstance(projection.operator, Identity) else there
            cores_of[target] = max(cores_of.get(target, 0), each)
    reached = sum(cores_of.values())

    def on(first: int, last: int) -> Core:
        used = demand(program, chip, population, first, last)
        axons = replace(used, axons_out=reached * (last - first))
        return Core(population.name, first, last, axons)

    # One neuron of the middle, where padding takes nothing away, shows at once what never fits.
    middle = population.size // 2
    if broken := on(middle, middle + 1).used.broken(chip):
        raise _too_much(population, chip, *broken)
    count = least
    while True:
        cores: list[Core] = []
        for first, last in _stretches(population, count):
            cores.append(on(first, last))
            if broken := cores[-1].used.broken(chip):
                break
        else:
            return tuple(cores)
        if count == population.size:
            raise _too_much(population, chip, *broken)
        _, needed, allowed = broken
        # Not at once as many as it takes in proportion: what is shared does not shrink with it.
        count = min(population.size, max(count + 1, int(count * min(needed / allowed, 1.5))))


def _too_much(
    population: Population, chip: Chip, what: str, needed: int, allowed: int
) -> UnsupportedError:
    return UnsupportedError(
        f"population {population.name!r}: a single neuron needs {needed:,} {what}, a core "
        f"of {chip.name} has {allowed:,}",
        "Give the layer a smaller fan-in, or less that it drives.",
    )


def _stretches(population: Population, count: int) -> list[tuple[int, int]]:
    """A population in `count` parts of nearly equal size, as (first, last)."""
    size, unit = population.size, 1
    if len(population.shape) > 1 and count <= population.shape[0]:
        unit = size // population.shape[0]
    ends = np.linspace(0, size // unit, count + 1).astype(int) * unit
    return [(int(first), int(last)) for first, last in pairwise(ends)]
