"""A graded relay without memory."""

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


class Relay(PopulationProcess):
    """`eideploy.program.Relay`. InPort `input`."""


@implements(proc=Relay, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyRelayModelFloat(FloatModel):
    """y = x."""

    inputs = ("input",)
    input: Any = LavaPyType(PyInPort.VEC_DENSE, float)
    shift: Array = LavaPyType(np.ndarray, float)

    def integrate(self, arrived: Array) -> None:
        """Keep what arrived for this step."""
        self.sum = arrived

    def emit(self) -> Array:
        """Pass it on."""
        return self.sum


@implements(proc=Relay, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyRelayModelFixed(FixedModel):
    """y = ⌊x / 2^shift + 1/2⌋: the highest of the dropped bits is added to what stays."""

    inputs = ("input",)
    input: Any = LavaPyType(PyInPort.VEC_DENSE, np.int64, precision=24)
    shift: Array = LavaPyType(np.ndarray, np.int64, precision=5)

    def integrate(self, arrived: Array) -> None:
        """Keep what arrived for this step."""
        self.sum = arrived

    def emit(self) -> Array:
        """Pass it on, shifted and rounded."""
        highest_dropped = np.where(self.shift > 0, self.sum >> np.maximum(self.shift - 1, 0), 0) & 1
        return (self.sum >> self.shift) + highest_dropped
