"""Whether a folder holds what its manifest says, all of it and nothing else."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from eideploy.bundle.manifest import (
    GRAPH,
    PROGRAM,
    STIMULUS,
    FileSeal,
    Manifest,
    altered,
    decode,
)
from eideploy.errors import InputError

MANIFEST = "manifest.json"

_LARGEST_MANIFEST = 2**20
_PIECE = 2**20


def is_bundle(path: Path) -> bool:
    """Whether a folder is, or once was, a bundle; not whether it is intact."""
    parts = (path / GRAPH, path / PROGRAM, path / STIMULUS)
    return os.path.lexists(path / MANIFEST) or all(map(os.path.lexists, parts))


def seal(path: Path) -> FileSeal:
    """Size and hash of a file."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return FileSeal(bytes=size, sha256=digest.hexdigest())


def open_manifest(folder: Path, digest: str | None = None) -> Manifest:
    """The manifest of a bundle in which every byte of every file is as it was recorded.

    Args:
        folder: the bundle.
        digest: that it has to have, as `eideploy record` printed it.

    Raises:
        InputError: it is no bundle, has another digest, or was altered; names the file.
    """
    try:
        found = _files(folder)
        if MANIFEST not in found:
            raise InputError(
                f"{folder} has no {MANIFEST}, so it is no bundle",
                "Give a folder that `eideploy record` wrote.",
            )
        if found[MANIFEST] > _LARGEST_MANIFEST:
            raise altered(str(folder / MANIFEST), f"has {found[MANIFEST]:,} bytes")
        manifest = decode((folder / MANIFEST).read_bytes(), str(folder / MANIFEST))
        if digest is not None and manifest.digest != digest.lower():
            raise InputError(
                f"{folder} has digest {manifest.digest}, expected {digest}",
                "It is another bundle than the one that was recorded, or all of it was rewritten.",
            )
        _compare(folder, manifest, found)
    except OSError as error:
        raise InputError(
            f"cannot read {error.filename or folder}: {error.strerror}",
            "Check that it is a folder, and that all in it may be read.",
        ) from error
    return manifest


def _files(folder: Path) -> dict[str, int]:
    """Size of every file below a folder, by its path there; nothing else may be in it."""
    found: dict[str, int] = {}
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        if not entries and here != folder:
            raise altered(str(here), "is an empty folder, which is not part of the bundle")
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                waiting.append(Path(entry.path))
            elif stat.S_ISREG(status.st_mode):
                found[Path(entry.path).relative_to(folder).as_posix()] = status.st_size
            else:
                raise altered(entry.path, "is a link or a device, expected a file")
    return found


def _compare(folder: Path, manifest: Manifest, found: dict[str, int]) -> None:
    """Raise `InputError` at the first file that is not as the manifest says."""
    for name in sorted(manifest.files.keys() | (found.keys() - {MANIFEST})):
        where = str(folder / name)
        if name not in manifest.files:
            raise altered(where, "is not part of the bundle")
        if name not in found:
            raise altered(where, "is missing")
        expected = manifest.files[name]
        if found[name] != expected.bytes:
            raise altered(where, f"has {found[name]:,} bytes, expected {expected.bytes:,}")
        if seal(folder / name) != expected:
            raise altered(where, "its SHA-256 is not that of the manifest")
