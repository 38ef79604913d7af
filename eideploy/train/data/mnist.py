"""MNIST, from its four idx files, read by torchvision."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from pathlib import Path

import numpy as np

from eideploy.errors import InputError
from eideploy.train.data.dataset import Array, Dataset, DatasetSpec
from eideploy.train.data.folder import find, reading

HOW = (
    "Download the four files of MNIST into that folder, for example by "
    "python -c \"import torchvision; torchvision.datasets.MNIST('{folder}', download=True)\"."
)


def load(steps: int) -> Dataset:
    """60,000 and 10,000 images of handwritten digits, values k/255.

    The files are `{train,t10k}-{images-idx3,labels-idx1}-ubyte`, packed (.gz) or not, in
    `MNIST/raw`, where torchvision puts them, or in `mnist`.

    Raises:
        MissingComponentError: a file is not there.
        InputError: a file is damaged.
    """
    return Dataset(*_split("train"), *_split("t10k"))


def _split(part: str) -> tuple[Array, Array]:
    from torchvision.datasets.mnist import read_image_file, read_label_file

    paths = [_find(f"{part}-images-idx3-ubyte"), _find(f"{part}-labels-idx1-ubyte")]
    with tempfile.TemporaryDirectory() as scratch:
        with reading(paths[0]):
            x = read_image_file(str(_unpacked(paths[0], Path(scratch)))).numpy()
        with reading(paths[1]):
            y = read_label_file(str(_unpacked(paths[1], Path(scratch)))).numpy()
    if x.shape[1:] != (28, 28) or len(x) != len(y) or y.max(initial=0) > 9:
        raise InputError(
            f"{paths[0]} holds images of shape {x.shape} and {paths[1].name} {len(y)} classes up "
            f"to {y.max(initial=0)}, expected 28×28 images and one class from 0 to 9 for each",
            "These are not the files of MNIST; get the data set again.",
        )
    return x[:, np.newaxis], y


def _find(file: str) -> Path:
    folders = ("MNIST/raw", "mnist")
    return find("mnist", [f"{f}/{file}{end}" for f in folders for end in ("", ".gz")], HOW)


def _unpacked(path: Path, scratch: Path) -> Path:
    """The file itself, or an unpacked copy: torchvision's reader takes no other."""
    if path.suffix != ".gz":
        return path
    copy = scratch / path.stem
    with gzip.open(path, "rb") as packed, copy.open("wb") as file:
        shutil.copyfileobj(packed, file)
    return copy


MNIST = DatasetSpec((1, 28, 28), classes=10, levels=255, high=1.0, load=load)
