"""Archives that claim more than they hold are refused before memory is taken."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from eideploy.errors import InputError
from eideploy.program import load_program
from eideploy.program.archive import read_arrays


def member(shape: tuple[int, ...], descr: str, content: bytes, version: int = 1) -> bytes:
    """An array file whose header says what it likes."""
    header = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    header += b" " * (63 - len(header) % 64) + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + content


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def claim_size(path: Path, size: int) -> None:
    """Change the uncompressed size in the directory at the end of an archive of one member."""
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", size)
    path.write_bytes(content)


@pytest.mark.parametrize("version", [1, 2])
def test_arrays_come_back(version: int, tmp_path: Path) -> None:
    values = np.arange(6, dtype="<i8").reshape(2, 3)
    path = archive(tmp_path / "a.npz", {"x.npy": member((2, 3), "<i8", values.tobytes(), version)})
    arrays = read_arrays(path)
    assert list(arrays) == ["x"]
    assert np.array_equal(arrays["x"], values)
    np.savez_compressed(path, a=np.ones((3, 0)), b=np.float32(2), c=np.zeros((4, 5), bool))
    assert {n: (a.shape, a.dtype.kind) for n, a in read_arrays(path).items()} == {
        "a": ((3, 0), "f"),
        "b": ((), "f"),
        "c": ((4, 5), "b"),
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (member((10**15,), "<f8", b"\0" * 64), "claims 8,000,000,000,000,000 bytes"),
        (member((2**62, 4), "<f8", b""), "claims"),
        (member((2,), "<f8", b"\0" * 24), "claims 16 bytes of values, holds 24"),
        (member((3,), "|O", b"\0" * 24), "pickled objects, which are never loaded"),
        (member((1,), "<f8", b"\0" * 8, version=3), "version"),
        (b"not an array", "magic string"),
    ],
)
def test_a_claim_that_is_not_kept_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", {"header.npy": content})
    with pytest.raises(ValueError, match=words):
        read_arrays(path)
    with pytest.raises(InputError, match="is damaged"):
        load_program(path)


def test_a_member_cannot_be_larger_than_what_is_packed(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", {"x.npy": member((2**28,), "<f8", b"\0" * 64)})
    claim_size(path, 2**31 + 128)
    with pytest.raises(ValueError, match=r"x\.npy claims 2,147,483,776 bytes"):
        read_arrays(path)


def test_members_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    """As in archives whose directory names the same bytes a thousand times over."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("0.npy", member((2**17,), "<f8", b"\0" * 2**20))
        entry = file.getinfo("0.npy")
        for index in range(1, 50):
            twin = zipfile.ZipInfo(f"{index}.npy")
            for field in ("compress_type", "CRC", "compress_size", "file_size", "header_offset"):
                setattr(twin, field, getattr(entry, field))
            file.filelist.append(twin)
    path = tmp_path / "a.npz"
    path.write_bytes(content.getvalue())
    with pytest.raises(ValueError, match="claim more bytes than the file has"):
        read_arrays(path)
