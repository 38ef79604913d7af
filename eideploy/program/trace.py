"""The Trace: what every recorded population emitted, in logical time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from eideploy.errors import InputError
from eideploy.program.arrays import Array


@dataclass(frozen=True, eq=False)
class Recording:
    """What one population did.

    Args:
        output: [sample, step, *shape]; spikes as uint8, graded values as float64 or int64.
        state: state variables by name, each [sample, step, *shape], *as tested*: after
            integration and before reset. Empty where it was not recorded.
        offset: latency of the population in hardware steps; step t was hardware step t + offset.
    """

    output: Array
    state: Mapping[str, Array] = field(default_factory=dict)
    offset: int = 0

    def __post_init__(self) -> None:
        for name, values in self.state.items():
            if values.shape != self.output.shape:
                raise InputError(
                    f"state {name!r} has shape {values.shape}, the output {self.output.shape}"
                )


@dataclass(frozen=True, eq=False)
class Trace:
    """Recordings by name of the population."""

    recordings: Mapping[str, Recording]

    def __getitem__(self, name: str) -> Recording:
        return self.recordings[name]

    def take(self, samples: slice) -> Trace:
        """What was recorded of some of the samples; arrays are views."""
        return Trace(
            {
                name: Recording(
                    recording.output[samples],
                    {key: values[samples] for key, values in recording.state.items()},
                    recording.offset,
                )
                for name, recording in self.recordings.items()
            }
        )

    @staticmethod
    def concatenate(parts: list[Trace]) -> Trace:
        """Join traces of the same populations along the samples."""
        return Trace(
            {
                name: Recording(
                    np.concatenate([part[name].output for part in parts]),
                    {
                        key: np.concatenate([part[name].state[key] for part in parts])
                        for key in first.state
                    },
                    first.offset,
                )
                for name, first in parts[0].recordings.items()
            }
        )
