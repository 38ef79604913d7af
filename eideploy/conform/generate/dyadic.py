"""Floats of so few bits that no operation on them rounds.

Inputs, weights and what is added to a state are quarters, decays are halves: a state gains a bit of
fraction in each of at most 6 steps. A graded value goes through one population only, and what
divides is a power of two. A state then has some 20 bits on either side of the point, of the 53 that
float64 has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from eideploy.conform.generate.numbers import Numbers, Shape, Weights
from eideploy.program import Array, EINeuron, Integrator, LIFNeuron, Neuron, Relay, Source
from eideploy.program.program import Sign

_SIGNS: tuple[Sign, ...] = ("mixed",) * 3 + ("excitatory", "inhibitory")


class Dyadic(Numbers):
    """Draws the numbers of a float Program."""

    arithmetic = "float"
    models = (*[LIFNeuron] * 4, *[EINeuron] * 3, Integrator, Relay)

    def steps(self) -> int:
        """Few: each costs a bit."""
        return self.rng.choice((1, 3, 5, 6, 6))

    def source(self) -> Source:
        """Spikes, or quarters."""
        return Source(0.0, 1.0, 1) if self.chance(0.6) else Source(-1.0, 1.0, 4)

    def takes(self, model: type[Neuron], port: str, source: Neuron) -> bool:
        """No second graded value in a row, and spikes alone where they divide."""
        if port == "shunt":
            return _binary(source)
        return model.spiking or source.spiking or isinstance(source, Source)

    def most(self, port: str) -> int:
        """A sum of two powers is none."""
        return 1 if port == "shunt" else 4

    def weights(self, shape: Shape, fan_in: int, reach: float, port: str) -> Weights:
        """Quarters; a single power of two for each neuron where it divides."""
        if port == "shunt":
            return self._divisors(shape)
        sign = self.rng.choice(_SIGNS)
        low = {"mixed": -4, "excitatory": 0, "inhibitory": -8}[sign]
        high = 0 if sign == "inhibitory" else 8
        return Weights(self.many(shape, lambda: self._quarters(low, high)), 0, sign)

    def neuron(self, model: type[Neuron], shape: Shape, drive: Mapping[str, float]) -> Neuron:
        """Thresholds and biases of the size of what arrives."""
        largest = max(drive.values())
        if model is Relay:
            return Relay(bias=self._bias(shape, largest))
        common: dict[str, Any] = {
            "voltage_decay": self._decays(shape),
            "gain": self.each(shape, lambda: self.rng.choice((0.5, 1.0, 2.0))),
            "bias": self._bias(shape, largest / 4),
            "initial": self._bias(shape, largest / 2),
        }
        if model is not EINeuron:
            common["current_decay"] = self._decays(shape)
            common["current_bias"] = self._bias(shape, largest / 4)
        if model is Integrator:
            return Integrator(**common)
        highest = int(4 * largest * self.rng.choice((0.25, 0.5, 1.0)))
        common["threshold"] = self.each(shape, lambda: self._quarters(0, highest))
        common["reset"] = self.rng.choice(("value", "subtract"))
        common["reset_to"] = self._bias(shape, largest / 2)
        if model is LIFNeuron:
            return LIFNeuron(refractory=self.refractory(shape), **common)
        return EINeuron(floor=self.each(shape, self._power), **common)

    def emits(self, neuron: Neuron, drive: Mapping[str, float]) -> float:
        """1 for spikes; of graded values only how large they are counts."""
        return 1.0 if neuron.spiking or isinstance(neuron, Source) else max(drive.values())

    def _divisors(self, shape: Shape) -> Weights:
        values = self.many(shape, self._power)
        if len(shape) > 1:
            rows = values.reshape(shape[0], -1)
            for row in rows:
                chosen = self.rng.randrange(len(row))
                row[np.arange(len(row)) != chosen] = 0
        return Weights(values, 0, "excitatory")

    def _quarters(self, low: int, high: int) -> float:
        return self.rng.randint(low, high) / 4

    def _power(self) -> float:
        return self.rng.choice((0.25, 0.5, 1.0, 2.0, 4.0))

    def _decays(self, shape: Shape) -> Array:
        return self.each(shape, lambda: self.rng.choice((0.0, 0.5, 0.5, 1.0)))

    def _bias(self, shape: Shape, size: float) -> Array:
        """None, mostly."""
        if self.chance(0.6):
            return np.array(0.0)
        return self.each(shape, lambda: self._quarters(int(-2 * size), int(4 * size)))


def _binary(neuron: Neuron) -> bool:
    """Whether a neuron emits 0 and 1 only."""
    return neuron.spiking or (isinstance(neuron, Source) and int(neuron.levels) == 1)
