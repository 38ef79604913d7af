"""DVS-Gesture: eleven gestures of arms and hands in front of an event camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from eideploy.errors import InputError
from eideploy.train.data.cache import cached
from eideploy.train.data.dataset import Array, Dataset
from eideploy.train.data.events import Camera, Events
from eideploy.train.data.folder import find, reading

# Scaled as in the paper; 255 is the largest number that a byte holds.
CAMERA = Camera(sensor=128, cells=48, most=255)
CLASSES = 11

HOW = (
    "Download it, for example by python -c \"import tonic; tonic.datasets.DVSGesture('{folder}')\"."
)


def load(steps: int) -> Dataset:
    """1,077 recordings of 23 people and 264 of 6 others, cut into steps of equal length.

    They are those that tonic distributes, one gesture each, in
    `DVSGesture/ibmGesture{Train,Test}/user<nn>_<light>/<class>.npy`: for each event a row of
    column, row, polarity and time in ms.

    Args:
        steps: into which a recording is cut.

    Raises:
        MissingComponentError: the data set is not there.
        InputError: a file is damaged.
    """
    return cached(
        f"dvsgesture-{steps}", lambda: Dataset(*_part("Train", steps), *_part("Test", steps))
    )


def _part(part: str, steps: int) -> tuple[Array, Array]:
    folder = find("dvsgesture", (f"DVSGesture/ibmGesture{part}",), HOW)
    paths = sorted(folder.glob("*/*.npy"))
    if not paths:
        raise InputError(f"{folder} holds no *.npy file", "It is incomplete; unpack it again.")
    return CAMERA.load(paths, np.array([_label(path) for path in paths]), _read, steps)


def _label(path: Path) -> int:
    with reading(path):
        label = int(path.stem)
        if not 0 <= label < CLASSES:
            raise ValueError(f"its name is no class from 0 to {CLASSES - 1}")
    return label


def _read(path: Path) -> Events:
    x, y, p, milliseconds = np.load(path, allow_pickle=False).T
    return x, y, p, milliseconds * 1000


DVSGESTURE = CAMERA.spec(CLASSES, load)
