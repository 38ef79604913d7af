"""How large the numbers of an integer Program can become, and which type therefore holds them.

Every float64 holds the integers up to 2⁵³ exactly and every float32 those up to 2²⁴, and both are
much faster than int64 in what a Program needs. If the sum of |weight| · |largest input| stays below
such a limit, so does every partial sum in every order. If all that a neuron model adds up,
multiplies and divides within T steps stays below 2⁵³, all of it is exact in float64.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from eideploy.errors import UnsupportedError
from eideploy.program import (
    Array,
    EINeuronFixed,
    IntegratorFixed,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Relay,
)
from eideploy.program.neuron import CURRENT_SHIFT, DECAY_BITS, GAIN_BITS, STATE_MAX

SINGLE, DOUBLE = 2.0**24, 2.0**53
"""Integers of at most this magnitude are numbers of float32, of float64."""


class Bounds:
    """Largest magnitudes in a Program.

    They are computed in float64, in which sums of integers are exact up to 2⁵³ and monotonic
    beyond it: a bound that comes out below a limit is below it.

    Args:
        program: of either arithmetic; in floating point everything is float64.
        inputs: largest magnitude that each input emits, in the numbers of the Program.
        steps: logical steps of a sample.
    """

    def __init__(self, program: Program, inputs: Mapping[str, float], steps: int) -> None:
        self.program = program
        self.inputs = inputs
        self.steps = steps
        self._sums: dict[Projection, float] = {}
        self._relays: dict[str, float | None] = {}  # None while it is being found

    def sum_type(self, projection: Projection) -> torch.dtype:
        """The narrowest type in which the sums of `projection` are exact.

        Raises:
            UnsupportedError: a sum may reach 2⁵³, or nothing bounds it.
        """
        if self.program.arithmetic == "float":
            return torch.float64
        bound = self._sum(projection)
        if bound < SINGLE:
            return torch.float32
        if bound < DOUBLE:
            return torch.float64
        raise UnsupportedError(
            f"the twin cannot run projection {projection.name}: its sums may reach {bound:.3g}, "
            "and are exact below 2^53",
            "Use smaller weights, or a larger shift in the relays before it.",
        )

    def neuron_type(self, population: Population) -> torch.dtype:
        """The type in which a population is stepped: float64 if that is exact, else int64."""
        if self.program.arithmetic == "float" or self._stepped(population) < DOUBLE:
            return torch.float64
        return torch.int64

    def _sum(self, projection: Projection) -> float:
        """Largest Σ|weight|·|input| of one neuron, and not below any single |weight|."""
        if projection not in self._sums:
            weight = np.abs(projection.operator.weight)
            fan_in = weight.reshape(len(weight) if weight.ndim else 1, -1).sum(1, np.float64)
            source = self.program.by_name[projection.source]
            self._sums[projection] = float(fan_in.max()) * max(1.0, self._emitted(source))
        return self._sums[projection]

    def _port(self, population: Population, port: str) -> float:
        """Largest magnitude of the sum on a port."""
        return sum(
            # Rounding down can add one to a magnitude.
            self._sum(projection) * 2.0**projection.exponent + 1
            for projection in self.program.into(population.name)
            if projection.port == port
        )

    def _emitted(self, population: Population) -> float:
        """Largest magnitude that a population emits."""
        neuron = population.neuron
        if neuron.spiking:
            return 1.0
        if population.name in self.inputs:
            return self.inputs[population.name]
        if isinstance(neuron, IntegratorFixed):
            return STATE_MAX / 2.0 ** int(np.min(neuron.shift)) + 1
        assert isinstance(neuron, Relay)
        if population.name not in self._relays:
            self._relays[population.name] = None
            total = self._port(population, "input") + _largest(neuron.bias)
            self._relays[population.name] = total / 2.0 ** int(np.min(neuron.shift)) + 1
        bound = self._relays[population.name]
        if bound is None:
            raise UnsupportedError(
                f"the twin cannot run population {population.name!r}: it is a graded relay in a "
                "loop of relays, so that nothing bounds what it emits"
            )
        return bound

    def _stepped(self, population: Population) -> float:
        """Largest magnitude of anything that is computed in `steps` steps of a population."""
        unity = 2.0**DECAY_BITS
        match population.neuron:
            case Relay() as relay:
                half = _largest((1 << relay.shift) >> 1)
                return self._port(population, "input") + _largest(relay.bias) + half
            case LIFNeuronFixed() | IntegratorFixed() as leaky:
                # The current wraps once only, so it may leave its 24 bits. The potential is clipped
                # to them, its bias has 12 + 7.
                received = self._port(population, "input") + _largest(leaky.current_bias)
                current = self.steps * received * 2**CURRENT_SHIFT
                return unity * (current + 4 * STATE_MAX)
            case EINeuronFixed() as circuit:
                # ⌊a/b⌋ is the rounded quotient's floor if a + b ≤ 2⁵³: were a/b < n rounded up to
                # the integer n, then n − a/b ≥ 1/b would be at most n·2⁻⁵³, so n·b ≥ 2⁵³, but
                # n·b < a + b.
                scale = 2.0 ** int(np.max(circuit.quotient_shift))
                divisor = max(self._port(population, "shunt"), _largest(circuit.floor))
                numerator = self._port(population, "balanced") * scale
                quotient = min(2.0 ** int(np.max(circuit.quotient_bits) - 1), numerator)
                gained = quotient * _largest(circuit.gain)
                # A threshold below 0 raises what it is subtracted from.
                current = gained / 2**GAIN_BITS + _largest(circuit.bias)
                current += _largest(circuit.threshold)
                potential = self.steps * current + _largest(circuit.reset_to)
                return max(numerator + divisor, gained, unity * potential)
        return 0.0  # an input


def _largest(values: Array) -> float:
    return float(np.abs(values.astype(np.float64)).max())
