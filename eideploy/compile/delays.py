"""Delay nodes in steps."""

from __future__ import annotations

import nir
import numpy as np

from eideploy.program import Array


def delay_steps(node: nir.Delay, dt: float | None) -> Array:
    """Delay of each neuron in steps, the nearest whole number to delay / dt.

    Args:
        node: the node.
        dt: step in seconds; None stands for 1, as everywhere in a graph without time constants.
    """
    seconds = np.asarray(node.delay, dtype=np.float64)
    return np.rint(seconds if dt is None else seconds / dt).astype(np.int64)
