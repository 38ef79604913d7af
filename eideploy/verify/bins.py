"""Counting what differs between two arrays, a block of samples at a time.

Arrays are [sample, step, *shape]. Only one block of truth values exists at any time, so that
comparing needs little memory beside the traces themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from eideploy.program import Array

TOLERANCE = 1e-9
"""Two float values are equal within this times max(1, |value|): they may be summed in any order."""

BLOCK_BINS = 1 << 18
"""Bins in a block (more only if a single sample has more); a few of its arrays fit in a cache."""


@dataclass(frozen=True, eq=False)
class Excuse:
    """Bins of one population that may differ because of a tie.

    Args:
        since: for each sample [sample] the first step from which all bins are excused.
        bins: rows of sample, step, neuron [bin, 3] that are excused besides.
    """

    since: Array
    bins: Array


@dataclass(frozen=True)
class Tally:
    """What differs between two arrays.

    Args:
        differing: values that differ and are not excused.
        excused: values that differ and are.
        first: step, sample and neuron of the first value that differs and is not excused.
    """

    differing: int
    excused: int
    first: tuple[int, int, int] | None


def blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Slices of samples that cover an array of `shape`, each of about `BLOCK_BINS` bins."""
    size = max(1, BLOCK_BINS // max(1, math.prod(shape[1:])))
    for start in range(0, shape[0], size):
        yield slice(start, min(start + size, shape[0]))


def unequal(before: Array, after: Array, floating: bool) -> Array:
    """Where two arrays differ: at all, or, if `floating`, by more than the tolerance.

    A NaN equals nothing.
    """
    different: Array = before != after
    if floating and different.any():
        a, b = before[different].astype(np.float64), after[different].astype(np.float64)
        with np.errstate(invalid="ignore"):
            scale = np.maximum(1, np.maximum(np.abs(a), np.abs(b)))
            different[different] = ~(np.abs(a - b) <= TOLERANCE * scale)
    return different


def tally(before: Array, after: Array, *, floating: bool, excuse: Excuse | None = None) -> Tally:
    """Count the values that differ, and find the first.

    Args:
        before: [sample, step, *shape].
        after: the same shape.
        floating: whether to allow for another order of summation.
        excuse: bins that are counted apart.
    """
    differing = excused = 0
    first: tuple[int, int, int] | None = None
    for block in blocks(before.shape):
        different = unequal(before[block], after[block], floating)
        different = different.reshape(*different.shape[:2], -1)
        total = int(np.count_nonzero(different))
        if not total:
            continue
        if excuse is not None:
            _forgive(different, excuse, block)
        left = int(np.count_nonzero(different))
        differing, excused = differing + left, excused + total - left
        if left:
            found = _first(different, block.start)
            first = min(first or found, found)
    return Tally(differing, excused, first)


def _forgive(different: Array, excuse: Excuse, block: slice) -> None:
    """Clear what is excused in a block [sample, step, neuron]."""
    steps = np.arange(different.shape[1])
    different &= (steps < excuse.since[block, None])[:, :, None]
    inside = excuse.bins[(excuse.bins[:, 0] >= block.start) & (excuse.bins[:, 0] < block.stop)]
    different[inside[:, 0] - block.start, inside[:, 1], inside[:, 2]] = False


def _first(different: Array, offset: int) -> tuple[int, int, int]:
    step = int(different.any(axis=(0, 2)).argmax())
    sample = int(different[:, step].any(axis=1).argmax())
    return step, sample + offset, int(different[sample, step].argmax())
