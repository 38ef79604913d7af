"""The one array type that Programs and Traces are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""A NumPy array of float64 in float Programs and of a signed integer type in integer ones."""


def broadcasts_to(values: Array, shape: tuple[int, ...]) -> bool:
    """Whether `values` can stand for one value per neuron of a population of `shape`."""
    try:
        return np.broadcast_shapes(values.shape, shape) == shape
    except ValueError:
        return False
