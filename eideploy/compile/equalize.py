"""Pass `equalize`: every neuron uses the whole range of its weights."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from eideploy.compile.calibration import Calibration
from eideploy.compile.integers import weight_levels
from eideploy.compile.leaky import scaled
from eideploy.compile.scaling import scale_rows
from eideploy.program import (
    Array,
    Conv2d,
    Dense,
    EINeuron,
    LIFNeuron,
    Population,
    Program,
    Projection,
)
from eideploy.program.neuron import GAIN_BITS

LEAST_GAIN = 2 ** (GAIN_BITS - 4)
"""Rows are scaled up by at most 2⁴, so that a saturated quotient stays far above threshold."""

MOST_SCALING = 2.0**2
"""A threshold grows to at most 2² times the largest of its population: a potential is clipped at
the same value for all, and has to stay where inhibition has pushed it."""


@dataclass(frozen=True)
class Equalize:
    """Float Program → the same Program with the incoming weights of each neuron scaled up.

    One big weight anywhere in a layer then no longer costs all its neurons their resolution.

    Of E-I neurons it is the balanced weights: B = (k/2⁸)·(2⁸/k·B) for an integer k ≤ 2⁸, a gain
    that the integer neuron holds exactly. Of LIFs it is all weights, and with them threshold,
    biases and what v is reset to: spikes stay as they are, for every neuron counts in a unit of its
    own.

    Args:
        calibration: which weights of a row set its range.
        weight_bits: width of the integers to come.
    """

    calibration: Calibration = field(default_factory=Calibration)
    weight_bits: int = 8

    name: ClassVar[str] = "equalize"
    requires: ClassVar[frozenset[str]] = frozenset({"program", "folded"})
    ensures: ClassVar[frozenset[str]] = frozenset({"equalized"})

    def __call__(self, program: Program) -> Program:
        """Nothing is raised: a population that cannot be equalized stays as it is."""
        for population in program.populations:
            match population.neuron:
                case EINeuron(gain=gain) as circuit if np.all(gain == 1.0):
                    room = self._headroom(program, population, "balanced")
                    if room is not None:
                        gain = np.ceil(2**GAIN_BITS / np.minimum(room, 2**GAIN_BITS / LEAST_GAIN))
                        gain = gain / 2**GAIN_BITS
                        gained = replace(circuit, gain=gain)
                        program = _scaled(program, population, "balanced", 1 / gain, gained)
                case LIFNeuron() as lif:
                    room = self._headroom(program, population, "input")
                    if room is not None:
                        theta = np.abs(lif.threshold - lif.initial)
                        most = MOST_SCALING * theta.max() / np.where(theta > 0, theta, np.inf)
                        most = _least(most, room.shape, population.shape)
                        # What receives nothing has nothing to gain.
                        room = np.where(np.isfinite(room), room, 1.0)
                        factor = np.maximum(1.0, np.minimum(room, most))
                        program = _scaled(program, population, "input", factor, scaled(lif, factor))
        return program

    def _headroom(self, program: Program, population: Population, port: str) -> Array | None:
        """By how much the weights of each neuron may grow, or None if that cannot be said."""
        rooms = [self._room(p, population) for p in program.into(population.name) if p.port == port]
        known = [room for room in rooms if room is not None]
        # A factor for each neuron does not go into a kernel beside it.
        alike = len(known) == len(rooms) and len({room.shape for room in known}) == 1
        return np.minimum.reduce(known) if alike else None

    def _room(self, projection: Projection, population: Population) -> Array | None:
        """The largest reach of all rows over that of each row, one for each neuron or channel."""
        if not isinstance(projection.operator, (Dense, Conv2d)):
            return None
        levels = weight_levels(projection, self.weight_bits)
        rows = np.array(
            [
                self.calibration.reach(row, levels, population.name)
                for row in projection.operator.weight
            ]
        )
        room = np.divide(rows.max(), rows, out=np.full(len(rows), np.inf), where=rows > 0)
        if projection.sign == "inhibitory":
            # W_EI is much more even than W_EE: it can give up a bit where W_EE gains one.
            room = 2 * room
        if isinstance(projection.operator, Conv2d):
            return room.reshape(-1, *[1] * (len(population.shape) - 1))
        return room.reshape(population.shape)


def _least(values: Array, kept: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    """The least value of each channel where only channels are kept apart, else all of them."""
    shared = tuple(axis for axis, extent in enumerate(kept) if extent < shape[axis])
    return np.broadcast_to(values, shape).min(axis=shared, keepdims=True)


def _scaled(
    program: Program, population: Population, port: str, factor: Array, neuron: EINeuron | LIFNeuron
) -> Program:
    """The Program with the rows of the weights into a port scaled, and with that neuron."""
    for projection in program.into(population.name):
        if projection.port == port:
            operator = scale_rows(projection.operator, factor, population.shape)
            assert operator is not None  # the headroom has the shape of the rows
            program = program.replace_projection(projection, replace(projection, operator=operator))
    return program.replace_population(replace(population, neuron=neuron))
