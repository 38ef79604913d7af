"""Pass `fold`: gains of neurons become part of the weights in front of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

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
)

_GAINED_PORT = {LIFNeuron: "input", Integrator: "input", EINeuron: "balanced"}
"""Port whose sum a model multiplies by its gain."""


@dataclass(frozen=True)
class Fold:
    """Program → the same Program with gains of 1 wherever that is exact.

    gain·(W·x) = (diag(gain)·W)·x. Of a gain that differs from pixel to pixel only the largest value
    can go into the shared kernel of a convolution; the rest stays where it is.
    """

    name: ClassVar[str] = "fold"
    requires: ClassVar[frozenset[str]] = frozenset({"program"})
    ensures: ClassVar[frozenset[str]] = frozenset({"folded"})

    def __call__(self, program: Program) -> Program:
        """Nothing is raised: what cannot be folded stays."""
        for population in program.populations:
            port = _GAINED_PORT.get(type(population.neuron))
            if port is not None:
                program = _fold_gain(program, population, port)
        return program


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
