"""Taps on a network of netx: they hand out, sample by sample, what a layer sends or holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort, PyRefPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort, RefPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from eideploy.program import Array

PAGES = 2
"""Samples that wait for the reader before the network waits too."""


class _Tap(AbstractProcess):
    """At the end of every sample a page [step, neuron] goes out, to be read from outside.

    Args:
        name: for messages.
        shape: of the layer.
        offset: hardware steps before its first logical step.
        steps: logical steps of a sample; samples follow each other.
    """

    def __init__(self, name: str, shape: tuple[int, ...], offset: int, steps: int) -> None:
        super().__init__(name=name, offset=offset)
        self.page = OutPort(shape=(steps, int(np.prod(shape))))
        self.page.flag_external_pipe(buffer_size=PAGES)


class SpikeTap(_Tap):
    """What a layer sends, received on `inp`."""

    def __init__(self, name: str, shape: tuple[int, ...], offset: int, steps: int) -> None:
        super().__init__(name, shape, offset, steps)
        self.inp = InPort(shape=shape)


class PotentialTap(_Tap):
    """What the potential of a layer is at the end of each step, seen through `variable`."""

    def __init__(self, name: str, shape: tuple[int, ...], offset: int, steps: int) -> None:
        super().__init__(name, shape, offset, steps)
        self.variable = RefPort(shape=shape)


class _TapModel(PyLoihiProcessModel):
    page: Any = LavaPyType(PyOutPort.VEC_DENSE, np.int64)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.offset: int = proc_params["offset"]
        self.written: Array | None = None

    def keep(self, values: Array) -> None:
        """Put what was seen in this step on the page, and send the page when it is full."""
        if self.written is None:
            self.written = np.zeros(self.page.shape, np.int64)
        step = self.time_step - 1 - self.offset
        if step < 0:
            return
        t = step % len(self.written)
        self.written[t] = values.ravel()
        if t == len(self.written) - 1:
            self.page.send(self.written)


@implements(proc=SpikeTap, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PySpikeTapModel(_TapModel):
    """Receives every step."""

    inp: Any = LavaPyType(PyInPort.VEC_DENSE, np.int32)

    def run_spk(self) -> None:
        """One hardware step."""
        self.keep(self.inp.recv())


@implements(proc=PotentialTap, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyPotentialTapModel(_TapModel):
    """Reads in the management phase, after all neurons are done with the step."""

    variable: Any = LavaPyType(PyRefPort.VEC_DENSE, int)

    def post_guard(self) -> bool:
        """There is something to read in every step."""
        return True

    def run_post_mgmt(self) -> None:
        """The end of one hardware step."""
        self.keep(self.variable.read())
