"""Two pictures as self-contained SVG: spikes of a population, and one membrane potential.

The pictures hold no names, only axes and numbers: names come from users and belong into the page.
matplotlib is imported when the first picture is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eideploy.page.figure import (
    BLUE,
    GRID,
    INK,
    MUTED,
    ORANGE,
    PALE_BLUE,
    PALE_ORANGE,
    data_uri,
    figure,
)
from eideploy.program import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BEFORE, AFTER = BLUE, ORANGE
BEFORE_PALE, AFTER_PALE = PALE_BLUE, PALE_ORANGE
HIGHLIGHT = "#fff3cd"


def raster(own: Array, other: Array, *, first_neuron: int, first_step: int, before: bool) -> str:
    """Spikes [step, neuron] of one side, with what differs from the other side in colour.

    Dark: both spike. Strong colour: only this side spikes. Pale colour of the other side: only the
    other one does.

    Args:
        own: spikes of the side that is drawn.
        other: spikes of the side that it is compared with.
        first_neuron: index of the first neuron, for the axis.
        first_step: index of the first step, for the axis.
        before: whether `own` is the first side of the comparison, which is blue, or the second.

    Returns:
        A data URI.
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.ticker import MaxNLocator

    steps, neurons = own.shape
    kinds = np.where(own, np.where(other, 1, 2), np.where(other, 3, 0))
    colours = [BEFORE, AFTER_PALE] if before else [AFTER, BEFORE_PALE]
    height = float(np.clip(0.9 + neurons / 28, 1.3, 4.4))
    with _steps(5.2, height) as (picture, axes):
        axes.imshow(
            kinds.T,
            cmap=ListedColormap(["white", INK, *colours]),
            vmin=0,
            vmax=3,
            aspect="auto",
            interpolation="nearest",
            origin="lower",
            extent=(
                first_step - 0.5,
                first_step + steps - 0.5,
                first_neuron - 0.5,
                first_neuron + neurons - 0.5,
            ),
        )
        # White lines part the bins where there is room for them; sizes are in points.
        width, bin_height = 340 / steps, 55 * height / neurons
        if width > 3:
            edges = first_step - 0.5 + np.arange(steps + 1)
            axes.vlines(edges, *axes.get_ylim(), colors="white", linewidth=min(1.5, width / 4))
        if bin_height > 3:
            edges = first_neuron - 0.5 + np.arange(neurons + 1)
            axes.hlines(edges, *axes.get_xlim(), colors="white", linewidth=min(1.5, bin_height / 4))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=9, integer=True, min_n_ticks=1))
        axes.set(xlabel="step", ylabel="neuron")
        return data_uri(picture)


class Curve(NamedTuple):
    """One variable of one neuron.

    Args:
        values: [step].
        threshold: θ in the same units; None if there is none.
    """

    values: Array
    threshold: float | None


def membrane(before: Curve, after: Curve, *, first_step: int, divergence: int, label: str) -> str:
    """One variable of one neuron on both sides, as tested, around the step in which they part.

    Thresholds are dashed: grey if both sides have the same, else each in the colour of its side.

    Args:
        before: the first side, blue.
        after: the second side, orange.
        first_step: index of the first step, for the axis.
        divergence: step in which the sides part, shaded.
        label: what the vertical axis shows.

    Returns:
        A data URI.
    """
    steps = np.arange(first_step, first_step + len(before.values))
    same = before.threshold == after.threshold
    with _steps(9.2, 3.0) as (picture, axes):
        axes.axvspan(divergence - 0.5, divergence + 0.5, color=HIGHLIGHT, linewidth=0)
        for curve, colour, size in ((before, BEFORE, 6.5), (after, AFTER, 3.5)):
            if curve.threshold is not None:
                shade = MUTED if same else colour
                axes.axhline(curve.threshold, color=shade, linestyle=(0, (5, 4)), linewidth=1.2)
            # The second line is thinner, so that the first shows beside it where they agree.
            axes.plot(steps, curve.values, color=colour, marker="o", ms=size, lw=size / 3)
        axes.grid(axis="y", color=GRID, linewidth=0.8)
        axes.set(xlabel="step", ylabel=label)
        axes.set_xlim(steps[0] - 0.5, steps[-1] + 0.5)
        return data_uri(picture)


@contextmanager
def _steps(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """An empty figure whose horizontal axis counts steps."""
    from matplotlib.ticker import MaxNLocator

    with figure(width, height) as (picture, axes):
        axes.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True, min_n_ticks=1))
        yield picture, axes
