"""Synapses of a convolution as products of matrices, many times faster than Lava's own `Conv`.

Lava's Conv goes through every pair of channels one at a time (`conv_scipy` of lava/proc/conv).
Here the patches under the kernel are columns of a matrix, and all pairs are one product.
"""

from __future__ import annotations

import math
from functools import cached_property
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

from eideploy.program import Array, Conv2d
from eideploy_targets.lava.patches import Patches


class Convolution(AbstractProcess):
    """a(h + 1) = (weight ⋆ s(h))·2^exponent, rounded to −∞ where the exponent is negative.

    Neurons are in a row at either end, in C order of their population. Unlike Lava's Conv it takes
    exponents, and its sums have 32 bits, as those of Lava's Dense, instead of wrapping at 24.

    Args:
        name: for messages.
        shape: of the source, [c, h, w].
        operator: weights and geometry.
        exponent: weight exponent; 0 in floating point.
    """

    def __init__(
        self, name: str, shape: tuple[int, ...], operator: Conv2d, exponent: int = 0
    ) -> None:
        super().__init__(name=name, shape=shape, operator=operator, exponent=exponent)
        size = (math.prod(operator.output_shape(shape)),)
        self.s_in = InPort(shape=(math.prod(shape),))
        self.a_out = OutPort(shape=size)
        self.weight = Var(shape=operator.weight.shape, init=operator.weight)
        self.a_buff = Var(shape=size, init=0)


class ConvolutionModel(PyLoihiProcessModel):
    """Sends before it receives, as Lava's Dense does, so that loops cannot block."""

    s_in: Any
    a_out: Any
    weight: Array
    a_buff: Array

    @cached_property
    def patches(self) -> Patches:
        """Made when it runs: Lava sets the weights of a model after it has been made."""
        return Patches(self.weight, self.proc_params["operator"], self.proc_params["shape"])

    def run_spk(self) -> None:
        """One hardware step."""
        self.a_out.send(self.a_buff)
        self.a_buff = self.scale(self.patches.sums(self.s_in.recv()))

    def scale(self, sums: Array) -> Array:
        """Apply the weight exponent."""
        raise NotImplementedError


@implements(proc=Convolution, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyConvolutionModelFloat(ConvolutionModel):
    """In float64."""

    s_in = LavaPyType(PyInPort.VEC_DENSE, float)
    a_out = LavaPyType(PyOutPort.VEC_DENSE, float)
    weight = LavaPyType(np.ndarray, float)
    a_buff = LavaPyType(np.ndarray, float)

    def scale(self, sums: Array) -> Array:
        """There is no exponent."""
        return sums


@implements(proc=Convolution, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyConvolutionModelFixed(ConvolutionModel):
    """In integers."""

    s_in = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    a_out = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=32)
    weight = LavaPyType(np.ndarray, np.int32, precision=8)
    a_buff = LavaPyType(np.ndarray, np.int64, precision=32)

    def scale(self, sums: Array) -> Array:
        """Shift."""
        exponent = self.proc_params["exponent"]
        return sums << exponent if exponent > 0 else sums >> -exponent
