"""Pass `fit`: an integer Program against the limits of a board of chips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eideploy.errors import UnsupportedError
from eideploy.program import Program


@dataclass(frozen=True)
class Limits:
    """What a board has. The defaults are those of Loihi 2, from public sources (Intel, Lava).

    Args:
        name: of the chip.
        chips: on the board; 8 on Intel's Kapoho Point.
        cores: usable neuro-cores of a chip.
        neurons_per_core: most neurons on one core.
        synapse_bytes_per_core: synaptic memory of one core.
        longest_delay: most steps that a projection can wait.
    """

    name: str = "Loihi 2"
    chips: int = 8
    cores: int = 120
    neurons_per_core: int = 8192
    synapse_bytes_per_core: int = 128 * 1024
    longest_delay: int = 62


@dataclass(frozen=True)
class Usage:
    """What a Program takes of a board, at least: a bound from below, not a placement."""

    neurons: int
    synapse_bytes: int


@dataclass(frozen=True)
class Fit:
    """Program → the same Program, if it can possibly fit on the board.

    Compares totals, of neurons and of synaptic memory (one byte a weight, kernels of convolutions
    shared), and every delay. A Program that passes may still need a placement that does not exist.
    """

    limits: Limits = Limits()

    name: ClassVar[str] = "fit"
    requires: ClassVar[frozenset[str]] = frozenset({"proven"})
    ensures: ClassVar[frozenset[str]] = frozenset({"fits"})

    def __call__(self, program: Program) -> Program:
        """Raises `UnsupportedError` that says which limit breaks and by how much."""
        used, board = usage(program), self.limits
        cores = board.chips * board.cores
        needed = {
            "neurons": (used.neurons, cores * board.neurons_per_core),
            "bytes of synapses": (used.synapse_bytes, cores * board.synapse_bytes_per_core),
        }
        for what, (number, limit) in needed.items():
            if number > limit:
                raise UnsupportedError(
                    f"the network needs {number} {what}, "
                    f"a board of {board.chips} {board.name} has {limit}",
                    "Make the network smaller, or spread it over several boards by hand.",
                )
        for projection in program.projections:
            if projection.delay > board.longest_delay:
                raise UnsupportedError(
                    f"projection {projection.name} has to wait {projection.delay} steps for the "
                    f"longest path to {projection.target!r}; {board.name} can wait "
                    f"{board.longest_delay}",
                    "Compile it with `align`, which puts relays into what waits long.",
                )
        return program


def usage(program: Program) -> Usage:
    """Count what a Program takes of a board."""
    inputs = {population.name for population in program.sources}
    return Usage(
        neurons=sum(p.size for p in program.populations if p.name not in inputs),
        synapse_bytes=sum(
            # Non-zero synapses of a matrix; of a convolution the kernel, once.
            int(np.count_nonzero(projection.operator.weight))
            for projection in program.projections
        ),
    )
