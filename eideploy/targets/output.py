"""In which format a compiled network is written: by the suffix of the file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from eideploy.errors import InputError
from eideploy.program import Program, save_program
from eideploy.targets.protocol import FileFormat, Target

PROGRAM = ".npz"
"""Suffix of a Program, which every target has."""


def writer(target: Target, path: Path) -> Callable[[Program], None]:
    """What writes a Program for `target` to `path`.

    It can be had before there is a Program, so that a name that cannot be is refused at once.

    Raises:
        InputError: the target has no files of that suffix.
    """
    formats: dict[str, Callable[[Path, Program], None]] = {PROGRAM: save_program}
    if isinstance(target, FileFormat):
        formats[target.suffix] = target.write
    if path.suffix not in formats:
        suffixes = " or ".join(sorted(formats))
        raise InputError(
            f"cannot write {path}: for target {target.name!r} the name of the file ends in "
            f"{suffixes}, not in {path.suffix!r}",
            f"Name it {path.stem}{list(formats)[-1]}.",
        )
    return partial(formats[path.suffix], path)
