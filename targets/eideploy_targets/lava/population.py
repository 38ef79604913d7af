"""What all population processes share: streaming, resetting, and a tape of what they did.

This is kept out of the folder of the processes, where Lava executes every file again for each
process that it compiles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var

from eideploy.program import Array, Population
from eideploy_targets.lava.timetable import Timetable

TAPE_PAGES = 8
"""Most pages that a tape holds before its population waits for the reader; never less than 2."""

TAPE_BYTES = 2**24
"""Memory of a tape, where its pages are large."""


class PopulationProcess(AbstractProcess):
    """Base of the processes: neurons in a row, in C order of the population.

    An InPort for each port of the neuron model, a Var for each parameter, state variable and
    counter, named as there unless `lava_names` says otherwise; further

    - `s_out`: spikes or graded values, every hardware step;
    - `tape`: at the end of every sample a page [step, 1 + states, neuron] of what was emitted and
      of the state as tested. It is read from outside (an external pipe, as `lava.proc.io`'s
      Extractor has one, without the additional process). Nobody reads it where it is not wanted;
    - `tie_in`, `tie_out`: carry nothing. Lava compiles what is connected, so that a network in
      several parts is tied together through them.

    Args:
        population: what to build.
        timetable: when it works.
        taped: names of the state variables to put on tape; None for no tape.
    """

    lava_names: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self, population: Population, timetable: Timetable, taped: tuple[str, ...] | None
    ) -> None:
        neuron = population.neuron
        super().__init__(
            name=population.name,
            size=population.size,
            timetable=timetable,
            taped=taped,
            reset=getattr(neuron, "reset", None),
        )
        shape = (population.size,)
        for name in neuron.ports:
            setattr(self, self.lava_names.get(name, name), InPort(shape=shape))
        parameters = {
            name: np.broadcast_to(value, population.shape).ravel()
            for name, value in neuron.parameters().items()
        }
        for name, value in parameters.items():
            setattr(self, self.lava_names.get(name, name), Var(shape=shape, init=value))
        for name in (*neuron.state, *neuron.counters):
            initial = parameters.get("initial", 0) if name == "v" else 0
            setattr(self, name, Var(shape=shape, init=initial))
        self.s_out = OutPort(shape=shape)
        self.tie_in, self.tie_out = InPort(shape=(1,)), OutPort(shape=(1,))
        self.tape = OutPort(shape=(timetable.steps, 1 + len(taped or ()), population.size))
        if taped is not None:
            pages = TAPE_BYTES // (8 * self.tape.size)
            self.tape.flag_external_pipe(buffer_size=max(2, min(pages, TAPE_PAGES)))


class PopulationModel(PyLoihiProcessModel):
    """Base of the process models: the life of a population, step by step.

    Subclasses say what is special: `integrate` what arrived on the ports, `emit`, `recover` from a
    spike, and `restart` for the next sample.
    """

    integrate: Callable[..., None]
    inputs: ClassVar[tuple[str, ...]]
    number: ClassVar[type]
    s_out: Any
    tape: Any
    tie_in: Any = LavaPyType(PyInPort.VEC_DENSE, np.int8)
    tie_out: Any = LavaPyType(PyOutPort.VEC_DENSE, np.int8)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.timetable: Timetable = proc_params["timetable"]
        self.reset: str | None = proc_params["reset"]
        self.taped: tuple[str, ...] | None = proc_params["taped"]
        self.silence = np.zeros(proc_params["size"])
        self.page: Array | None = None

    def run_spk(self) -> None:
        """One hardware step."""
        # Received in silence too: what arrives then is lost, as on the chip.
        arrived = [getattr(self, name).recv() for name in self.inputs]
        t = self.timetable.at(self.time_step - 1)
        if t is None:
            self.s_out.send(self.silence)
            return
        if t == self.timetable.reset_phase:
            self.restart()
        self.integrate(*arrived)
        output = self.emit()
        if self.taped is not None:
            self.write(t, output)
        self.recover(output)
        self.s_out.send(output)

    def write(self, t: int, output: Array) -> None:
        """Put output and state as tested on the page, and send the page when it is full."""
        assert self.taped is not None
        if self.page is None:
            self.page = np.zeros(self.tape.shape, self.number)
        self.page[t, 0] = output
        for row, name in enumerate(self.taped, start=1):
            self.page[t, row] = getattr(self, name)
        if t == self.timetable.steps - 1:
            self.tape.send(self.page)

    def restart(self) -> None:
        """Put the state back to where it starts."""

    def emit(self) -> Array:
        """What the neurons emit: [neuron], 0 and 1 or graded."""
        raise NotImplementedError

    def recover(self, output: Array) -> None:
        """Reset where there was a spike."""


def round_shift(x: Array, bits: Array) -> Array:
    """⌊x / 2^bits + 1/2⌋: a floor shift, after which the highest of the dropped bits is added."""
    highest_dropped = np.where(bits > 0, x >> np.maximum(bits - 1, 0), 0) & 1
    return (x >> bits) + highest_dropped


class FloatModel(PopulationModel):
    """A population in float64."""

    number = float
    s_out = LavaPyType(PyOutPort.VEC_DENSE, float)
    tape = LavaPyType(PyOutPort.VEC_DENSE, float)


class FixedModel(PopulationModel):
    """A population in integers; 24 bits leave it, as on Loihi 2."""

    number = np.int64
    s_out = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    tape = LavaPyType(PyOutPort.VEC_DENSE, np.int64)
