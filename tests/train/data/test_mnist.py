"""MNIST: the real files, and small ones in their format."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from eideploy.errors import InputError, MissingComponentError
from eideploy.train import find_dataset


def idx(values: np.ndarray) -> bytes:
    """An array of bytes as an idx file: 0, 0, type 8, number of axes, lengths, values."""
    head = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    return head + values.astype(np.uint8).tobytes()


def write(folder: Path, *, packed: bool = False) -> dict[str, np.ndarray]:
    """Small files of MNIST; returns what is in them."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for part, count in (("train", 5), ("t10k", 3)):
        written[f"{part}-images-idx3-ubyte"] = rng.integers(0, 256, (count, 28, 28))
        written[f"{part}-labels-idx1-ubyte"] = rng.integers(0, 10, count)
    for name, values in written.items():
        data = idx(values)
        (folder / f"{name}{'.gz' if packed else ''}").write_bytes(
            gzip.compress(data) if packed else data
        )
    return written


@pytest.mark.parametrize("place", ["mnist", "MNIST/raw"])
@pytest.mark.parametrize("packed", [True, False])
def test_files_are_read_packed_or_not(folder: Path, place: str, packed: bool) -> None:
    written = write(folder / place, packed=packed)
    data = find_dataset("mnist").load(4)
    assert (data.train_x.dtype, data.train_y.dtype) == (np.uint8, np.int64)
    assert np.array_equal(data.train_x, written["train-images-idx3-ubyte"][:, None])
    assert np.array_equal(data.train_y, written["train-labels-idx1-ubyte"])
    assert np.array_equal(data.test_x, written["t10k-images-idx3-ubyte"][:, None])
    assert np.array_equal(data.test_y, written["t10k-labels-idx1-ubyte"])


def test_the_real_files(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EIDEPLOY_DATA", str(shared_data))
    data = find_dataset("mnist").load(4)
    assert data.train_x.shape == (60000, 1, 28, 28)
    assert data.test_x.shape == (10000, 1, 28, 28)
    # Class frequencies of the training labels, as LeCun et al. publish them.
    frequencies = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.train_y).tolist() == frequencies
    # Mean and deviation of the training pixels, as everybody normalizes them.
    assert data.train_x.mean() / 255 == pytest.approx(0.1307, abs=1e-4)
    assert data.train_x.std() / 255 == pytest.approx(0.3081, abs=1e-4)


def test_one_file_is_missing(folder: Path) -> None:
    write(folder / "mnist")
    (folder / "mnist" / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(MissingComponentError, match="t10k-labels-idx1-ubyte"):
        find_dataset("mnist").load(4)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"\xff\x00" * 40, lambda data: b""]
)
@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_a_file_is_damaged(folder: Path, name: str, packed: bool, damage) -> None:
    write(folder / "mnist", packed=packed)
    path = folder / "mnist" / (name + (".gz" if packed else ""))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=f"{path.name} cannot be read"):
        find_dataset("mnist").load(4)


def test_files_of_something_else(folder: Path) -> None:
    write(folder / "mnist")
    path = folder / "mnist" / "t10k-labels-idx1-ubyte"
    for labels in (np.array([1, 2, 10]), np.array([1, 2])):
        path.write_bytes(idx(labels))
        with pytest.raises(InputError, match="expected 28×28 images and one class"):
            find_dataset("mnist").load(4)
