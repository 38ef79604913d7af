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
from eideploy_targets.lava.population import (
    FixedModel,
    FloatModel,
    PopulationProcess,
    round_shift,
)


class Relay(PopulationProcess):
    """`eideploy.program.Relay`. InPort `input`."""


@implements(proc=Relay, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyRelayModelFloat(FloatModel):
    """y = x + bias."""

    inputs = ("input",)
    input: Any = LavaPyType(PyInPort.VEC_DENSE, float)
    shift: Array = LavaPyType(np.ndarray, float)
    bias: Array = LavaPyType(np.ndarray, float)

    def integrate(self, arrived: Array) -> None:
        """Keep the sum for this step."""
        self.sum = arrived + self.bias

    def emit(self) -> Array:
        """Pass it on."""
        return self.sum


@implements(proc=Relay, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyRelayModelFixed(FixedModel):
    """y = ⌊(x + bias) / 2^shift + 1/2⌋: the highest of the dropped bits is added to what stays."""

    inputs = ("input",)
    input: Any = LavaPyType(PyInPort.VEC_DENSE, np.int64, precision=24)
    shift: Array = LavaPyType(np.ndarray, np.int64, precision=5)
    bias: Array = LavaPyType(np.ndarray, np.int64, precision=24)

    def integrate(self, arrived: Array) -> None:
        """Keep the sum for this step."""
        self.sum = arrived + self.bias

    def emit(self) -> Array:
        """Pass it on, shifted and rounded."""
        return round_shift(self.sum, self.shift)
