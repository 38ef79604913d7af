"""Versions of what is installed here, on which results may depend."""

from __future__ import annotations

import platform
from importlib import metadata


def version(distribution: str) -> str | None:
    """The version of a distribution, or None where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def environment(*distributions: str) -> dict[str, str]:
    """Versions by name: of Python, of the platform, and of those distributions that are there."""
    found = {name: version(name) for name in distributions}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{name: number for name, number in found.items() if number is not None},
    }
