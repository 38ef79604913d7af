"""Synapses from each neuron to the one with the same number, with a delay."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from eideploy.program import Array


class OneToOne(AbstractProcess):
    """y(h) = weight⊙x(h − delay)·2^exponent, rounded to −∞ where the exponent is negative.

    With weight 1 it is a delay line.

    Args:
        name: for messages.
        size: number of neurons at either end.
        delay: hardware steps, ≥ 1.
        weight: one for all, or one for each neuron.
        exponent: weight exponent; 0 in floating point.
    """

    def __init__(
        self, name: str, size: int, delay: int, weight: Any = 1, exponent: int = 0
    ) -> None:
        super().__init__(name=name, exponent=exponent)
        self.s_in = InPort(shape=(size,))
        self.a_out = OutPort(shape=(size,))
        weights = np.atleast_1d(weight)
        self.weight = Var(shape=weights.shape, init=weights)
        self.line = Var(shape=(delay, size), init=0)


class OneToOneModel(PyLoihiProcessModel):
    """Sends before it receives, as Lava's Dense does, so that loops cannot block."""

    s_in: Any
    a_out: Any
    weight: Array
    line: Array

    def run_spk(self) -> None:
        """One hardware step."""
        slot = (self.time_step - 1) % len(self.line)
        self.a_out.send(self.line[slot])
        self.line[slot] = self.scale(self.s_in.recv())

    def scale(self, x: Array) -> Array:
        """Apply the weight."""
        raise NotImplementedError


@implements(proc=OneToOne, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyOneToOneModelFloat(OneToOneModel):
    """In float64."""

    s_in = LavaPyType(PyInPort.VEC_DENSE, float)
    a_out = LavaPyType(PyOutPort.VEC_DENSE, float)
    weight = LavaPyType(np.ndarray, float)
    line = LavaPyType(np.ndarray, float)

    def scale(self, x: Array) -> Array:
        """w⊙x."""
        return self.weight * x


@implements(proc=OneToOne, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyOneToOneModelFixed(OneToOneModel):
    """In integers."""

    s_in = LavaPyType(PyInPort.VEC_DENSE, np.int64, precision=24)
    a_out = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    weight = LavaPyType(np.ndarray, np.int64, precision=8)
    line = LavaPyType(np.ndarray, np.int64, precision=24)

    def scale(self, x: Array) -> Array:
        """w⊙x, shifted by the weight exponent."""
        exponent = self.proc_params["exponent"]
        total = self.weight * x
        return total << exponent if exponent > 0 else total >> -exponent
