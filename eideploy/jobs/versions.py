"""Versions of what results depend on."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from eideploy import __version__
from eideploy.errors import InputError
from eideploy.installed import version

COMPARED = ("numpy", "torch")
"""Distributions on which results may depend."""


def versions() -> dict[str, str]:
    """Versions by name, as they are here."""
    found = {"eideploy": __version__, "Python": ".".join(map(str, sys.version_info[:2]))}
    return found | {name: version(name) or "none" for name in COMPARED}


def check(expected: Mapping[str, str]) -> None:
    """Raise `InputError` unless the versions here are those that are expected."""
    here = versions()
    differing = [
        f"{name} {here.get(name, 'none')} instead of {wanted}"
        for name, wanted in expected.items()
        if here.get(name) != wanted
    ]
    if differing:
        raise InputError(
            f"a worker has {', '.join(differing)}: what it finds could not be compared",
            "Install the same versions on the workers as here.",
        )
