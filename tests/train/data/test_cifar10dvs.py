"""CIFAR10-DVS in small files of both formats."""

from __future__ import annotations

import importlib.util
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from eideploy.errors import InputError, MissingComponentError
from eideploy.train import find_dataset
from eideploy.train.data import cifar10dvs

HEADER = b"#!AER-DAT2.0\r\n# This is a raw AE data file - do not edit\r\n# some more\r\n"


def aedat(*events: tuple[int, int, int, int]) -> bytes:
    """(column, row, p, t) as jAER wrote them: both counted from the far corner, bit 0 is OFF."""
    words = [((127 - x) << 8 | (127 - y) << 1 | (1 - p), t) for x, y, p, t in events]
    return HEADER + b"".join(struct.pack(">II", *word) for word in words)


def aedat4(*events: tuple[int, int, int, int]) -> bytes:
    """(column, row, p, t) as tonic distributes them: an uncompressed AEDAT 4 file of one packet.

    Its header and packet are flat buffers: place of the table, name, sizes and places of the
    table's fields, the table, and what its one field points to.
    """
    description = (
        b'<dv version="2.0"><node name="outInfo"><node name="0">'
        b'<attr key="typeIdentifier" type="string">EVTS</attr><node name="info">'
        b'<attr key="sizeX" type="int">128</attr><attr key="sizeY" type="int">128</attr>'
        b"</node></node></node></dv>"
    )
    header = struct.pack("<I4s5H2xiII", 20, b"IOHE", 10, 8, 0, 0, 4, 12, 4, len(description))
    header += description + b"\0"
    packet = struct.pack("<I4s3H2xiII", 16, b"EVTS", 6, 8, 4, 8, 4, len(events))
    packet += b"".join(struct.pack("<qhhB3x", t, x, y, p) for x, y, p, t in events)
    packet = struct.pack("<I", len(packet)) + packet
    head = b"#!AER-DAT4.0\r\n" + struct.pack("<I", len(header)) + header
    return head + struct.pack("<II", 0, len(packet)) + packet


@pytest.fixture
def root(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve recordings a class, of which two are held out."""
    monkeypatch.setattr(cifar10dvs, "HELD_OUT", 2)
    for label, name in enumerate(cifar10dvs.CLASSES):
        (folder / "CIFAR10DVS" / name).mkdir(parents=True)
        for number in range(12):
            path = folder / "CIFAR10DVS" / name / f"cifar10_{name}_{number}.aedat"
            path.write_bytes(aedat((8 * label, 8 * number, 1, 1_000), (127, 127, 0, 1_300_999)))
    return folder / "CIFAR10DVS"


def test_recordings_are_read_and_split_by_number(root: Path) -> None:
    data = find_dataset("cifar10dvs").load(2)
    assert data.train_x.shape == (100, 2, 2, 48, 48)
    assert data.test_x.shape == (20, 2, 2, 48, 48)
    for x, y, numbers in (
        (data.test_x, data.test_y, (0, 2)),
        (data.train_x, data.train_y, (2, 12)),
    ):
        for index, sample in enumerate(x):
            turn, label = divmod(index, 10)
            assert y[index] == label
            row, column = 3 * (numbers[0] + turn), 3 * label
            assert np.argwhere(sample).tolist() == [[0, 1, row, column], [1, 0, 47, 47]]
        assert len(y) == 10 * (numbers[1] - numbers[0])


def test_the_other_format_holds_the_same(root: Path) -> None:
    pytest.importorskip("aedat")
    expected = find_dataset("cifar10dvs").load(3)
    for label, name in enumerate(cifar10dvs.CLASSES):
        for number in range(12):
            path = root / name / f"cifar10_{name}_{number}.aedat"
            events = (8 * label, 8 * number, 1, 1_000), (127, 127, 0, 1_300_999)
            path.with_suffix(".aedat4").write_bytes(aedat4(*events))
            path.unlink()
    shutil.rmtree(root.parent / "eideploy-cache")
    data = find_dataset("cifar10dvs").load(3)
    assert np.array_equal(data.train_x, expected.train_x)
    assert np.array_equal(data.test_x, expected.test_x)
    (root / "frog" / "cifar10_frog_7.aedat4").write_bytes(b"#!AER-DAT2.0")
    with pytest.raises(InputError, match=r"cifar10_frog_7\.aedat4 cannot be read"):
        find_dataset("cifar10dvs").load(2)


def test_a_file_is_damaged(root: Path) -> None:
    path = root / "horse" / "cifar10_horse_11.aedat"
    intact = path.read_bytes()
    for data in (intact[:-3], b"", HEADER, intact.removeprefix(HEADER)):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"cifar10_horse_11\.aedat cannot be read"):
            find_dataset("cifar10dvs").load(2)


def test_a_class_is_incomplete(root: Path) -> None:
    for path in sorted((root / "cat").iterdir())[2:]:
        path.unlink()
    with pytest.raises(InputError, match="2 recordings of a class or fewer"):
        find_dataset("cifar10dvs").load(2)


@pytest.mark.skipif(importlib.util.find_spec("aedat") is not None, reason="aedat is installed")
def test_what_reads_the_other_format_is_missing(root: Path) -> None:
    path = root / "frog" / "cifar10_frog_3.aedat"
    path.rename(path.with_suffix(".aedat4"))
    with pytest.raises(MissingComponentError, match=r"\.aedat4 files.*\npip install aedat"):
        find_dataset("cifar10dvs").load(2)
