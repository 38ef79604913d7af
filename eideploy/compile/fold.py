"""Pass `fold`: gains of neurons become part of the weights in front of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

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

    gain·(W·x) = (diag(gain)·W)·x. A gain that differs from pixel to pixel cannot go into the shared
    kernel of a convolution, and stays where it is.
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
    scaled = [scale_rows(p.operator, gain, population.shape) for p in concerned]
    if np.any(gain < 0) or any(operator is None for operator in scaled):
        return program
    for old, operator in zip(concerned, scaled, strict=True):
        assert operator is not None
        program = program.replace_projection(old, replace(old, operator=operator))
    neuron = replace(population.neuron, gain=1.0)  # type: ignore[call-arg]
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
