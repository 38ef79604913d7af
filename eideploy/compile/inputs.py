"""Input nodes as sources of a Program, and the metadata of NIR as plain values."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np

from eideploy.errors import GraphError
from eideploy.program import Source

_RANGE = ("low", "high", "levels")
"""Metadata of an Input node that say what comes in."""


def input_source(name: str, node: nir.Input) -> Source:
    """Range of an input from the node's metadata; without it, values from 0 to 1."""
    known = {key: plain(value) for key, value in node.metadata.items() if key in _RANGE}
    try:
        low, high = float(known.get("low", 0.0)), float(known.get("high", 1.0))
        levels = int(known.get("levels", 0))
    except (TypeError, ValueError, OverflowError) as error:
        raise GraphError(f"node {name!r}: its range {known} is not made of numbers") from error
    if not low <= high:
        raise GraphError(
            f"node {name!r}: its values range from {low:g} to {high:g}, which is nothing",
            "Write the smallest as `low` and the largest as `high` into its metadata.",
        )
    return Source(minimum=low, maximum=high, levels=levels)


def plain(value: Any) -> Any:
    """NIR metadata as plain JSON values."""
    if isinstance(value, bytes):
        return value.decode("utf8", "replace")
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
