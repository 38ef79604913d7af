"""Recordings of event cameras as frames: how many events each cell saw in each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eideploy.train.data.dataset import Array, Dataset, DatasetSpec
from eideploy.train.data.folder import reading
from eideploy.train.data.progress import with_progress
from eideploy.train.data.split import taking_turns

Events = tuple[Array, Array, Array, Array]
"""Column, row, polarity (0 or 1) and time [µs] of each event."""


@dataclass(frozen=True)
class Camera:
    """How events become whole numbers.

    Attributes:
        sensor: height and width in pixels.
        cells: height and width that they are scaled to; pixel x falls into cell ⌊x·cells/sensor⌋.
        most: counts beyond it are cut off.
    """

    sensor: int
    cells: int
    most: int

    def spec(self, classes: int, load: Callable[[int], Dataset]) -> DatasetSpec:
        """What is known of recordings of this camera; the value shown is events per pixel.

        That is as if frames had been scaled by averaging. E-I Init draws weights inversely to the
        size of the input, and small ones learn fast: values of the order of 1, as images have, keep
        learning rates what they are for images.
        """
        high = self.most * (self.cells / self.sensor) ** 2
        shape = (2, self.cells, self.cells)
        return DatasetSpec(shape, classes, levels=self.most, high=high, load=load, timed=True)

    def frames(self, events: Events, steps: int) -> Array:
        """Count events, [step, polarity, row, column], uint8.

        The time from the first event to the last is cut into steps of equal length, as recordings
        of one data set last about equally long and so do steps then: event t falls into step
        ⌊(t − t_first) · steps / (t_last − t_first + 1)⌋.

        Args:
            events: of one recording.
            steps: how many.

        Raises:
            ValueError: an event is outside of the sensor, or there is none.
        """
        x, y, p, t = (np.asarray(values).astype(np.int64) for values in events)
        if len(t) == 0:
            raise ValueError("there is no event")
        if min(x.min(), y.min()) < 0 or max(x.max(), y.max()) >= self.sensor:
            raise ValueError(f"an event is outside of {self.sensor}×{self.sensor} pixels")
        if p.min() < 0 or p.max() > 1:
            raise ValueError("a polarity is neither 0 nor 1")
        step = (t - t.min()) * steps // (t.max() - t.min() + 1)
        shape = (steps, 2, self.cells, self.cells)
        row, column = y * self.cells // self.sensor, x * self.cells // self.sensor
        cell = np.ravel_multi_index((step, p, row, column), shape)
        counts = np.bincount(cell, minlength=int(np.prod(shape)))
        return np.minimum(counts, self.most).astype(np.uint8).reshape(shape)

    def load(
        self, paths: Sequence[Path], labels: Array, read: Callable[[Path], Events], steps: int
    ) -> tuple[Array, Array]:
        """Frames of a file each, [sample, step, polarity, row, column], and their classes.

        Classes take turns in the result.

        Args:
            paths: of the recordings.
            labels: their classes.
            read: gives the events of a file.
            steps: as for `frames`.

        Raises:
            InputError: a file is damaged; names it.
        """
        order = taking_turns(labels)
        x = np.empty((len(order), steps, 2, self.cells, self.cells), dtype=np.uint8)
        for row, index in enumerate(with_progress(order.tolist(), "counting events")):
            with reading(paths[index]):
                x[row] = self.frames(read(paths[index]), steps)
        return x, labels[order]
