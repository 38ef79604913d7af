"""What was converted once is read from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from eideploy.errors import InputError
from eideploy.train.data import Dataset
from eideploy.train.data.cache import cached


def made(seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (6, 2, 3), dtype=np.uint8)
    y = rng.integers(0, 9, 6)
    return Dataset(x[:4], y[:4], x[4:], y[4:])


def same(a: Dataset, b: Dataset) -> bool:
    return all(
        x.dtype == y.dtype and np.array_equal(x, y)
        for x, y in zip(vars(a).values(), vars(b).values(), strict=True)
    )


def test_it_is_converted_once(folder: Path) -> None:
    assert same(cached("a", made), made())
    again = cached("a", lambda: pytest.fail("converted twice"))
    assert same(again, made())
    # Tensors are made of it without a copy and without a warning that it cannot be written.
    assert torch.from_numpy(again.train_x).sum() == made().train_x.sum()
    assert same(cached("b", lambda: made(1)), made(1))
    assert [path.name for path in (folder / "eideploy-cache").iterdir()] != []


def test_a_failed_conversion_leaves_nothing(folder: Path) -> None:
    def fail() -> Dataset:
        raise InputError("damaged")

    with pytest.raises(InputError, match="damaged"):
        cached("a", fail)
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written(folder: Path) -> None:
    (folder / "eideploy-cache").write_text("a file is in the way")
    assert same(cached("a", made), made())


def test_a_damaged_file(folder: Path) -> None:
    cached("a", made)
    (path,) = (folder / "eideploy-cache").iterdir()
    intact = path.read_bytes()
    for data in (intact[:-1], b"", intact.replace(b"train_x", b"train_z")):
        path.write_bytes(data)
        with pytest.raises(InputError, match=rf"{path.name} cannot be read.*\n?.*\nDelete it"):
            cached("a", made)
