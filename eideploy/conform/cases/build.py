"""Small Programs in few words, for cases."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from eideploy.program import (
    Array,
    Dense,
    EINeuronFixed,
    IntegratorFixed,
    LIFNeuronFixed,
    Neuron,
    Operator,
    Population,
    Program,
    Projection,
    Relay,
    Source,
    Stimulus,
)


def draw(name: str) -> random.Random:
    """A generator of numbers for the case `name`, the same on every machine and Python."""
    return random.Random(f"eideploy.conform/{name}")


def source(
    *shape: int, name: str = "in", minimum: int = 0, maximum: int = 1, scale: float = 1.0
) -> Population:
    """An input of integers, spikes unless it says otherwise."""
    return Population(name, shape or (1,), Source(minimum, maximum, maximum, scale))


def lif(**changes: Any) -> LIFNeuronFixed:
    """An integer LIF: no current from step to step, no leak, no bias, θ = 10, unless changed."""
    parameters: dict[str, Any] = {
        "current_decay": 4095,
        "voltage_decay": 0,
        "bias_mantissa": 0,
        "bias_exponent": 0,
        "threshold": 10,
    }
    return LIFNeuronFixed(**arrays(parameters | changes))


def circuit(**changes: Any) -> EINeuronFixed:
    """An integer E-I neuron: θ = 2¹², F + e = 12, v halved in every step, unless changed."""
    parameters: dict[str, Any] = {
        "voltage_decay": 2048,
        "gain": 256,
        "bias": 0,
        "floor": 1,
        "threshold": 4096,
        "quotient_shift": 12,
        "quotient_bits": 24,
    }
    return EINeuronFixed(**arrays(parameters | changes))


def integrator(**changes: Any) -> IntegratorFixed:
    """An integer integrator: no current from step to step, no leak, no bias, unless changed."""
    parameters: dict[str, Any] = {
        "current_decay": 4095,
        "voltage_decay": 0,
        "bias_mantissa": 0,
        "bias_exponent": 0,
    }
    return IntegratorFixed(**arrays(parameters | changes))


def relay(**changes: Any) -> Relay:
    """An integer relay: it passes on what it receives, unless changed."""
    return Relay(**arrays({"shift": 0, "bias": 0} | changes))


def arrays(parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters, those that were given as a list, one for each neuron, as arrays."""
    return {k: np.array(v) if isinstance(v, list) else v for k, v in parameters.items()}


def matrix(rows: Sequence[Sequence[int]] | int) -> Dense:
    """Synapses from all to all, [n_target, n_source]; a number is a single synapse."""
    return Dense(np.array([[rows]] if isinstance(rows, int) else rows, dtype=np.int64))


def chain(*layers: tuple[Operator, Population], entry: Population | None = None) -> Program:
    """A Program of layers one behind the other, aligned, all delays 1; the last is the output.

    Args:
        layers: what leads into each population, and the population; offsets are set here.
        entry: the input; a single source of spikes if not given.
    """
    populations, projections = [entry or source()], []
    for index, (operator, population) in enumerate(layers, start=1):
        projections.append(Projection(populations[-1].name, population.name, operator, delay=1))
        populations.append(
            Population(
                population.name, population.shape, population.neuron, index, population.reset_phase
            )
        )
    return Program(tuple(populations), tuple(projections), "integer", (populations[-1].name,))


def neurons(neuron: Neuron, *shape: int, name: str = "out") -> Population:
    """A population, one neuron unless a shape is given."""
    return Population(name, shape or (1,), neuron)


def single(neuron: Neuron, weight: Sequence[Sequence[int]] | int = 1, **entry: Any) -> Program:
    """An input, a matrix of synapses and a population `out` of one neuron for each row of it.

    Args:
        neuron: its parameters may be one for each neuron.
        weight: as in `matrix`.
        entry: of the input, as in `source`.
    """
    operator = matrix(weight)
    rows, columns = operator.weight.shape
    return chain((operator, neurons(neuron, rows)), entry=source(columns, **entry))


def show(*samples: Sequence[Any], name: str = "in") -> Stimulus:
    """A stimulus of an input: for each sample its steps, for each step a number or a list."""
    values: Array = np.array(samples)
    return Stimulus({name: values[..., None] if values.ndim == 2 else values})
