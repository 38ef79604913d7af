"""The E-I neuron: subtractive and divisive inhibition, in float64 and in integers."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from eideploy.program import Array
from eideploy_targets.lava.population import FixedModel, FloatModel, PopulationProcess


class EINeuron(PopulationProcess):
    """`eideploy.program.EINeuron`. InPorts `balanced` and `shunt`."""


class EINeuronFixed(PopulationProcess):
    """`eideploy.program.EINeuronFixed`. InPorts `balanced` and `shunt`."""


@implements(proc=EINeuron, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyEINeuronModel(FloatModel):
    """v ← (1 − a)·v + gain·B / max(S, floor) + bias;  z = [v > threshold]."""

    inputs = ("balanced", "shunt")
    balanced: Any = LavaPyType(PyInPort.VEC_DENSE, float)
    shunt: Any = LavaPyType(PyInPort.VEC_DENSE, float)
    v: Array = LavaPyType(np.ndarray, float)
    voltage_decay: Array = LavaPyType(np.ndarray, float)
    gain: Array = LavaPyType(np.ndarray, float)
    bias: Array = LavaPyType(np.ndarray, float)
    floor: Array = LavaPyType(np.ndarray, float)
    threshold: Array = LavaPyType(np.ndarray, float)
    reset_to: Array = LavaPyType(np.ndarray, float)
    initial: Array = LavaPyType(np.ndarray, float)

    def restart(self) -> None:
        """V goes to where it starts."""
        self.v = self.initial.copy()

    def integrate(self, balanced: Array, shunt: Array) -> None:
        """Divide, leak and add."""
        current = self.gain * balanced / np.maximum(shunt, self.floor)
        self.v = (1 - self.voltage_decay) * self.v + current + self.bias

    def emit(self) -> Array:
        """Spikes."""
        return self.v > self.threshold

    def recover(self, spikes: Array) -> None:
        """Set v, or subtract from it, where there was a spike."""
        after = self.v - self.reset_to if self.reset == "subtract" else self.reset_to
        self.v = np.where(spikes, after, self.v)


@implements(proc=EINeuronFixed, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyEINeuronFixedModel(FixedModel):
    """The same in integers, by what a chip has: shift, compare, add and multiply; no division."""

    inputs = ("balanced", "shunt")
    balanced: Any = LavaPyType(PyInPort.VEC_DENSE, np.int64, precision=24)
    shunt: Any = LavaPyType(PyInPort.VEC_DENSE, np.int64, precision=24)
    v: Array = LavaPyType(np.ndarray, np.int64, precision=24)
    voltage_decay: Array = LavaPyType(np.ndarray, np.int64, precision=13)
    gain: Array = LavaPyType(np.ndarray, np.int64, precision=16)
    bias: Array = LavaPyType(np.ndarray, np.int64, precision=24)
    floor: Array = LavaPyType(np.ndarray, np.int64, precision=24)
    threshold: Array = LavaPyType(np.ndarray, np.int64, precision=24)
    quotient_shift: Array = LavaPyType(np.ndarray, np.int64, precision=6)
    quotient_bits: Array = LavaPyType(np.ndarray, np.int64, precision=5)
    reset_to: Array = LavaPyType(np.ndarray, np.int64, precision=24)

    def restart(self) -> None:
        """V goes to 0."""
        self.v = np.zeros_like(self.v)

    def integrate(self, balanced: Array, shunt: Array) -> None:
        """Divide, leak and add; every shift rounds toward zero."""
        quotient = long_division(
            np.abs(balanced) << self.quotient_shift,
            np.maximum(shunt, self.floor),
            int(self.quotient_bits.max()) - 1,
        )
        quotient = np.minimum(quotient, (1 << (self.quotient_bits - 1)) - 1)
        signed = np.where(balanced < 0, -quotient, quotient)
        self.v = (
            shift_toward_zero(self.v * (4096 - self.voltage_decay), 12)
            + shift_toward_zero(signed * self.gain, 8)
            + self.bias
        )

    def emit(self) -> Array:
        """Spikes."""
        return self.v > self.threshold

    def recover(self, spikes: Array) -> None:
        """Set v, or subtract the threshold from it, where there was a spike."""
        after = self.v - self.threshold if self.reset == "subtract" else self.reset_to
        self.v = np.where(spikes, after, self.v)


def long_division(dividend: Array, divisor: Array, bits: int) -> Array:
    """⌊dividend / divisor⌋ bit by bit, as on paper; 2^bits − 1 where that is too small for it."""
    quotient = np.zeros_like(dividend)
    for bit in reversed(range(bits)):
        part = divisor << bit
        fits = dividend >= part
        dividend = dividend - part * fits
        quotient |= fits.astype(quotient.dtype) << bit
    return quotient


def shift_toward_zero(x: Array, bits: int) -> Array:
    """x / 2^bits without its fraction: a floor shift, after adding 2^bits − 1 to what is < 0."""
    return (x + (x < 0) * ((1 << bits) - 1)) >> bits
