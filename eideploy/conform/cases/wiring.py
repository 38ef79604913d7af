"""Programs that are more than a chain: populations, and what runs between them, written out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eideploy.conform.cases.build import draw, lif
from eideploy.program import (
    Array,
    Identity,
    LIFNeuronFixed,
    Neuron,
    Population,
    Program,
    Projection,
    Stimulus,
)

Part = Population | Projection


def instant(threshold: Any = 0, **changes: Any) -> LIFNeuronFixed:
    """A LIF that keeps nothing: v = 2⁶·x in each step, so that its state shows what arrived."""
    return lif(voltage_decay=4096, threshold=threshold, **changes)


def layer(
    name: str, neuron: Neuron, *shape: int, offset: int = 1, reset_phase: int | None = 0
) -> Population:
    """A population by its name, one neuron unless a shape is given, behind an input."""
    return Population(name, shape or (1,), neuron, offset, reset_phase)


def network(*parts: Part, outputs: Sequence[str] = ("out",), stride: int = 1) -> Program:
    """A Program of integers, of populations and projections in any order."""
    return Program(
        tuple(part for part in parts if isinstance(part, Population)),
        tuple(part for part in parts if isinstance(part, Projection)),
        "integer",
        tuple(outputs),
        stride=stride,
    )


def one_to_one(*weights: int) -> Identity:
    """Synapses from each neuron to its like: one weight for all, or one for each; 2 if not given.

    Even, as Loihi has them where signs are mixed.
    """
    values = weights or (2,)
    return Identity(np.array(values[0] if len(values) == 1 else values, dtype=np.int64))


def spikes(name: str, samples: int, steps: int, *shape: int, rate: float = 0.5) -> Array:
    """Random spikes, drawn for the case `name`: [sample, step, *shape]."""
    random = draw(name)
    extent = (samples, steps, *shape)
    values = [int(random.random() < rate) for _ in range(int(np.prod(extent)))]
    return np.array(values).reshape(extent)


def shown(values: Any, name: str = "in") -> Stimulus:
    """A stimulus of one input: [sample, step, *shape]."""
    return Stimulus({name: np.asarray(values)})
