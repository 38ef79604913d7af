"""In which type of number the sums of a projection are exact, by proof.

float64 holds every integer up to 2⁵³ and float32 up to 2²⁴, so that a sum whose largest partial sum
stays below is exact in any order. float32 is taken only where weights and inputs are also at most
2¹¹: some accelerators round the factors of a product to that (TF32), and then nothing is lost.
What neither holds is summed in int64, which runtimes do more slowly.
"""

from __future__ import annotations

import math

import numpy as np

from eideploy.errors import UnsupportedError
from eideploy.program import (
    Array,
    IntegratorFixed,
    Population,
    Program,
    Projection,
    Relay,
    Source,
)
from eideploy.program.neuron import STATE_MAX

_TF32 = 2.0**11
_FLOAT32 = 2.0**24
_FLOAT64 = 2.0**53


class Bounds:
    """Largest magnitudes in a Program, from its weights and the ranges of its inputs."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._emitted: dict[str, float] = {}

    def exact_type(self, projection: Projection) -> np.dtype[np.generic]:
        """The type in which the weighted sums of `projection` are exact (float64 for floats)."""
        if self.program.arithmetic == "float":
            return np.dtype(np.float64)
        largest = max(_largest(projection.operator.weight), self.emitted(projection.source), 1.0)
        total = self._sum(projection)
        if total < _FLOAT32 and largest <= _TF32:
            return np.dtype(np.float32)
        return np.dtype(np.float64 if max(total, largest) < _FLOAT64 else np.int64)

    def emitted(self, name: str) -> float:
        """Largest magnitude that a population emits; infinite in a loop of relays."""
        if name not in self._emitted:
            self._emitted[name] = math.inf  # until it is known: what depends on itself has no bound
            self._emitted[name] = self._emits(self.program.by_name[name])
        return self._emitted[name]

    def _emits(self, population: Population) -> float:
        match population.neuron:
            case Source(minimum=minimum, maximum=maximum, scale=scale):
                return math.ceil(max(_largest(minimum), _largest(maximum)) * _largest(scale))
            case IntegratorFixed(shift=shift):
                return STATE_MAX / 2.0 ** float(np.min(shift)) + 1
            case Relay(shift=shift, bias=bias):
                arriving = (
                    # Rounding to −∞ can add one to a magnitude.
                    self._sum(projection) * 2.0**projection.exponent + 1
                    for projection in self.program.into(population.name)
                )
                return (sum(arriving) + _largest(bias)) / 2.0 ** float(np.min(shift)) + 1
            case neuron if neuron.spiking:
                return 1.0
            case neuron:
                raise UnsupportedError(
                    f"population {population.name!r}: nothing bounds what a "
                    f"{type(neuron).__name__} emits"
                )

    def _sum(self, projection: Projection) -> float:
        """Largest Σ|weight|·|input| of one neuron."""
        weight = np.abs(projection.operator.weight.astype(np.float64))
        fan_in = weight.reshape(weight.shape[0], -1).sum(axis=1) if weight.ndim else weight
        largest = float(fan_in.max())
        return largest * self.emitted(projection.source) if largest else 0.0


def _largest(values: Array) -> float:
    return float(np.abs(values.astype(np.float64)).max())
