"""Pass `equalize`: every E-I neuron uses the whole range of its weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from eideploy.compile.scaling import scale_rows
from eideploy.program import Array, Conv2d, Dense, EINeuron, Population, Program, Projection
from eideploy.program.neuron import GAIN_BITS

LEAST_GAIN = 2 ** (GAIN_BITS - 4)
"""Rows are scaled up by at most 2⁴, so that a saturated quotient stays far above threshold."""


@dataclass(frozen=True)
class Equalize:
    """Float Program → the same Program with the balanced weights of each E-I neuron scaled up.

    B = (k/2⁸)·(2⁸/k·B) for an integer k ≤ 2⁸, a gain that the integer neuron holds exactly. One big
    weight anywhere in a layer then no longer costs all its neurons their resolution.
    """

    name: ClassVar[str] = "equalize"
    requires: ClassVar[frozenset[str]] = frozenset({"program", "folded"})
    ensures: ClassVar[frozenset[str]] = frozenset({"equalized"})

    def __call__(self, program: Program) -> Program:
        """Nothing is raised: a layer whose gain could not be folded stays as it is."""
        for population in program.populations:
            if isinstance(population.neuron, EINeuron) and np.all(population.neuron.gain == 1.0):
                program = _equalize(program, population)
        return program


def _equalize(program: Program, population: Population) -> Program:
    balanced = [p for p in program.into(population.name) if p.port == "balanced"]
    headroom = [_headroom(projection, population.shape) for projection in balanced]
    if any(room is None for room in headroom):
        return program
    room = np.minimum.reduce([r for r in headroom if r is not None])
    gain = np.ceil(2**GAIN_BITS / np.minimum(room, 2**GAIN_BITS / LEAST_GAIN)) / 2**GAIN_BITS
    for projection in balanced:
        operator = scale_rows(projection.operator, 1 / gain, population.shape)
        assert operator is not None  # the headroom has the shape of the rows
        program = program.replace_projection(projection, replace(projection, operator=operator))
    neuron = replace(population.neuron, gain=gain)  # type: ignore[call-arg]
    return program.replace_population(replace(population, neuron=neuron))


def _headroom(projection: Projection, shape: tuple[int, ...]) -> Array | None:
    """By how much each row may grow: the largest weight over that of the row, shaped as a gain."""
    if not isinstance(projection.operator, (Dense, Conv2d)):
        return None
    weight = np.abs(projection.operator.weight)
    rows = weight.reshape(len(weight), -1).max(axis=1)
    room = np.divide(rows.max(), rows, out=np.full(len(rows), np.inf), where=rows > 0)
    if projection.sign == "inhibitory":
        # W_EI is much more even than W_EE: it can give up a bit where W_EE gains one.
        room = 2 * room
    return room.reshape((-1, 1, 1) if isinstance(projection.operator, Conv2d) else shape)
