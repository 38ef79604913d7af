"""Histograms of more values than fit into memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Array = npt.NDArray[Any]

BINS = 48
"""Bins of a histogram, where there are values enough to fill them."""

TAIL = 0.005
"""Share of the values on each side that may lie outside of the bins."""

_LOOKED_AT = 100_000


@dataclass(frozen=True, eq=False)
class Histogram:
    """How values are distributed; those that are exactly 0 are counted apart.

    Attributes:
        edges: of the bins, [bins + 1]; empty where every value is 0.
        counts: finite values other than 0 in each bin, [bins].
        zeros: values that are exactly 0.
        outside: finite values beyond the bins.
        not_finite: NaN and infinite values.
        total: all values.
        mean: of the finite values; 0 if there is none.
    """

    edges: Array
    counts: Array
    zeros: int
    outside: int
    not_finite: int
    total: int
    mean: float

    @property
    def zero_share(self) -> float:
        """Share of values that are exactly 0, 0 … 1."""
        return self.zeros / self.total if self.total else 0.0


class Accumulator:
    """Counts values batch by batch; the first batch that has any but 0 decides what the bins are.

    They reach from its quantile `TAIL` to its quantile 1 − `TAIL`; and from 0 where that is not far
    from values that are all positive.
    """

    def __init__(self) -> None:
        self._edges: Array = np.empty(0)
        self._counts: Array = np.empty(0, dtype=np.int64)
        self._zeros = self._not_finite = self._total = 0
        self._sum = 0.0

    def add(self, values: Tensor) -> Accumulator:
        """Count more values, of any shape; returns itself."""
        values = values.detach().flatten()
        finite = values[values.isfinite()]
        valued = finite[finite != 0]
        if len(valued) and not self._edges.size:
            self._edges = _bins(valued)
            self._counts = np.zeros(len(self._edges) - 1, dtype=np.int64)
        if self._edges.size:
            low, high = float(self._edges[0]), float(self._edges[-1])
            counts = torch.histc(valued, len(self._counts), low, high)
            self._counts += counts.cpu().numpy().astype(np.int64)
        self._zeros += len(finite) - len(valued)
        self._not_finite += len(values) - len(finite)
        self._total += len(values)
        self._sum += finite.sum(dtype=torch.float64).item()
        return self

    def histogram(self) -> Histogram:
        """What was counted so far."""
        finite = self._total - self._not_finite
        return Histogram(
            edges=self._edges,
            counts=self._counts.copy(),
            zeros=self._zeros,
            outside=finite - self._zeros - int(self._counts.sum()),
            not_finite=self._not_finite,
            total=self._total,
            mean=self._sum / finite if finite else 0.0,
        )


def _bins(values: Tensor) -> Array:
    """Edges for values of which none is 0."""
    few = values[:: max(1, len(values) // _LOOKED_AT)].double().cpu().numpy()
    low, high = (float(edge) for edge in np.quantile(few, [TAIL, 1 - TAIL]))
    if few.min() > 0 and low < high / 4:
        low = 0.0
    if low == high:
        low, high = low - abs(low) / 10, high + abs(high) / 10
    bins = min(BINS, max(8, int(2 * np.sqrt(len(values)))))
    return np.linspace(low, high, bins + 1)
