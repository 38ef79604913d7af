"""Recordings of events, and how they become values for every step of an input.

Unlike tonic's `ToFrame`, which leaves out the events of a last window that is not full, and those
of a rest that does not divide by the number of windows, nothing is left out here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from eideploy.errors import StimulusError
from eideploy.program.arrays import Array

Events = Mapping[str, Array]
"""One recording: arrays [event] by field, that is `t` and any of `x`, `y` and `p`."""

FIELDS = ("x", "y", "p", "t")

UNITS = {
    "s": Fraction(1),
    "ms": Fraction(1, 10**3),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "ns": Fraction(1, 10**9),
}
"""Seconds in each unit of time."""

LARGEST = 4 << 30
"""Bytes of the largest array that is made of events."""


@dataclass(frozen=True)
class Bins:
    """How the time of a recording is cut into steps; either `steps` or `width` is given.

    With `steps`, the time from the first event to the last is cut into as many equal steps:

        step = ⌊(t − t_first) · steps / (t_last − t_first + 1)⌋

    With `width`, each step lasts so long, step = ⌊(t − t_first) / width⌋, and recordings that end
    before the longest end in silence.

    Args:
        steps: how many, ≥ 1.
        width: of each of them in seconds, > 0.
        unit: of the times of the events, in seconds.
    """

    steps: int | None = None
    width: Fraction | None = None
    unit: Fraction = UNITS["us"]

    @staticmethod
    def parse(text: str, unit: str = "us") -> Bins:
        """Read `20` as a number of steps and `1ms` as their width.

        Raises:
            StimulusError: it is neither.
        """
        number = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|ms|us|µs|ns)?", text.strip())
        value = Fraction(number[1]) if number else Fraction(0)
        if number is None or not value or (number[2] is None and value.denominator != 1):
            raise StimulusError(
                f"bins of {text!r} are neither a number of steps nor a width",
                "Give a number of equal steps, as in --bin 20, or their width, as in --bin 1ms.",
            )
        if number[2] is None:
            return Bins(steps=int(value), unit=UNITS[unit])
        return Bins(width=value * UNITS[number[2]], unit=UNITS[unit])

    def step_of(self, t: Array) -> Array:
        """The step that each event falls into, [event], from the times of one recording."""
        if t.dtype.kind == "f":
            t = np.rint((t - t.min()) * float(self.unit / UNITS["ns"]))
            unit = UNITS["ns"]
        else:
            unit = self.unit
        since = t.astype(np.int64)
        since = since - since.min()
        if self.width is not None:
            ticks = self.width / unit
            return since * ticks.denominator // ticks.numerator
        return since * self.steps // (since.max() + 1)


@dataclass(frozen=True, eq=False)
class Binned:
    """What events became.

    Args:
        values: [sample, step, *shape], unsigned integers.
        full: cells in which more events fell into one step than the input takes.
        active: cells with at least one event, each step counted.
    """

    values: Array
    full: int
    active: int


def bin_events(
    recordings: Sequence[Events], shape: tuple[int, ...], bins: Bins, most: int
) -> Binned:
    """Count events in every cell of an input and every step.

    Axes of the input are [p, y, x], [y, x], [p, x] or [x]. A field without an axis must be the same
    in all events, an axis without a field must be 1 long.

    Args:
        recordings: one for each sample; one without events is silence.
        shape: of the input.
        bins: how time is cut into steps.
        most: the input takes no more, so that more events in a cell and step count as so many;
            1 makes spikes of them.

    Raises:
        StimulusError: there is no event at all, fields do not fit the shape, an event is outside
            of it, or the array would be too large.
    """
    if not any(len(events["t"]) for events in recordings):
        raise StimulusError("there is no event", "Check that the recording is not empty.")
    steps_of = [
        bins.step_of(events["t"]) if len(events["t"]) else np.zeros(0, np.int64)
        for events in recordings
    ]
    steps = bins.steps or max(int(step.max()) + 1 for step in steps_of if len(step))
    dtype = np.min_scalar_type(most)
    extents = (len(recordings), steps, *shape)
    if (size := math.prod(extents) * dtype.itemsize) > LARGEST:
        raise StimulusError(
            f"{len(recordings):,} recordings in {steps:,} steps take {size / 2**30:,.0f} GiB",
            "Take wider bins (--bin), fewer recordings (--samples), or check --time-unit.",
        )
    values, full, active = np.zeros(extents, dtype), 0, 0
    for index, (events, step) in enumerate(zip(recordings, steps_of, strict=True)):
        try:
            place = _places(events, shape)
        except StimulusError as error:
            raise StimulusError(f"recording {index}: {error.what}", error.remedy) from error
        cell = step * math.prod(shape) + place
        counts = np.bincount(cell, minlength=math.prod(extents[1:]))
        full += int(np.count_nonzero(counts > most))
        active += int(np.count_nonzero(counts))
        values[index] = np.minimum(counts, most).reshape(extents[1:])
    return Binned(values, full, active)


def _places(events: Events, shape: tuple[int, ...]) -> Array:
    """Index of the cell of each event in the flattened input, [event]."""
    axes = {1: "x", 2: "yx" if "y" in events else "px", 3: "pyx"}.get(len(shape))
    meant = f"[{', '.join(axes)}]" if axes else "[p, y, x]"
    takes = f"the input takes {list(shape)}"
    if axes is None:
        raise StimulusError(f"{takes}, which is not {meant} as events are")
    place = np.zeros(len(events["t"]), np.int64)
    for field, extent in zip(axes, shape, strict=True):
        if field not in events:
            if extent != 1:
                raise StimulusError(
                    f"events have no field {field}; {takes}, which is {meant} of each event"
                )
            continue
        index = events[field].astype(np.int64)
        outside = np.flatnonzero((index < 0) | (index >= extent))
        if len(outside):
            raise StimulusError(
                f"event {outside[0]} has {field} = {index[outside[0]]}, and {takes} = {meant}: "
                f"{field} is 0…{extent - 1} ({len(outside):,} events are outside)",
                "Crop or scale the recording to the size that the network was made for.",
            )
        place = place * extent + index
    for field in set(events) - set(axes) - {"t"}:
        if len(np.unique(events[field])) > 1:
            raise StimulusError(
                f"events differ in {field}, for which the input has no axis: {takes} = {meant}",
                f"Leave the field {field} out if events that differ in it are to count as one.",
            )
    return place
