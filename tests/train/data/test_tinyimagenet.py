"""TinyImageNet in a few small JPEG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eideploy.errors import InputError
from eideploy.train import find_dataset

CLASSES = ["n03", "n01", "n02"]
GRAY = {"n01": 40, "n02": 120, "n03": 200}


@pytest.fixture
def root(folder: Path) -> Path:
    """Two images a class, each of the gray of its class, and three validation images."""
    root = folder / "tiny-imagenet-200"
    for name in CLASSES:
        for number in range(2):
            save(root / "train" / name / "images" / f"{name}_{number}.JPEG", GRAY[name])
    order = ["n02", "n02", "n01"]
    for number, name in enumerate(order):
        save(root / "val" / "images" / f"val_{number}.JPEG", GRAY[name])
    (root / "wnids.txt").write_text("\n".join(CLASSES) + "\n")
    rows = [f"val_{number}.JPEG\t{name}\t0\t0\t63\t63\n" for number, name in enumerate(order)]
    (root / "val" / "val_annotations.txt").write_text("".join(rows))
    return root


def save(path: Path, gray: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # One channel, as some of the real images have.
    Image.fromarray(np.full((64, 64), gray, dtype=np.uint8)).save(path)


def test_images_are_scaled_and_classes_take_turns(root: Path) -> None:
    data = find_dataset("tinyimagenet").load(4)
    assert data.train_x.shape == (6, 3, 32, 32)
    assert data.train_x.dtype == np.uint8
    assert data.train_y.tolist() == [0, 1, 2, 0, 1, 2]
    assert data.test_y.tolist() == [1, 1, 0]
    for x, y in ((data.train_x, data.train_y), (data.test_x, data.test_y)):
        gray = np.array([40, 120, 200])[y].reshape(-1, 1, 1, 1)
        assert np.abs(x.astype(int) - gray).max() <= 1


def test_scaling_keeps_what_is_where(root: Path) -> None:
    picture = np.zeros((64, 64, 3), dtype=np.uint8)
    picture[:32, 32:, 0] = 255
    path = root / "train" / "n01" / "images" / "n01_0.JPEG"
    Image.fromarray(picture).save(path, quality=100, subsampling=0)
    x = find_dataset("tinyimagenet").load(4).train_x[0].astype(int)
    red, rest = x[0, :15, 17:], x[:, 17:]
    assert red.min() > 250
    assert x[1:, :15, 17:].max() < 5
    assert rest.max() < 5


def test_it_is_converted_once(root: Path) -> None:
    first = find_dataset("tinyimagenet").load(4)
    (root / "wnids.txt").unlink()
    again = find_dataset("tinyimagenet").load(4)
    assert np.array_equal(again.train_x, first.train_x)
    assert np.array_equal(again.test_y, first.test_y)


def test_a_damaged_image(root: Path) -> None:
    path = root / "val" / "images" / "val_1.JPEG"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"val_1\.JPEG cannot be read"):
        find_dataset("tinyimagenet").load(4)
    path.unlink()
    with pytest.raises(InputError, match=r"val_1\.JPEG cannot be read"):
        find_dataset("tinyimagenet").load(4)


def test_a_class_that_is_not_in_the_list(root: Path) -> None:
    table = root / "val" / "val_annotations.txt"
    table.write_text(table.read_text().replace("n01", "n09"))
    with pytest.raises(InputError, match=r"val_annotations\.txt .*not in wnids\.txt: \['n09'\]"):
        find_dataset("tinyimagenet").load(4)


def test_a_list_is_missing(root: Path) -> None:
    (root / "wnids.txt").unlink()
    with pytest.raises(InputError, match=r"wnids\.txt cannot be read"):
        find_dataset("tinyimagenet").load(4)
