"""Some of the samples: what is looked at together, and apart from all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from eideploy.errors import InputError
from eideploy.program import Stimulus, Trace


@runtime_checkable
class Stored(Protocol):
    """A trace that lies elsewhere, of which some samples at a time are read."""

    @property
    def samples(self) -> int:
        """Number of samples."""

    def take(self, samples: slice) -> Stored:
        """The same of some of the samples; nothing is read yet."""

    def read(self) -> Trace:
        """What was recorded of them."""


Recorded = Trace | Stored
"""What a side did with a stimulus before."""


@dataclass(frozen=True, eq=False)
class Part:
    """Samples that follow one another.

    Args:
        start: number of the first.
        shown: what is shown.
        recorded: what sides did with it that are not run but were recorded, by name of the side.
    """

    start: int
    shown: Stimulus
    recorded: Mapping[str, Recorded] = field(default_factory=dict)

    @property
    def stop(self) -> int:
        """Number of the first sample behind them."""
        return self.start + self.shown.samples

    def __reduce__(self) -> tuple[Any, ...]:
        """Sent to another process, it takes along what was recorded of these samples."""
        read = {
            name: trace if isinstance(trace, Trace) else trace.read()
            for name, trace in self.recorded.items()
        }
        return Part, (self.start, self.shown, read)

    def take(self, samples: slice) -> Part:
        """Some of them, by their number among all; arrays are views."""
        inside = slice(samples.start - self.start, samples.stop - self.start)
        recorded = {name: trace.take(inside) for name, trace in self.recorded.items()}
        return Part(samples.start, self.shown.take(inside), recorded)


def whole(stimulus: Stimulus, recorded: Mapping[str, Recorded]) -> Part:
    """All samples as one part.

    Raises:
        InputError: another number of samples was recorded than is shown.
    """
    for side, trace in recorded.items():
        for count in _counts(trace):
            if count != stimulus.samples:
                raise InputError(
                    f"a trace was recorded in {side} for {count} samples, {stimulus.samples} are "
                    "shown",
                    "Show what was shown when it was recorded, or record it again.",
                )
    return Part(0, stimulus, recorded)


def _counts(trace: Recorded) -> list[int]:
    """Number of samples of every population."""
    if isinstance(trace, Trace):
        return [len(recording.output) for recording in trace.recordings.values()]
    return [trace.samples]
