"""Small float Programs in few words, for cases. Numbers are such that float64 is exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import arrays
from eideploy.program import (
    Array,
    Dense,
    EINeuron,
    Identity,
    Integrator,
    LIFNeuron,
    Neuron,
    Operator,
    Population,
    Program,
    Projection,
    Source,
    Stimulus,
)

ONE = Identity(np.array(1.0))


def lif(**changes: Any) -> LIFNeuron:
    """A float LIF: no current from step to step, no leak, θ = 1, unless changed."""
    parameters: dict[str, Any] = {
        "current_decay": 1.0,
        "voltage_decay": 0.0,
        "gain": 1.0,
        "bias": 0.0,
        "threshold": 1.0,
    }
    return LIFNeuron(**arrays(parameters | changes))


def integrator(**changes: Any) -> Integrator:
    """A float integrator: no current from step to step, no leak, unless changed."""
    parameters: dict[str, Any] = {
        "current_decay": 1.0,
        "voltage_decay": 0.0,
        "gain": 1.0,
        "bias": 0.0,
    }
    return Integrator(**arrays(parameters | changes))


def circuit(**changes: Any) -> EINeuron:
    """A float E-I neuron that forgets at once, floor 1/4 and θ = 1, unless changed."""
    parameters: dict[str, Any] = {
        "voltage_decay": 1.0,
        "gain": 1.0,
        "bias": 0.0,
        "floor": 0.25,
        "threshold": 1.0,
    }
    return EINeuron(**arrays(parameters | changes))


def dense(rows: Any) -> Dense:
    """Weights, [n_target, n_source]."""
    return Dense(np.array(rows, dtype=np.float64))


def source(*shape: int, name: str = "in", low: float = -16.0, high: float = 16.0) -> Population:
    """An input of any value between the two."""
    return Population(name, shape or (1,), Source(low, high, 0, 1.0))


def layer(
    neuron: Neuron,
    operator: Operator,
    entry: Sequence[int],
    shape: Sequence[int],
    reset_phase: int | None = 0,
) -> Program:
    """An input, synapses and neurons `out`."""
    return network(
        (source(*entry), Population("out", tuple(shape), neuron, 1, reset_phase)),
        Projection("in", "out", operator, delay=1),
    )


def network(
    populations: Sequence[Population],
    *projections: Projection,
    outputs: Sequence[str] = ("out",),
    stride: int = 1,
) -> Program:
    """A float Program."""
    return Program(tuple(populations), projections, "float", tuple(outputs), stride=stride)


def alike(
    name: str,
    claim: str,
    neuron: Neuron,
    *samples: Sequence[float],
    reset_phase: int | None = 0,
) -> Case:
    """Neurons with parameters of their own that all see the same, number by number."""
    n = max(np.size(value) for value in neuron.parameters().values())
    program = layer(neuron, dense([[1.0]] * n), (1,), (n,), reset_phase)
    values: Array = np.array(samples, dtype=np.float64)
    return Case(f"floating/{name}", claim, program, Stimulus({"in": values[..., None]}))


def divided(name: str, claim: str, neuron: EINeuron, *steps: Sequence[tuple[float, float]]) -> Case:
    """E-I neurons that are shown their B and S, step by step."""
    n = len(steps[0])
    program = network(
        (source(n, name="b"), source(n, name="s"), Population("out", (n,), neuron, 1)),
        Projection("b", "out", ONE, "balanced", 1),
        Projection("s", "out", ONE, "shunt", 1),
    )
    drive: Array = np.array(steps, dtype=np.float64)[None]
    return Case(
        f"floating/{name}", claim, program, Stimulus({"b": drive[..., 0], "s": drive[..., 1]})
    )
