"""One side of a hop: what ran, what it did, and what is needed to judge it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from eideploy.errors import InputError
from eideploy.program import Array, LIFNeuronFixed, Population, Program, Recording, Trace
from eideploy.program.neuron import CURRENT_SHIFT


class Wire(NamedTuple):
    """That `source` acts on `target`, `lag` logical steps later (0 feed-forward)."""

    source: str
    target: str
    lag: int


@dataclass(frozen=True, eq=False)
class Artifact:
    """What one form of the network did.

    Args:
        name: as in the names of hops, such as `frozen` or `lava-fixed`.
        trace: what its populations emitted, with state where it was recorded.
        thresholds: θ of the spiking populations, each a scalar or one that broadcasts to the
            population, in the units of its v.
        outputs: populations that are the result; class scores come from the first.
        wires: who acts on whom.
        seconds: time it took to run.
    """

    name: str
    trace: Trace
    thresholds: Mapping[str, Array] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    wires: tuple[Wire, ...] = ()
    seconds: float = 0.0

    @staticmethod
    def of(name: str, program: Program, trace: Trace, seconds: float = 0.0) -> Artifact:
        """The artifact whose `trace` comes from `program`, or from its counterpart in torch."""
        return Artifact(
            name,
            trace,
            {
                population.name: threshold(population)
                for population in program.populations
                if population.neuron.spiking
            },
            program.outputs,
            tuple(Wire(p.source, p.target, program.lag(p)) for p in program.projections),
            seconds,
        )

    def spikes(self, name: str) -> bool:
        """Whether a recorded population emits spikes: it has a threshold, or holds 0 and 1."""
        return name in self.thresholds or self.trace[name].output.dtype.kind in "bu"

    def sample(self, index: int) -> Artifact:
        """The same of one sample alone, with arrays of its own."""
        one = slice(index, index + 1)
        return replace(
            self,
            trace=Trace(
                {
                    name: Recording(
                        recording.output[one].copy(),
                        {key: values[one].copy() for key, values in recording.state.items()},
                        recording.offset,
                    )
                    for name, recording in self.trace.recordings.items()
                }
            ),
        )

    def correct(self, labels: Array | None) -> int | None:
        """Number of samples whose largest class score is that of their label.

        score = mean over the steps of the first output: spike count / T, or mean graded value

        Args:
            labels: class of each sample [sample], or None, which gives None.
        """
        if labels is None or not self.outputs or self.outputs[0] not in self.trace.recordings:
            return None
        scores = self.trace[self.outputs[0]].output.mean(axis=1)
        decided = scores.reshape(len(scores), -1).argmax(axis=1)
        if decided.shape != labels.shape:
            raise InputError(
                f"{self.name} has {len(decided)} samples, the stimulus {len(labels)} labels"
            )
        return int(np.count_nonzero(decided == labels))

    def accuracy(self, labels: Array | None) -> float | None:
        """Share of those samples in percent; None where they cannot be counted."""
        correct = self.correct(labels)
        return None if correct is None or labels is None else 100 * (correct / len(labels))


def threshold(population: Population) -> Array:
    """θ of a spiking population in the units of its v."""
    values = population.neuron.parameters()["threshold"]
    return values << CURRENT_SHIFT if isinstance(population.neuron, LIFNeuronFixed) else values
