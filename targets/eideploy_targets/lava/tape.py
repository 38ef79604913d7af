"""Reading what populations put on tape while they run."""

from __future__ import annotations

from typing import Any

import numpy as np

from eideploy.program import Array, Population, Recording
from eideploy_targets.lava.timetable import Timetable


class Tape:
    """The recording of one population, page by page.

    Args:
        population: what is recorded.
        timetable: when it works.
        state: names of the state variables that are on tape.
    """

    def __init__(
        self, population: Population, timetable: Timetable, state: tuple[str, ...]
    ) -> None:
        self.population = population
        self.shape = (timetable.samples, timetable.steps, *population.shape)
        self.state = state
        self.done = 0
        self._rows: list[Array] = []

    def read(self, process: Any) -> bool:
        """Take the next sample off the tape of a running `PopulationProcess`, if it is there."""
        port = process.tape.external_pipe_csp_recv_port
        if not port.probe():
            return False
        page = port.recv()
        if not self._rows:
            kind = np.uint8 if self.population.neuron.spiking else page.dtype
            self._rows = [np.zeros(self.shape, kind)]
            self._rows += [np.zeros(self.shape, page.dtype) for _ in self.state]
        for row, values in enumerate(self._rows):
            values[self.done] = page[:, row].reshape(self.shape[1:])
        self.done += 1
        return True

    def finish(self) -> Recording:
        """What was recorded, after the last sample."""
        output, *state = self._rows
        return Recording(output, dict(zip(self.state, state, strict=True)), self.population.offset)
