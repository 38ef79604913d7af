"""LIF neurons that are shown their input, for cases."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import source
from eideploy.program import (
    Array,
    Dense,
    IntegratorFixed,
    LIFNeuron,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Stimulus,
)

HIGHEST = 2**23 - 1
"""Largest potential: it is clipped there, and at −HIGHEST."""

Leaky = LIFNeuronFixed | IntegratorFixed | LIFNeuron

Steps = Sequence[Sequence[float] | float]
"""What is shown in each step: a number for each neuron, or one for all."""


def case(
    name: str,
    claim: str,
    neuron: Leaky,
    *samples: Steps,
    weight: int = 1,
    reset_phase: int | None = 0,
    stride: int = 1,
) -> Case:
    """A population `out`, to each neuron of which a number is shown in each step.

    Args:
        name: of the case.
        claim: of the case.
        neuron: parameters may be one for each neuron. Its arithmetic is that of the Program.
        samples: all of the same number of steps.
        weight: of all synapses; a number x becomes x·weight·2⁶ units of an integer u.
        reset_phase: of the neurons.
        stride: hardware steps of a logical one.
    """
    shown = _spread(neuron, samples)
    n = shown.shape[2]
    (arithmetic,) = neuron.arithmetic
    number = np.int64 if arithmetic == "integer" else np.float64
    least, most = min(0, math.floor(shown.min())), max(1, math.ceil(shown.max()))
    program = Program(
        (
            source(n, minimum=least, maximum=most),
            Population("out", (n,), neuron, 1, reset_phase),
        ),
        (
            Projection(
                "in",
                "out",
                Dense(weight * np.eye(n, dtype=number)),
                delay=1,
                sign="excitatory" if weight > 0 else "inhibitory",
            ),
        ),
        arithmetic,
        ("out",),
        stride=stride,
    )
    return Case(name, claim, program, Stimulus({"in": shown}))


def _spread(neuron: Leaky, samples: Sequence[Steps]) -> Array:
    """What is shown to each neuron, [sample, step, neuron]."""
    several = [values.size for values in neuron.parameters().values() if values.ndim]
    several += [len(step) for steps in samples for step in steps if isinstance(step, Sequence)]
    n = max(several, default=1)
    return np.array([[np.broadcast_to(step, n) for step in steps] for steps in samples])
