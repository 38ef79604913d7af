"""The one array type that Programs and Traces are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eideploy.errors import InputError

Array = NDArray[Any]
"""A NumPy array, in a Program of float64 or int64."""


def widened(values: Any) -> Array:
    """A read-only copy in float64 or int64, so that no arithmetic on it overflows a narrow type.

    Raises:
        InputError: `values` are not real numbers.
    """
    array = np.array(values)
    if array.dtype.kind not in "biuf":
        raise InputError(f"expected real numbers, got an array of dtype {array.dtype}")
    array = array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
    array.flags.writeable = False
    return array


def broadcasts_to(values: Array, shape: tuple[int, ...]) -> bool:
    """Whether `values` can stand for one value per neuron of a population of `shape`."""
    try:
        return np.broadcast_shapes(values.shape, shape) == shape
    except ValueError:
        return False
