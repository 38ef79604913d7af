"""What the sources of a Program emit, in hardware time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from eideploy.program import Array, Program, Stimulus, encode
from eideploy_targets.lava.timetable import Timetable


def streams(
    program: Program, stimulus: Stimulus, tables: Mapping[str, Timetable]
) -> dict[str, Array]:
    """All of a stimulus at once: [neuron, hardware step] for each source, with its silences."""
    return {
        name: _stream(values, tables[name], program.latency)
        for name, values in encode(program, stimulus).items()
    }


def _stream(values: Array, timetable: Timetable, latency: int) -> Array:
    samples, steps = values.shape[:2]
    stream = np.zeros((samples, timetable.period, values[0, 0].size), values.dtype)
    working = slice(0, steps * timetable.stride, timetable.stride)
    stream[:, working] = values.reshape(samples, steps, -1)
    before, after = timetable.offset, latency - timetable.offset
    return np.pad(stream.reshape(samples * timetable.period, -1), ((before, after), (0, 0))).T


class Feed:
    """A stimulus step by step; of its numbers in the Program only a few samples are held at a time.

    Args:
        program: what is run.
        stimulus: what is shown to it.
        tables: when each source works.
    """

    def __init__(
        self, program: Program, stimulus: Stimulus, tables: Mapping[str, Timetable]
    ) -> None:
        self._program = program
        self._stimulus = stimulus
        self._tables = tables
        self._encoded = lru_cache(maxsize=max(2, len(program.sources)))(self._encode)

    def at(self, source: str, hardware_step: int) -> Array | int:
        """Values of all neurons of a source in a hardware step, or 0 for all while it is silent."""
        place = self._tables[source].place(hardware_step)
        if place is None:
            return 0
        sample, t = place
        return self._encoded(sample)[source][0, t].ravel()

    def _encode(self, sample: int) -> dict[str, Array]:
        return encode(self._program, self._stimulus.take(slice(sample, sample + 1)))
