"""Arrays of real numbers in the fields of a node."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
from numpy.typing import NDArray

from eideploy.errors import GraphError

Array = NDArray[Any]


def real_numbers(node: nir.NIRNode, field: str) -> Array:
    """A field as an array of real numbers; raises a GraphError if it holds anything else."""
    array = np.asarray(getattr(node, field))
    if array.dtype.kind not in "fiu":
        raise GraphError(
            f"{type(node).__name__}: {field} has dtype {array.dtype}, expected real numbers"
        )
    return array


def check_finite(kind: str, field: str, values: Array) -> None:
    """Raise a GraphError that counts the NaN and infinite numbers of `values`, if there are any."""
    bad = int(np.size(values) - np.count_nonzero(np.isfinite(values)))
    if bad:
        raise GraphError(
            f"{kind}: {field} holds {bad} NaN or infinite of {np.size(values)} values",
            "Train or export again; a network with such values cannot run.",
        )
