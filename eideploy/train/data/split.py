"""Which samples are held out, and in which order samples come: by their classes alone."""

from __future__ import annotations

import numpy as np

from eideploy.train.data.dataset import Array


def held_out(labels: Array, every: int) -> Array:
    """Hold out one in so many of the samples sorted by class: the same share of each class.

    Args:
        labels: class of each sample.
        every: one in how many.

    Returns:
        True for each sample that is held out; the same ones everywhere.
    """
    out = np.zeros(len(labels), dtype=bool)
    out[np.argsort(labels, kind="stable")[::every]] = True
    return out


def taking_turns(labels: Array) -> Array:
    """Order in which the classes take turns: the first samples of each, then the second, …

    Files come sorted by class; a beginning of this order holds all classes alike.
    """
    by_class = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    turn = np.empty(len(labels), dtype=np.int64)
    turn[by_class] = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.lexsort((labels, turn))
