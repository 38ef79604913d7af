"""What a neuron model is, and the widths of Loihi that the integer ones share.

A neuron model is a frozen record of parameters; it holds no state and no code. What the parameters
mean is written in the docstrings and executed by `eideploy.simulate.reference`. Parameters are
scalars or arrays that broadcast to the shape of the population.

Every step a population receives the sum of its projections on each of its *ports*, integrates,
tests and resets, in this order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from eideploy.program.arrays import Array, widened

Reset = Literal["value", "subtract"]
"""At a spike: v ← reset_to (`value`), or v ← v − reset_to (`subtract`)."""

Arithmetic = Literal["float", "integer"]

Ranges = Mapping[str, tuple[float, float]]
"""Smallest and largest value that a parameter may have, by name of the parameter."""

CURRENT_SHIFT = 6
"""Loihi's alignment of synaptic input and threshold: shifted left by this (lava/proc/lif)."""

DECAY_BITS = 12
"""Decays are integers in units of 2⁻¹² (lava/proc/lif)."""

STATE_BITS = 24
"""Width of u, v and of a port's sum, sign included (lava/proc/lif, lava/proc/conv)."""

STATE_MAX = 2 ** (STATE_BITS - 1) - 1
"""Largest value of a state variable or a port's sum."""

REFRACTORY_MAX = 63
"""Longest refractory period in steps: a counter of 6 bits."""

GAIN_BITS = 8
"""An integer gain of an E-I neuron is in units of 2⁻⁸."""


@dataclass(frozen=True, eq=False)
class Neuron:
    """Base of all neuron models.

    `ports` are the names of the inputs, `state` those of the state variables, `counters` those of
    what is reset with them but counts steps only, and is in no trace; `spiking` says whether the
    output is 0 or 1, `arithmetic` where the model can be used, `ranges` between which values a
    parameter must lie, and `whole` which of them are integers in float Programs too.
    """

    ports: ClassVar[tuple[str, ...]] = ()
    state: ClassVar[tuple[str, ...]] = ()
    counters: ClassVar[tuple[str, ...]] = ()
    spiking: ClassVar[bool] = False
    arithmetic: ClassVar[tuple[Arithmetic, ...]] = ("float", "integer")
    ranges: ClassVar[Ranges] = {}
    whole: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        """Turn every numeric parameter into a read-only array."""
        for name, value in vars(self).items():
            if isinstance(value, (float, int, np.generic, np.ndarray)) and not isinstance(
                value, bool
            ):
                object.__setattr__(self, name, widened(value))

    def parameters(self) -> dict[str, Array]:
        """Numeric parameters by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}
