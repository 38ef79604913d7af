"""CIFAR10-DVS: 10,000 images of CIFAR-10 moved in front of an event camera."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from eideploy.errors import InputError, MissingComponentError
from eideploy.train.data.cache import cached
from eideploy.train.data.dataset import Dataset
from eideploy.train.data.events import Camera, Events
from eideploy.train.data.folder import files_by_class, find

# Scaled as in the paper; 255 is the largest number that a byte holds.
CAMERA = Camera(sensor=128, cells=48, most=255)
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
HELD_OUT = 100
"""Of each class."""

HOW = (
    "Unpack the ten archives of doi.org/10.6084/m9.figshare.4724671 into it, or have tonic do it: "
    "python -c \"import tonic; tonic.datasets.CIFAR10DVS('{folder}')\"."
)


def load(steps: int) -> Dataset:
    """9,000 and 1,000 recordings of about 1.3 s, cut into steps of equal length.

    They are read by tonic from `CIFAR10DVS/<class>/`, the original `*.aedat` or the `*.aedat4` that
    tonic distributes. There is no official split; held out are the first 100 of each class by the
    number in the name of the file, as is usual since Duan et al., "Temporal Effective Batch
    Normalization in Spiking Neural Networks", NeurIPS 2022.

    Args:
        steps: into which a recording is cut.

    Raises:
        MissingComponentError: the data set is not there, or what reads .aedat4 files.
        InputError: a file is damaged.
    """
    return cached(f"cifar10dvs-{steps}", lambda: _convert(steps))


def _convert(steps: int) -> Dataset:
    folder = find("cifar10dvs", ("CIFAR10DVS",), HOW)
    paths, labels = files_by_class(folder, CLASSES, ".aedat*")
    if any(path.suffix == ".aedat4" for path in paths) and find_spec("aedat") is None:
        raise MissingComponentError(
            f"{folder} holds .aedat4 files, which the package aedat reads", "pip install aedat"
        )
    if np.bincount(labels).min() <= HELD_OUT:
        raise InputError(
            f"{folder} holds {HELD_OUT} recordings of a class or fewer, expected 1,000",
            "It is incomplete; unpack it again.",
        )
    x, y = CAMERA.load(paths, labels, _read, steps)
    # Classes take turns, so that the first of each class come first.
    out = HELD_OUT * len(CLASSES)
    return Dataset(x[out:], y[out:], x[:out], y[:out])


def _read(path: Path) -> Events:
    return _version_4(path) if path.suffix == ".aedat4" else _version_2(path)


def _version_4(path: Path) -> Events:
    from tonic.io import read_aedat4

    events = read_aedat4(str(path))
    t, x, y, p = (events[name] for name in events.dtype.names)
    return x, y, p, t


def _version_2(path: Path) -> Events:
    """A big-endian address and time per event; address bits 1–7, 8–14 and 0 are row, column, OFF.

    Rows and columns are counted from the far corner, which shows images upright.
    """
    from tonic.io import get_aer_events_from_file, read_aedat_header_from_file

    with path.open("rb") as file:
        if not file.readline().startswith(b"#!AER-DAT2"):
            raise ValueError("it does not begin with #!AER-DAT2")
    version, start, _ = read_aedat_header_from_file(str(path))
    if (path.stat().st_size - start) % 8:
        raise ValueError("it ends within an event")
    events = get_aer_events_from_file(str(path), version, start)
    address = events["address"].astype(np.int64)
    row, column = address >> 1 & 127, address >> 8 & 127
    return 127 - column, 127 - row, 1 - (address & 1), events["timeStamp"]


CIFAR10DVS = CAMERA.spec(len(CLASSES), load)
