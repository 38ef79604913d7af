"""Leaky integrate-and-fire neurons and leaky integrators, in the arithmetic of Lava's own LIF."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.lif.models import (
    AbstractPyLifModelFixed,
    AbstractPyLifModelFloat,
    PyLifModelBitAcc,
)

from eideploy.program import Array
from eideploy_targets.lava.population import (
    FixedModel,
    FloatModel,
    PopulationModel,
    PopulationProcess,
    round_shift,
)


class LIFNeuron(PopulationProcess):
    """`eideploy.program.LIFNeuron`. InPort `a_in`."""

    lava_names: ClassVar[Mapping[str, str]] = {
        "input": "a_in",
        "current_decay": "du",
        "voltage_decay": "dv",
        "bias": "bias_mant",
    }


class Integrator(PopulationProcess):
    """`eideploy.program.Integrator`. InPort `a_in`."""

    lava_names: ClassVar[Mapping[str, str]] = LIFNeuron.lava_names


class IntegratorFixed(PopulationProcess):
    """`eideploy.program.IntegratorFixed`. InPort `a_in`."""

    lava_names: ClassVar[Mapping[str, str]] = {
        "input": "a_in",
        "current_decay": "du",
        "voltage_decay": "dv",
        "bias_mantissa": "bias_mant",
        "bias_exponent": "bias_exp",
    }


class LIFNeuronFixed(PopulationProcess):
    """`eideploy.program.LIFNeuronFixed`. InPort `a_in`."""

    lava_names: ClassVar[Mapping[str, str]] = {**IntegratorFixed.lava_names, "threshold": "vth"}


class Refractory(PopulationModel):
    """Holds v in the steps after a spike. Goes in front of what integrates it."""

    v: Array
    refractory: Array = LavaPyType(np.ndarray, np.int32, precision=6)
    remaining: Array = LavaPyType(np.ndarray, np.int32, precision=6)

    @property
    def ready(self) -> Array:
        """Which neurons are not refractory."""
        return self.remaining == 0

    def restart(self) -> None:
        """No neuron is refractory."""
        super().restart()
        self.remaining[:] = 0

    def integrate(self, *arrived: Array) -> None:
        """Integrate, then take back what happened to v of those that are refractory."""
        before = self.v.copy()
        super().integrate(*arrived)
        self.v = np.where(self.ready, self.v, before)

    def rest(self, spikes: Array) -> None:
        """One step less remains, or all of them after a spike."""
        self.remaining = np.where(spikes, self.refractory, self.remaining - ~self.ready)


class FloatDynamics(FloatModel, AbstractPyLifModelFloat):
    """Lava's float dynamics below threshold, with a gain, a bias of the current, a start value."""

    inputs = ("a_in",)
    bias_exp = None  # Lava's float models declare it and do not use it.
    u: Array = LavaPyType(np.ndarray, float)
    v: Array = LavaPyType(np.ndarray, float)
    gain: Array = LavaPyType(np.ndarray, float)
    initial: Array = LavaPyType(np.ndarray, float)
    current_bias: Array = LavaPyType(np.ndarray, float)

    def restart(self) -> None:
        """U goes to 0, v to where it starts."""
        self.u[:] = 0
        self.v[:] = self.initial

    def integrate(self, arrived: Array) -> None:
        """Lava's own update of u and v."""
        self.subthr_dynamics(self.gain * arrived + self.current_bias)


@implements(proc=Integrator, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyIntegratorModel(FloatDynamics):
    """No threshold: emits v."""

    def emit(self) -> Array:
        """The potential."""
        return self.v


@implements(proc=LIFNeuron, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyLIFNeuronModel(Refractory, FloatDynamics):
    """A threshold, and reset to any value or by any amount."""

    threshold: Array = LavaPyType(np.ndarray, float)
    reset_to: Array = LavaPyType(np.ndarray, float)

    def emit(self) -> Array:
        """Spikes."""
        return (self.v > self.threshold) & self.ready

    def recover(self, spikes: Array) -> None:
        """Set v, or subtract from it, where there was a spike."""
        after = self.v - self.reset_to if self.reset == "subtract" else self.reset_to
        self.v = np.where(spikes, after, self.v)
        self.rest(spikes)


class FixedDynamics(FixedModel, AbstractPyLifModelFixed):
    """Lava's bit-accurate dynamics below threshold, with all its widths, and a current bias."""

    inputs = ("a_in",)
    v: Array
    current_bias: Array = LavaPyType(np.ndarray, np.int32, precision=24)

    def restart(self) -> None:
        """U and v go to 0."""
        self.u[:] = 0
        self.v[:] = 0

    def integrate(self, arrived: Array) -> None:
        """Lava's own update of u and v."""
        if not self.isbiasscaled:
            self.scale_bias()
            self.scale_threshold()
        self.subthr_dynamics(arrived + self.current_bias)


@implements(proc=IntegratorFixed, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyIntegratorFixedModel(FixedDynamics):
    """No threshold: emits the high bits of v."""

    initial: Array = LavaPyType(np.ndarray, np.int32, precision=24)
    shift: Array = LavaPyType(np.ndarray, np.int32, precision=5)

    def restart(self) -> None:
        """U goes to 0, v to where it starts."""
        self.u[:] = 0
        self.v[:] = self.initial

    def scale_threshold(self) -> None:
        """There is none."""

    def emit(self) -> Array:
        """The potential, shifted and rounded."""
        return round_shift(self.v, self.shift)


@implements(proc=LIFNeuronFixed, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyLIFNeuronFixedModel(Refractory, FixedDynamics, PyLifModelBitAcc):
    """Lava's bit-accurate LIF; when it works, what it is reset to and how long it rests is ours."""

    implements_process = None  # Not Lava's LIF; without this the decorator above refuses.
    reset_to: Array = LavaPyType(np.ndarray, np.int32, precision=24)

    def emit(self) -> Array:
        """Lava's own test, of those that are not refractory."""
        return self.spiking_activation() & self.ready

    def recover(self, spikes: Array) -> None:
        """Set v, or subtract the threshold from it, where there was a spike."""
        after = self.v - self.effective_vth if self.reset == "subtract" else self.reset_to
        self.v = np.where(spikes, after, self.v)
        self.rest(spikes)
