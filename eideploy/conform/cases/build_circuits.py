"""E-I neurons that are shown their B and S, for cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import source
from eideploy.program import EINeuronFixed, Identity, Population, Program, Projection, Stimulus

LARGEST = 2**23 - 1

FORGETS = {"voltage_decay": 4096}
"""v keeps nothing, so that each potential is a quotient."""

Drive = Sequence[tuple[int, int]]
"""B and S of each neuron in one step."""


def case(name: str, claim: str, neuron: EINeuronFixed, *steps: Drive, lowest: int = 0) -> Case:
    """Neurons that are shown their B and S, step by step."""
    program = fed(
        neuron,
        Projection("b", "out", Identity(np.array(1)), "balanced", 1),
        Projection("s", "out", Identity(np.array(1)), "shunt", 1),
        n=len(steps[0]),
        lowest=lowest,
    )
    return Case(f"circuits/{name}", claim, program, shown(*steps))


def fed(
    neuron: EINeuronFixed,
    *projections: Projection,
    n: int = 3,
    lowest: int = 0,
    reset_phase: int | None = 0,
) -> Program:
    """Inputs `b` and `s` of n numbers each, and n neurons `out`."""
    return Program(
        (
            source(n, name="b", minimum=-LARGEST, maximum=LARGEST),
            source(n, name="s", minimum=lowest, maximum=LARGEST),
            Population("out", (n,), neuron, 1, reset_phase),
        ),
        projections,
        "integer",
        ("out",),
    )


def shown(*steps: Drive) -> Stimulus:
    """One sample."""
    drive = np.array(steps)[None]
    return Stimulus({"b": drive[..., 0], "s": drive[..., 1]})
