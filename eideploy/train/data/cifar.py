"""CIFAR-10 and CIFAR-100."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eideploy.train.data.dataset import Array, Dataset, DatasetSpec
from eideploy.train.data.folder import find, reading

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class Cifar:
    """One of the two.

    Attributes:
        name: in recipes.
        reader: its class in torchvision.
        classes: how many there are.
        labels: bytes in front of each image of the binary version; the last one is the class.
        binary: folder of the binary version.
        train: files of the training images in there.
        test: file of the test images.
        python: folder of the Python version.
    """

    name: str
    reader: str
    classes: int
    labels: int
    binary: str
    train: tuple[str, ...]
    test: str
    python: str

    @property
    def how(self) -> str:
        """How to get it."""
        archive = f"{self.python.removesuffix('-batches-py').removesuffix('-python')}-binary.tar.gz"
        return (
            f"Unpack {archive} of www.cs.toronto.edu/~kriz/cifar.html there, or have torchvision "
            f'do it: python -c "import torchvision; torchvision.datasets.{self.reader}'
            "('{folder}', download=True)\"."
        )

    @property
    def spec(self) -> DatasetSpec:
        """Images of 32×32 pixels in red, green and blue, values k/255."""
        return DatasetSpec(SHAPE, self.classes, levels=255, high=1.0, load=self.load)

    def load(self, steps: int) -> Dataset:
        """50,000 and 10,000 images.

        The binary version is read if it is there: label and pixels in plain bytes. The Python
        version is pickled, and unpickling runs what a file says; torchvision reads it, and only
        after the files have shown the checksums of the original ones.

        Raises:
            MissingComponentError: neither version is there.
            InputError: a file is damaged.
        """
        folder = find(self.name, (self.binary, self.python), self.how)
        if folder.name == self.python:
            return Dataset(*self._pickled(folder, True), *self._pickled(folder, False))
        parts = [self._plain(folder / file) for file in self.train]
        x, y = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return Dataset(x, y, *self._plain(folder / self.test))

    def _plain(self, path: Path) -> tuple[Array, Array]:
        with reading(path):
            rows = np.fromfile(path, dtype=np.uint8).reshape(-1, self.labels + PIXELS)
            y = rows[:, self.labels - 1].astype(np.int64)
            if y.max() >= self.classes:
                raise ValueError(f"it has a class {y.max()}, expected 0 to {self.classes - 1}")
        return np.ascontiguousarray(rows[:, self.labels :]).reshape(-1, *SHAPE), y

    def _pickled(self, folder: Path, train: bool) -> tuple[Array, Array]:
        from torchvision import datasets

        with reading(folder):
            data = getattr(datasets, self.reader)(str(folder.parent), train=train)
        x = np.ascontiguousarray(data.data.transpose(0, 3, 1, 2))
        return x, np.array(data.targets, dtype=np.int64)


CIFAR10 = Cifar(
    name="cifar10",
    reader="CIFAR10",
    classes=10,
    labels=1,
    binary="cifar-10-batches-bin",
    train=tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    test="test_batch.bin",
    python="cifar-10-batches-py",
).spec

CIFAR100 = Cifar(
    name="cifar100",
    reader="CIFAR100",
    classes=100,
    labels=2,
    binary="cifar-100-binary",
    train=("train.bin",),
    test="test.bin",
    python="cifar-100-python",
).spec
