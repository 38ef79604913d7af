"""Cases without end: small random Programs over all that a Program can hold.

`random/3-0017` is case 17 of seed 3, the same Program and stimulus on every machine and Python,
however many are asked for. Integer Programs stay within what Loihi and Lava can hold. Float ones
hold dyadic numbers of few bits only, so that float64 computes them without rounding, in any order.
"""

from __future__ import annotations

from collections.abc import Iterator

from eideploy.conform.case import Case
from eideploy.conform.cases.build import draw
from eideploy.conform.generate.dyadic import Dyadic
from eideploy.conform.generate.fixed import Fixed
from eideploy.conform.generate.network import Growth
from eideploy.program.neuron import Arithmetic


def generated(count: int, seed: int = 0, arithmetic: Arithmetic = "integer") -> Iterator[Case]:
    """The first `count` cases of a seed, `random/<seed>-<index>` (`random/float-…` of floats)."""
    for index in range(count):
        yield generated_case(index, seed, arithmetic)


def generated_case(index: int, seed: int = 0, arithmetic: Arithmetic = "integer") -> Case:
    """One case by its number, 0 and up."""
    prefix = "" if arithmetic == "integer" else "float-"
    name = f"random/{prefix}{seed}-{index:04d}"
    rng = draw(name)
    growth = Growth(rng, Fixed(rng) if arithmetic == "integer" else Dyadic(rng))
    program = growth.program()
    return Case(
        name=name,
        claim="A network of any parts, however put together, does what its parts say.",
        network=program,
        stimulus=growth.stimulus(program),
    )
