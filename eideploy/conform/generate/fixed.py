"""Integers within what Loihi and Lava hold: 8-bit weights with exponents, 24-bit states."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from eideploy.conform.generate.numbers import Numbers, Shape, Weights
from eideploy.program import (
    Array,
    EINeuronFixed,
    IntegratorFixed,
    LIFNeuronFixed,
    Neuron,
    Relay,
    Source,
)
from eideploy.program.neuron import CURRENT_SHIFT, STATE_MAX
from eideploy.program.program import Sign

_DECAYS = (0, 1, 128, 1023, 2048, 3000, 4094, 4095)
_PROJECTION_REACH = 2**20
"""A port has few projections, so that its sum stays below the 2²⁴ that Lava's LIF takes."""

_GRADED_BITS = 10
"""Of what relays and integrators emit, so that what follows stays within its reach."""

_SIGNS: tuple[Sign, ...] = ("mixed",) * 5 + ("excitatory",) * 2 + ("inhibitory",)


class Fixed(Numbers):
    """Draws the numbers of an integer Program."""

    arithmetic = "integer"
    models = (*[LIFNeuronFixed] * 4, *[EINeuronFixed] * 3, IntegratorFixed, Relay)

    def steps(self) -> int:
        """A few, seldom many."""
        return self.rng.choice((1, 4, 6, 8, 8, 12, 12, 20))

    def source(self) -> Source:
        """Spikes, or eighths of a unit that are scaled and rounded to integers."""
        if self.chance(0.6):
            return Source(0, 1, 1)
        largest = self.rng.choice((1, 2, 16))
        smallest = self.rng.choice((0, -largest))
        return Source(smallest, largest, 8 * largest, self.rng.choice((1.0, 3.0, 10.0)))

    def takes(self, model: type[Neuron], port: str, source: Neuron) -> bool:
        """Everything."""
        return True

    def most(self, port: str) -> int:
        """So many that all of them stay within what a port can take."""
        return 4

    def weights(self, shape: Shape, fan_in: int, reach: float, port: str) -> Weights:
        """Even ones of both signs, or any of one sign; about a third of them 0."""
        exponent = self.rng.choice((0, 0, 0, 0, 1, 2, 6, -1, -3))
        sign = self._sign(port)
        bound = _PROJECTION_REACH / (fan_in * reach * 2.0**exponent)
        most = max(2, min(self.rng.choice((2, 20, 90, 255)), math.floor(bound)))
        low = {"mixed": -most // 2, "excitatory": 0, "inhibitory": -most}[sign]
        high = 0 if sign == "inhibitory" else most
        step = 2 if sign == "mixed" else 1
        zeros = self.rng.choice((0.0, 0.3, 0.6))

        def one() -> int:
            return 0 if self.chance(zeros) else self.rng.randint(low // step, high // step) * step

        return Weights(self.many(shape, one), exponent, sign)

    def neuron(self, model: type[Neuron], shape: Shape, drive: Mapping[str, float]) -> Neuron:
        """Thresholds, biases and floors of the size of what arrives."""
        if model is Relay:
            return self._relay(shape, math.ceil(drive["input"]))
        if model is EINeuronFixed:
            return self._circuit(shape, math.ceil(drive["balanced"]), math.ceil(drive["shunt"]))
        return self._leaky(model, shape, math.ceil(drive["input"]))

    def emits(self, neuron: Neuron, drive: Mapping[str, float]) -> float:
        """1 for spikes; what is left of a graded value after its shift."""
        match neuron:
            case Source(maximum=maximum, scale=scale):
                return float(np.ceil(maximum * scale))
            case Relay(shift=shift, bias=bias):
                largest = drive["input"] + float(np.abs(bias).max())
                return largest / 2.0 ** int(shift.min()) + 1
            case IntegratorFixed(shift=shift):
                return STATE_MAX / 2.0 ** int(shift.min()) + 1
        return 1.0

    def _sign(self, port: str) -> Sign:
        """What divides is excitatory, mostly."""
        if port == "shunt" and self.chance(0.8):
            return "excitatory"
        return self.rng.choice(_SIGNS)

    def _relay(self, shape: Shape, drive: int) -> Relay:
        bias = self._bias(shape, drive // 4)
        least = max(0, (2 * drive).bit_length() - _GRADED_BITS)
        return Relay(self.each(shape, lambda: self.rng.randint(least, least + 2)), bias)

    def _leaky(self, model: type[Neuron], shape: Shape, drive: int) -> Neuron:
        potential = drive << CURRENT_SHIFT
        exponent = min(7, max(0, (potential // 4).bit_length() - 12))
        common: dict[str, Any] = {
            "current_decay": self.each(shape, lambda: self._decay(4095)),
            "voltage_decay": self.each(shape, lambda: self._decay(4096)),
            "bias_mantissa": self._bias(shape, min(4095, potential // 4 >> exponent)),
            "bias_exponent": self.each(shape, lambda: self.rng.randint(0, exponent)),
            "current_bias": self._bias(shape, drive // 4),
        }
        if model is IntegratorFixed:
            shift = self.each(shape, lambda: self.rng.randint(24 - _GRADED_BITS, 20))
            return IntegratorFixed(**common, initial=self._bias(shape, 2**20), shift=shift)
        highest = min(131071, self.rng.choice((drive // 4, drive // 2, drive, 4 * drive)))
        return LIFNeuronFixed(
            **common,
            threshold=self.each(shape, lambda: self.rng.randint(0, highest)),
            refractory=self.refractory(shape),
            **self._reset(shape, potential),
        )

    def _circuit(self, shape: Shape, balanced: int, shunt: int) -> EINeuronFixed:
        """Quotients of the size of the threshold, mostly; v stays within its 24 bits."""
        highest = self.rng.choice((500, 4096, 4096, 16384))
        floor = self.rng.choice((1, 1 + shunt // 8, 1 + shunt))
        fitting = highest * max(shunt // 4, floor) // (balanced + 1)
        shift = min(fitting.bit_length() + self.rng.choice((1, 1, 2, 3)), 37)
        common: dict[str, Any] = {
            "floor": self.each(shape, lambda: self.rng.randint(1, floor)),
            "threshold": self.each(shape, lambda: self.rng.randint(highest // 8, highest)),
            "quotient_shift": self.each(
                shape, lambda: self.rng.choice((shift, shift, shift, shift + 1, 12, 38))
            ),
            **self._reset(shape, highest),
        }
        if self.chance(0.2):
            # The widest quotient leaves no room for anything that is added to it.
            return EINeuronFixed(4096, 256, 0, quotient_bits=24, **common)
        return EINeuronFixed(
            voltage_decay=self.each(shape, lambda: self._decay(4096)),
            gain=self.rng.choice((256, 256, self.each(shape, lambda: self.rng.randint(0, 512)))),
            bias=self._bias(shape, highest // 4),
            quotient_bits=self.each(
                shape, lambda: self.rng.choice((16, 16, 16, highest.bit_length(), 1))
            ),
            **common,
        )

    def _decay(self, highest: int) -> int:
        """One that is easily got wrong, or any."""
        return self.rng.choice((*_DECAYS, highest, self.rng.randint(0, highest)))

    def _bias(self, shape: Shape, size: int) -> Array:
        """None, mostly."""
        if self.chance(0.6):
            return np.array(0)
        return self.each(shape, lambda: self.rng.randint(-size // 2, size))

    def _reset(self, shape: Shape, size: int) -> dict[str, Any]:
        if self.chance(0.5):
            return {"reset": "subtract"}
        size = min(size, STATE_MAX)
        return {"reset_to": self._bias(shape, self.rng.choice((size, size, STATE_MAX)) // 2)}
