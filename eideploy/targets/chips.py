"""Chips by name, found by entry point, or by the file that describes one."""

from __future__ import annotations

import difflib
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from eideploy.compile.chip import Chip, parse_chip
from eideploy.errors import InputError

GROUP = "eideploy.chips"


def chip_names() -> tuple[str, ...]:
    """Names of all chips that are described, sorted."""
    return tuple(sorted(_found()))


def load_chip(name: str) -> Chip:
    """The chip called `name`, or the one that the YAML file `name` describes.

    Raises:
        InputError: there is no such chip, or the file cannot be read or does not describe one.
    """
    if name.endswith((".yaml", ".yml")):
        try:
            return parse_chip(Path(name).read_text(encoding="utf-8"), name)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{name} cannot be read: {error}") from error
    found = _found()
    if name not in found:
        near = difflib.get_close_matches(name, found, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise InputError(
            f"there is no chip {name!r}",
            f"{hint}Described: {', '.join(sorted(found))}; or give a .yaml file.",
        )
    chip: Chip = found[name].load()()
    return chip


def _found() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
