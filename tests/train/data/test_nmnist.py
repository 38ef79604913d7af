"""N-MNIST: real recordings, and small files in its format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eideploy.errors import InputError, MissingComponentError
from eideploy.train import find_dataset


def encode(*events: tuple[int, int, int, int]) -> bytes:
    """(x, y, p, t) as N-MNIST has it: x, y, and 24 bits of which the first is p, the others t."""
    return b"".join(bytes((x, y)) + (p << 23 | t).to_bytes(3, "big") for x, y, p, t in events)


@pytest.fixture
def root(folder: Path) -> Path:
    """Three training recordings and one test recording a digit, which is the row of its event."""
    for part, count in (("Train", 3), ("Test", 1)):
        for digit in range(10):
            place = folder / "NMNIST" / part / str(digit)
            place.mkdir(parents=True)
            for number in range(count):
                events = [(number, digit, 1, 0), (33, 33, 0, 90_000), (33, 33, 0, 299_999)]
                (place / f"{number:05}.bin").write_bytes(encode(*events))
    return folder / "NMNIST"


def test_files_are_read_and_digits_take_turns(root: Path) -> None:
    spec = find_dataset("nmnist")
    data = spec.load(3)
    assert data.train_x.shape == (30, 3, *spec.shape)
    assert data.test_x.shape == (10, 3, *spec.shape)
    assert (data.train_x.dtype, data.train_y.dtype) == (np.uint8, np.int64)
    assert data.train_y.tolist() == list(range(10)) * 3
    assert data.test_y.tolist() == list(range(10))
    for index in range(30):
        number, digit = divmod(index, 10)
        found = np.argwhere(data.train_x[index]).tolist()
        # 300 ms in 3 steps; polarity 1 in the second channel.
        assert found == [[0, 0, 33, 33], [0, 1, digit, number], [2, 0, 33, 33]]


def test_a_file_is_damaged(root: Path) -> None:
    path = root / "Test" / "7" / "00000.bin"
    for data in (path.read_bytes()[:-1], b"", encode((34, 0, 0, 0))):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"7/00000\.bin cannot be read"):
            find_dataset("nmnist").load(3)


def test_a_part_is_missing(root: Path) -> None:
    (root / "Train" / "4" / "00001.bin").unlink()
    for path in (root / "Train" / "4").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"Train/4 holds no \*\.bin file"):
        find_dataset("nmnist").load(3)
    (root / "Test").rename(root / "Rest")
    write_archive(root.parent)
    (root / "Train").rename(root / "Strain")
    assert len(find_dataset("nmnist").load(3).test_y) == 2


def write_archive(folder: Path, **changes: np.ndarray) -> Path:
    """Twenty recordings of two events, of classes 0 and 1 in turn."""
    count = 20
    arrays = {
        "x": np.tile([1, 2], count).astype(np.uint8),
        "y": np.repeat(np.arange(count), 2).astype(np.uint8),
        "p": np.tile([0, 1], count).astype(np.uint8),
        "t": np.tile([5, 300_000], count).astype(np.uint32),
        "start": np.arange(count + 1) * 2,
        "label": (np.arange(count) % 2).astype(np.uint8),
    }
    path = folder / "nmnist" / "train_1000.npz"
    path.parent.mkdir(exist_ok=True)
    np.savez(path, **(arrays | changes))
    return path


def test_an_archive_is_split(folder: Path) -> None:
    write_archive(folder)
    data = find_dataset("nmnist").load(2)
    # Every tenth of the recordings sorted by class.
    assert data.test_x.nonzero()[3].tolist() == [0, 0, 1, 1]
    assert data.test_y.tolist() == [0, 1]
    assert data.train_y.tolist() == [0, 1] * 9
    assert data.train_x.shape == (18, 2, 2, 34, 34)
    assert np.argwhere(data.train_x[0]).tolist() == [[0, 0, 2, 1], [1, 1, 2, 2]]


@pytest.mark.parametrize(
    "changes",
    [
        {"start": np.arange(20) * 2},
        {"start": np.arange(21)[::-1] * 2},
        {"label": np.array([object()])},
        {"x": np.full(40, 34)},
        {"t": np.zeros(10)},
    ],
)
def test_an_archive_is_damaged(folder: Path, changes: dict[str, np.ndarray]) -> None:
    write_archive(folder, **changes)
    with pytest.raises(InputError, match=r"train_1000\.npz cannot be read"):
        find_dataset("nmnist").load(2)


def test_an_archive_is_cut_short(folder: Path) -> None:
    path = write_archive(folder)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"train_1000\.npz cannot be read"):
        find_dataset("nmnist").load(2)


@pytest.mark.parametrize("steps", [4, 10])
def test_the_real_recordings(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setenv("EIDEPLOY_DATA", str(shared_data))
    data = find_dataset("nmnist").load(steps)
    assert data.train_x.shape == (900, steps, 2, 34, 34)
    assert data.test_x.shape == (100, steps, 2, 34, 34)
    with np.load(shared_data / "nmnist" / "train_1000.npz", allow_pickle=False) as archive:
        total, labels = len(archive["t"]), archive["label"]
    shares = np.bincount(data.test_y) - np.bincount(labels) / 10
    assert np.abs(shares).max() < 1
    # What is cut off is what the limit of 15 was chosen for: less than two events in a million.
    counted = int(data.train_x.sum(dtype=np.int64) + data.test_x.sum(dtype=np.int64))
    assert 0 <= total - counted <= 2e-6 * total
    # Every step of every recording shows something.
    assert data.train_x.reshape(900, steps, -1).any(axis=2).all()


def test_neither_is_there(folder: Path) -> None:
    with pytest.raises(MissingComponentError, match=r"NMNIST/Train nor nmnist/train_1000\.npz"):
        find_dataset("nmnist").load(2)
