"""Targets by name, found by entry point and imported only when they are named."""

from __future__ import annotations

import difflib
from importlib.metadata import EntryPoint, entry_points

from eideploy.errors import InputError, MissingComponentError
from eideploy.targets.protocol import Target

GROUP = "eideploy.targets"


def target_names() -> tuple[str, ...]:
    """Names of all installed targets, sorted; nothing is imported."""
    return tuple(sorted(_found()))


def load_target(name: str) -> Target:
    """Import and make the target called `name`.

    Raises:
        InputError: there is no such target, or it does not follow the `Target` protocol.
        MissingComponentError: its code cannot be imported.
    """
    found = _found()
    if name not in found:
        near = difflib.get_close_matches(name, found, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise InputError(
            f"there is no target {name!r}", f"{hint}Installed: {', '.join(sorted(found))}."
        )
    try:
        target = found[name].load()()
    except ImportError as error:
        raise MissingComponentError(
            f"target {name!r} cannot be imported: {error}",
            "Install what is missing, or uninstall the package that announces this target.",
        ) from error
    if not isinstance(target, Target):
        raise InputError(
            f"target {name!r} ({found[name].value}) does not follow the Target protocol"
        )
    return target


def require(target: Target) -> None:
    """Raise `MissingComponentError` unless `target` can run here."""
    availability = target.available()
    if not availability.ok:
        raise MissingComponentError(
            f"target {target.name!r} cannot run here: {availability.reason}", availability.remedy
        )


def _found() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
