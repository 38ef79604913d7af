"""Pass `fold`: pools and gains of neurons become part of the weights beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from eideploy.compile.passes import Pools
from eideploy.compile.pool import behind_pool
from eideploy.compile.synapses import signed
from eideploy.program import (
    Array,
    Conv2d,
    Dense,
    EINeuron,
    Integrator,
    LIFNeuron,
    Operator,
    Population,
    Program,
    Projection,
)

_GAINED_PORT = {LIFNeuron: "input", Integrator: "input", EINeuron: "balanced"}
"""Port whose sum a model multiplies by its gain."""


@dataclass(frozen=True)
class Fold:
    """Program → the same Program with fewer relays and gains, wherever that is exact.

    A pool and the operators behind it become one, see `eideploy.compile.pool`, and its relay goes;
    where that would not be exact for each of them, or the pool is an output, the relay stays.

    gain·(W·x) = (diag(gain)·W)·x. Of a gain that differs from pixel to pixel only the largest value
    can go into the shared kernel of a convolution; the rest stays where it is.

    Args:
        pool: `relay` leaves pools as they are: a kernel of 6×6 in place of 3×3 has four times the
            weights.
    """

    pool: Pools = "fold"

    name: ClassVar[str] = "fold"
    requires: ClassVar[frozenset[str]] = frozenset({"program"})
    ensures: ClassVar[frozenset[str]] = frozenset({"folded"})

    def __call__(self, program: Program) -> Program:
        """Nothing is raised: what cannot be folded stays."""
        for name in program.metadata.get("pools", ()) if self.pool == "fold" else ():
            program = _fold_pool(program, program.by_name[name])
        for population in program.populations:
            port = _GAINED_PORT.get(type(population.neuron))
            if port is not None:
                program = _fold_gain(program, population, port)
        return program


def _fold_pool(program: Program, relay: Population) -> Program:
    """The Program without the relay of a pool, if all that it drives can do without."""
    into = program.into(relay.name)
    if relay.name in program.outputs:
        return program
    projections: list[Projection] = []
    for old in program.projections:
        if old.source == relay.name:
            target = program.by_name[old.target].shape
            for first in into:
                source = program.by_name[first.source]
                operator = behind_pool(
                    first.operator, old.operator, source.shape, relay.shape, target
                )
                if operator is None or source is relay:
                    return program
                projections.append(signed(replace(old, source=source.name, operator=operator)))
        elif old.target != relay.name:
            projections.append(old)
    populations = tuple(p for p in program.populations if p is not relay)
    pools = [name for name in program.metadata["pools"] if name != relay.name]
    return replace(
        program,
        populations=populations,
        projections=tuple(projections),
        metadata={**program.metadata, "pools": pools},
    )


def _fold_gain(program: Program, population: Population, port: str) -> Program:
    gain: Array = population.neuron.gain  # type: ignore[attr-defined]
    concerned = [p for p in program.into(population.name) if p.port == port]
    left = np.ones(())
    if any(scale_rows(p.operator, gain, population.shape) is None for p in concerned):
        # What is left is at most 1: a gain in integers has as many bits as it has digits.
        largest = np.max(np.abs(gain))
        gain, left = largest, gain / largest
    for old in concerned:
        operator = scale_rows(old.operator, gain, population.shape)
        assert operator is not None  # every operator holds a scalar
        program = program.replace_projection(old, signed(replace(old, operator=operator)))
    neuron = replace(population.neuron, gain=left)  # type: ignore[call-arg]
    return program.replace_population(replace(population, neuron=neuron))


def scale_rows(operator: Operator, gain: Array, shape: tuple[int, ...]) -> Operator | None:
    """diag(gain)·operator, or None if the operator cannot hold it."""
    if gain.ndim == 0:
        return replace(operator, weight=operator.weight * gain)
    if isinstance(operator, Dense):
        rows = np.broadcast_to(gain, shape).reshape(-1, 1)
        return replace(operator, weight=operator.weight * rows)
    if isinstance(operator, Conv2d) and gain.shape[-2:] == (1, 1):
        return replace(operator, weight=operator.weight * gain.reshape(-1, 1, 1, 1))
    return None
