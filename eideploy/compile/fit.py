"""Pass `fit`: an integer Program against the limits of a chip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eideploy.errors import UnsupportedError
from eideploy.program import Program


@dataclass(frozen=True)
class Limits:
    """What a chip has. The defaults are Loihi 2's, from public sources (Intel, Lava).

    Args:
        name: of the chip.
        cores: usable neuro-cores.
        neurons_per_core: most neurons on one core.
        synapse_bytes_per_core: synaptic memory of one core.
        longest_delay: most steps that a projection can wait.
    """

    name: str = "Loihi 2"
    cores: int = 120
    neurons_per_core: int = 8192
    synapse_bytes_per_core: int = 128 * 1024
    longest_delay: int = 62


@dataclass(frozen=True)
class Usage:
    """What a Program takes of a chip, at least: a bound from below, not a placement."""

    neurons: int
    synapse_bytes: int
    longest_delay: int


@dataclass(frozen=True)
class Fit:
    """Program → the same Program, if it can possibly fit on the chip.

    Compares totals: neurons, synaptic memory (one byte a weight, kernels of convolutions shared)
    and the longest delay. A Program that passes may still need a placement that does not exist.
    """

    limits: Limits = Limits()

    name: ClassVar[str] = "fit"
    requires: ClassVar[frozenset[str]] = frozenset({"proven"})
    ensures: ClassVar[frozenset[str]] = frozenset({"fits"})

    def __call__(self, program: Program) -> Program:
        """Raises `UnsupportedError` that says which limit breaks and by how much."""
        used, chip = usage(program), self.limits
        needed = {
            "neurons": (used.neurons, chip.cores * chip.neurons_per_core),
            "bytes of synapses": (used.synapse_bytes, chip.cores * chip.synapse_bytes_per_core),
            "steps of delay": (used.longest_delay, chip.longest_delay),
        }
        for what, (number, limit) in needed.items():
            if number > limit:
                raise UnsupportedError(
                    f"the network needs {number} {what}, {chip.name} has {limit}",
                    "Make the network smaller, or spread it over several chips by hand.",
                )
        return program


def usage(program: Program) -> Usage:
    """Count what a Program takes of a chip."""
    inputs = {population.name for population in program.sources}
    return Usage(
        neurons=sum(p.size for p in program.populations if p.name not in inputs),
        synapse_bytes=sum(
            # Non-zero synapses of a matrix; of a convolution the kernel, once.
            int(np.count_nonzero(projection.operator.weight))
            for projection in program.projections
        ),
        longest_delay=max((p.delay for p in program.projections), default=0),
    )
