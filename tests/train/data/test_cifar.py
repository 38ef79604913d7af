"""CIFAR-10 and CIFAR-100 in small files of both versions."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
from torchvision import datasets

from eideploy.errors import InputError
from eideploy.train import find_dataset

FILES = {
    "cifar10": ("cifar-10-batches-bin", [f"data_batch_{i}.bin" for i in range(1, 6)], "test_batch"),
    "cifar100": ("cifar-100-binary", ["train.bin"], "test"),
}


def write_binary(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Three images a file, coarse label first in CIFAR-100; returns all in order."""
    place, train, test = FILES[name]
    (folder / place).mkdir()
    rng = np.random.default_rng(0)
    images, labels = [], []
    for file in (*train, f"{test}.bin"):
        x = rng.integers(0, 256, (3, 3072), dtype=np.uint8)
        y = rng.integers(0, 10 if name == "cifar10" else 100, (3, 1), dtype=np.uint8)
        coarse = [] if name == "cifar10" else [y % 20]
        np.hstack([*coarse, y, x]).tofile(folder / place / file)
        images.append(x)
        labels.append(y[:, 0])
    return np.concatenate(images).reshape(-1, 3, 32, 32), np.concatenate(labels)


@pytest.mark.parametrize("name", FILES)
def test_plain_bytes(folder: Path, name: str) -> None:
    images, labels = write_binary(folder, name)
    data = find_dataset(name).load(4)
    assert (data.train_x.dtype, data.train_y.dtype) == (np.uint8, np.int64)
    assert np.array_equal(data.train_x, images[:-3])
    assert np.array_equal(data.train_y, labels[:-3])
    assert np.array_equal(data.test_x, images[-3:])
    assert np.array_equal(data.test_y, labels[-3:])


@pytest.mark.parametrize("name", FILES)
def test_a_file_ends_too_early_or_is_missing(folder: Path, name: str) -> None:
    write_binary(folder, name)
    place, _, test = FILES[name]
    path = folder / place / f"{test}.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=rf"{test}\.bin cannot be read"):
        find_dataset(name).load(4)
    path.unlink()
    with pytest.raises(InputError, match=rf"{test}\.bin cannot be read"):
        find_dataset(name).load(4)


def test_a_class_that_does_not_exist(folder: Path) -> None:
    write_binary(folder, "cifar10")
    row = np.full((1, 3073), 10, dtype=np.uint8)
    row.tofile(folder / "cifar-10-batches-bin" / "data_batch_3.bin")
    with pytest.raises(InputError, match=r"data_batch_3\.bin cannot be read: it has a class 10"):
        find_dataset("cifar10").load(4)


def write_pickled(folder: Path) -> tuple[dict[str, str], np.ndarray]:
    """The Python version of CIFAR-10; returns the checksum of each file, and all images."""
    place = folder / "cifar-10-batches-py"
    place.mkdir()
    rng = np.random.default_rng(0)
    content = {"batches.meta": {"label_names": [str(i) for i in range(10)]}}
    for file in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        content[file] = {
            "data": rng.integers(0, 256, (2, 3072), dtype=np.uint8),
            "labels": [len(content), 9],
        }
    sums = {}
    for file, entry in content.items():
        data = pickle.dumps(entry)
        (place / file).write_bytes(data)
        sums[file] = hashlib.md5(data).hexdigest()
    images = [entry["data"] for entry in content.values() if "data" in entry]
    return sums, np.concatenate(images).reshape(-1, 3, 32, 32)


def test_the_python_version_is_read_where_its_checksums_are_right(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums, images = write_pickled(folder)
    train = [[file, sums[file]] for file in sums if file.startswith("data")]
    monkeypatch.setattr(datasets.CIFAR10, "train_list", train)
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    meta = {"filename": "batches.meta", "key": "label_names", "md5": sums["batches.meta"]}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    data = find_dataset("cifar10").load(4)
    assert np.array_equal(data.train_x, images[:-2])
    assert np.array_equal(data.test_x, images[-2:])
    assert data.train_y.tolist() == [1, 9, 2, 9, 3, 9, 4, 9, 5, 9]
    assert data.test_y.tolist() == [6, 9]


class Tripwire:
    """Unpickling it raises what nothing catches."""

    def __reduce__(self):
        return pytest.fail, ("a file was unpickled",)


def test_a_pickle_of_somebody_else_is_not_opened(folder: Path) -> None:
    place = folder / "cifar-10-batches-py"
    place.mkdir()
    for file in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta"):
        (place / file).write_bytes(pickle.dumps(Tripwire()))
    with pytest.raises(InputError, match=r"cifar-10-batches-py cannot be read: .*corrupted"):
        find_dataset("cifar10").load(4)
