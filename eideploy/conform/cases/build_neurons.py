"""LIF neurons that are shown their input, for cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import source
from eideploy.program import (
    Array,
    Dense,
    IntegratorFixed,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Stimulus,
)

HIGHEST = 2**23 - 1
"""Largest potential: it is clipped there, and at −HIGHEST."""

Steps = Sequence[Sequence[int] | int]
"""What is shown in each step: a number for each neuron, or one for all."""


def case(
    name: str,
    claim: str,
    neuron: LIFNeuronFixed | IntegratorFixed,
    *samples: Steps,
    weight: int = 1,
    reset_phase: int | None = 0,
    stride: int = 1,
) -> Case:
    """A population `out`, to each neuron of which a number is shown in each step.

    Args:
        name: of the case.
        claim: of the case.
        neuron: parameters may be one for each neuron.
        samples: all of the same number of steps.
        weight: of all synapses; a number x becomes x·weight·2⁶ units of u.
        reset_phase: of the neurons.
        stride: hardware steps of a logical one.
    """
    shown = _spread(neuron, samples)
    n = shown.shape[2]
    program = Program(
        (
            source(n, minimum=min(0, int(shown.min())), maximum=max(1, int(shown.max()))),
            Population("out", (n,), neuron, 1, reset_phase),
        ),
        (
            Projection(
                "in",
                "out",
                Dense(weight * np.eye(n, dtype=np.int64)),
                delay=1,
                sign="excitatory" if weight > 0 else "inhibitory",
            ),
        ),
        "integer",
        ("out",),
        stride=stride,
    )
    return Case(name, claim, program, Stimulus({"in": shown}))


def _spread(neuron: LIFNeuronFixed | IntegratorFixed, samples: Sequence[Steps]) -> Array:
    """What is shown to each neuron, [sample, step, neuron]."""
    several = [values.size for values in neuron.parameters().values() if values.ndim]
    several += [len(step) for steps in samples for step in steps if isinstance(step, Sequence)]
    n = max(several, default=1)
    return np.array([[np.broadcast_to(step, n) for step in steps] for steps in samples])
