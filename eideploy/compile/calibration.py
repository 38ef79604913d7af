"""Which weights set a scale: all of them, or all but a few that saturate."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from eideploy.errors import InputError
from eideploy.program import Array

Method = Literal["max", "percentile", "error"]

METHODS: tuple[Method, ...] = get_args(Method)

_CANDIDATES = 2.0 ** -(np.arange(41) / 8)
"""Clippings that are tried, as shares of the largest weight: 1 down to 1/32."""

_BINS = 4096
"""Weights are counted in so many bins: far finer than any of the steps that are tried."""


@dataclass(frozen=True)
class Calibration:
    """How the weights of a projection set its scale, by the population that receives.

    `max`: the largest weight, so that none saturates. `percentile`: the given percentile of all
    magnitudes other than 0. `error`: the magnitude at which the mean square of what rounding and
    saturation change is least.

    Args:
        default: method of the populations that `layers` does not name.
        layers: method by name of the population.
        percentile: of `percentile`, in (0, 100].
    """

    default: Method = "max"
    layers: Mapping[str, Method] = field(default_factory=dict)
    percentile: float = 99.9

    @staticmethod
    def parse(texts: Iterable[str]) -> Calibration:
        """From `METHOD`, for all populations, or `POPULATION=METHOD`, for one; the last one wins.

        Raises:
            InputError: there is no such method.
        """
        default: Method = "max"
        layers: dict[str, Method] = {}
        for text in texts:
            name, _, value = text.rpartition("=")
            method = next((known for known in METHODS if known == value), None)
            if method is None:
                raise InputError(
                    f"--calibration {text}: there is no method {value!r}",
                    f"Give {', '.join(METHODS)}, or POPULATION=METHOD for one population.",
                )
            if name:
                layers[name] = method
            else:
                default = method
        return Calibration(default, layers)

    def check(self, names: Collection[str]) -> None:
        """Raise `InputError` unless all populations of `layers` are among `names`."""
        for name in self.layers:
            if name not in names:
                near = difflib.get_close_matches(name, names, n=1)
                hint = f"Did you mean {near[0]!r}? " if near else ""
                raise InputError(
                    f"the calibration names population {name!r}, which does not exist",
                    f"{hint}There are {', '.join(sorted(names))}.",
                )

    def reach(self, weight: Array, levels: int, population: str) -> float:
        """The magnitude that shall become the largest integer; 0 if all weights are 0.

        Args:
            weight: of a projection, or of one row of it.
            levels: how many steps the largest integer is.
            population: that receives.
        """
        magnitude = np.abs(weight[weight != 0])
        if magnitude.size == 0:
            return 0.0
        match self.layers.get(population, self.default):
            case "percentile":
                return float(np.percentile(magnitude, self.percentile))
            case "error":
                return _least_error(magnitude, levels)
        return float(magnitude.max())


def _least_error(magnitude: Array, levels: int) -> float:
    """The clipping of least mean square error, out of `_CANDIDATES`."""
    largest = float(magnitude.max())
    counts, edges = np.histogram(magnitude, bins=_BINS, range=(0.0, largest))
    centers = (edges[1:] + edges[:-1]) / 2
    used = counts > 0
    counts, centers = counts[used], centers[used]
    steps = largest * _CANDIDATES[:, None] / levels
    rounded = np.minimum(np.rint(centers / steps), levels) * steps
    errors = np.sum(counts * (rounded - centers) ** 2, axis=1)
    return float(largest * _CANDIDATES[np.argmin(errors)])
