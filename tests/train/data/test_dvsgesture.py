"""DVS-Gesture in small files as tonic distributes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tonic import datasets

from eideploy.errors import InputError
from eideploy.train import find_dataset


@pytest.fixture
def root(folder: Path) -> Path:
    """Two people, three gestures each, in training, one of each in test."""
    rng = np.random.default_rng(0)
    people = {"Train": ("user01_fluorescent", "user02_led"), "Test": ("user24_lab",)}
    for part, names in people.items():
        for name in names:
            place = folder / "DVSGesture" / f"ibmGesture{part}" / name
            place.mkdir(parents=True)
            for gesture in (0, 3, 10):
                events = rng.integers(0, (128, 128, 2, 6000), (50, 4)).astype(float)
                events[:, 3].sort()
                np.save(place / f"{gesture}.npy", events)
    return folder / "DVSGesture"


def test_recordings_are_read_and_scaled(root: Path) -> None:
    spec = find_dataset("dvsgesture")
    assert spec.shape == (2, 48, 48)
    data = spec.load(4)
    assert data.train_x.shape == (6, 4, 2, 48, 48)
    assert data.train_y.tolist() == [0, 3, 10, 0, 3, 10]
    assert data.test_y.tolist() == [0, 3, 10]
    assert data.train_x.reshape(6, -1).sum(axis=1).tolist() == [50] * 6
    x, y, p, t = np.load(root / "ibmGestureTest" / "user24_lab" / "3.npy").astype(int).T
    expected = np.zeros((4, 2, 48, 48), dtype=int)
    for i in range(50):
        step = (t[i] - t[0]) * 4000 // ((t[-1] - t[0]) * 1000 + 1)
        expected[step, p[i], y[i] * 3 // 8, x[i] * 3 // 8] += 1
    assert np.array_equal(data.test_x[1], expected)


def test_it_is_what_tonic_reads(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.DVSGesture, "_check_exists", lambda self: True)
    theirs = {label: events for events, label in datasets.DVSGesture(str(root.parent), train=False)}
    data = find_dataset("dvsgesture").load(1)
    for x, label in zip(data.test_x, data.test_y, strict=True):
        events = theirs[int(label)]
        counts = np.zeros((1, 2, 48, 48), dtype=int)
        places = (0, events["p"].astype(int), events["y"] * 3 // 8, events["x"] * 3 // 8)
        np.add.at(counts, places, 1)
        assert np.array_equal(x, counts)


@pytest.mark.parametrize("name", ["11.npy", "-1.npy", "labels.npy"])
def test_a_file_of_no_gesture(root: Path, name: str) -> None:
    folder = root / "ibmGestureTrain" / "user02_led"
    (folder / "3.npy").rename(folder / name)
    with pytest.raises(InputError, match=f"{name} cannot be read"):
        find_dataset("dvsgesture").load(4)


def test_a_file_is_damaged_or_pickled(root: Path) -> None:
    path = root / "ibmGestureTrain" / "user01_fluorescent" / "10.npy"
    intact = path.read_bytes()
    np.save(path, np.array([{}, {}]), allow_pickle=True)
    for data in (path.read_bytes(), intact[:-8], b""):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"10\.npy cannot be read"):
            find_dataset("dvsgesture").load(4)


def test_an_empty_folder(root: Path) -> None:
    for path in (root / "ibmGestureTest").glob("*/*.npy"):
        path.unlink()
    with pytest.raises(InputError, match=r"ibmGestureTest holds no \*\.npy file"):
        find_dataset("dvsgesture").load(4)
