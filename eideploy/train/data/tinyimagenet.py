"""TinyImageNet, scaled to 32×32 pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eideploy.train.data.cache import cached
from eideploy.train.data.dataset import Array, Dataset, DatasetSpec
from eideploy.train.data.folder import files_by_class, find, reading
from eideploy.train.data.progress import with_progress
from eideploy.train.data.split import taking_turns

SIZE = 32

HOW = "Unpack cs231n.stanford.edu/tiny-imagenet-200.zip into that folder."


def load(steps: int) -> Dataset:
    """100,000 and 10,000 images of 200 classes, 64×64 pixels scaled to 32×32, values k/255.

    They are read from the folders of the original archive, `tiny-imagenet-200`: `wnids.txt`,
    whose sorted lines are the classes, `train/<class>/images/*.JPEG`, and `val/images/*.JPEG`
    with `val/val_annotations.txt`. The validation images are what is tested on, as the test
    images have no public classes. They are scaled as torchvision's `Resize` does,
    bilinearly over all pixels.

    Raises:
        MissingComponentError: the data set is not there.
        InputError: a file is damaged or missing.
    """
    return cached("tinyimagenet", _convert)


def _convert() -> Dataset:
    folder = find("tinyimagenet", ("tiny-imagenet-200",), HOW)
    with reading(folder / "wnids.txt"):
        classes = sorted((folder / "wnids.txt").read_text(encoding="utf-8").split())
    names = [f"{name}/images" for name in classes]
    paths, labels = files_by_class(folder / "train", names, ".JPEG")
    order = taking_turns(labels)
    train = _images([paths[index] for index in order]), labels[order]
    return Dataset(*train, *_validation(folder / "val", classes))


def _validation(folder: Path, classes: Sequence[str]) -> tuple[Array, Array]:
    table = folder / "val_annotations.txt"
    with reading(table):
        rows = [line.split("\t")[:2] for line in table.read_text(encoding="utf-8").splitlines()]
        if unknown := {name for _, name in rows} - set(classes):
            raise ValueError(f"it has classes that are not in wnids.txt: {sorted(unknown)[:3]}")
        labels = np.array([classes.index(name) for _, name in rows], dtype=np.int64)
    return _images([folder / "images" / file for file, _ in rows]), labels


def _images(paths: Sequence[Path]) -> Array:
    from PIL.Image import Resampling
    from torchvision.datasets.folder import pil_loader

    x = np.empty((len(paths), 3, SIZE, SIZE), dtype=np.uint8)
    for row, path in enumerate(with_progress(paths, "scaling images")):
        with reading(path):
            image = pil_loader(str(path)).resize((SIZE, SIZE), Resampling.BILINEAR)
            x[row] = np.asarray(image).transpose(2, 0, 1)
    return x


TINYIMAGENET = DatasetSpec((3, SIZE, SIZE), classes=200, levels=255, high=1.0, load=load)
