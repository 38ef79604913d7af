"""N-MNIST: MNIST in front of an event camera that makes three saccades."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from eideploy.train.data.cache import cached
from eideploy.train.data.dataset import Array, Dataset
from eideploy.train.data.events import Camera, Events
from eideploy.train.data.folder import files_by_class, find, reading
from eideploy.train.data.split import held_out

# On 1,000 recordings cut into 4 to 20 steps, at most one event in a million is beyond 15.
CAMERA = Camera(sensor=34, cells=34, most=15)

EVENT = np.dtype([("x", int), ("y", int), ("t", int), ("p", int)])

HOW = "Download it, for example by python -c \"import tonic; tonic.datasets.NMNIST('{folder}')\"."


def load(steps: int) -> Dataset:
    """60,000 and 10,000 recordings of about 0.3 s, cut into steps of equal length.

    They are read by tonic from `NMNIST/{Train,Test}/<digit>/*.bin`, where tonic puts them. Without
    these, 1,000 recordings are read from `nmnist/train_1000.npz`: arrays `x`, `y`, `p`, `t` [µs] of
    all events, of which `start[i]:start[i+1]` are those of recording i, and `label`; held out is
    every tenth of them sorted by class, 100.

    Args:
        steps: into which a recording is cut.

    Raises:
        MissingComponentError: the data set is not there.
        InputError: a file is damaged.
    """
    place = find("nmnist", ("NMNIST/Train", "nmnist/train_1000.npz"), HOW)
    if place.is_file():
        return _archive(place, steps)
    return cached(f"nmnist-{steps}", lambda: Dataset(*_part("Train", steps), *_part("Test", steps)))


def _part(part: str, steps: int) -> tuple[Array, Array]:
    folder = find("nmnist", (f"NMNIST/{part}",), HOW)
    paths, labels = files_by_class(folder, [str(digit) for digit in range(10)], ".bin")
    return CAMERA.load(paths, labels, _read, steps)


def _read(path: Path) -> Events:
    from tonic.io import read_mnist_file

    if path.stat().st_size % 5:
        raise ValueError("it ends within an event")
    events = read_mnist_file(str(path), dtype=EVENT)
    return events["x"], events["y"], events["p"], events["t"]


def _archive(path: Path, steps: int) -> Dataset:
    with reading(path), path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        x, y, p, t = (archive[key] for key in "xypt")
        start, labels = archive["start"], archive["label"].astype(np.int64)
        if len(start) != len(labels) + 1:
            raise ValueError(f"{len(labels)} labels and {len(start)} borders of recordings")
        frames = np.stack(
            [CAMERA.frames((x[a:b], y[a:b], p[a:b], t[a:b]), steps) for a, b in pairwise(start)]
        )
    out = held_out(labels, every=10)
    return Dataset(frames[~out], labels[~out], frames[out], labels[out])


NMNIST = CAMERA.spec(classes=10, load=load)
