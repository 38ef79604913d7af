"""The pictures of a training: curves over epochs, and histograms of layers as small multiples.

They hold no names but those of nodes and symbols; what a user calls things belongs into the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eideploy.page.figure import BLUE, GRID, INK, MUTED, ORANGE, data_uri, figure
from eideploy.train.data import Array
from eideploy.train.plots.histogram import Histogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 10.4
"""Of every picture, in inches; a page shows it about as wide as it shows text of ten points."""

DENSE = 40
"""Panels beyond which a picture is made of pixels: vectors would be slow and no sharper."""


class Line:
    """Dashes that several pictures share."""

    dashed = (0, (5, 4))
    dotted = (0, (1, 2))


def curves(epochs: Sequence[Mapping[str, Any]], rates: Array, expected: float | None) -> str:
    """Loss, accuracy and learning rate over the epochs, side by side.

    Args:
        epochs: rows with `epoch`, `loss`, `train_accuracy` and `test_accuracy` in %.
        rates: learning rate at points spread evenly over the training, [point].
        expected: test accuracy in % that the recipe promises; dashed.

    Returns:
        A data URI.
    """
    ends = [row["epoch"] for row in epochs]
    marker = "o" if len(ends) < 3 else ""
    with figure(WIDTH, 2.7, ncols=3) as (picture, (loss, accuracy, rate)):
        loss.plot(ends, _column(epochs, "loss"), color=INK, marker=marker)
        loss.set(ylabel="cross-entropy, nats")
        if expected is not None:
            accuracy.axhline(expected, color=MUTED, linestyle=Line.dashed, linewidth=1.2)
        accuracy.plot(ends, _column(epochs, "train_accuracy"), color=BLUE, marker=marker)
        accuracy.plot(ends, _column(epochs, "test_accuracy"), color=ORANGE, marker=marker)
        accuracy.set(ylabel="accuracy, %")
        rate.plot(np.linspace(0, len(ends), len(rates)), rates, color=INK)
        rate.set(ylabel="learning rate", ylim=(0, None))
        rate.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=True)
        for axes in (loss, accuracy, rate):
            _over_epochs(axes, len(ends))
        return data_uri(picture)


def layer_curves(
    epochs: Sequence[Mapping[str, Any]], panels: Mapping[str, tuple[str, float]]
) -> str:
    """What the layers did over the epochs, a panel for each quantity and a line for each layer.

    Args:
        epochs: rows with `epoch` and `layers`, {name: {quantity: value}}.
        panels: by quantity its label and a factor to show it in the unit of the label.

    Returns:
        A data URI.
    """
    ends = [row["epoch"] for row in epochs]
    names = {
        quantity: [name for name, seen in epochs[-1]["layers"].items() if quantity in seen]
        for quantity in panels
    }
    rows = max(len(found) for found in names.values())
    with figure(WIDTH, max(2.9, 0.9 + 0.21 * rows), ncols=len(panels)) as (picture, all_axes):
        for axes, (quantity, (label, factor)) in zip(all_axes, panels.items(), strict=True):
            colours = _by_depth(len(names[quantity]))
            for name, colour in zip(names[quantity], colours, strict=True):
                values = [
                    row["layers"].get(name, {}).get(quantity, np.nan) * factor for row in epochs
                ]
                axes.plot(
                    ends, values, color=colour, marker="o" if len(ends) < 3 else "", label=name
                )
            axes.set(ylabel=label, ylim=(0, None if axes.dataLim.ymax > 0 else 1))
            _over_epochs(axes, len(ends))
            axes.legend(
                loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8,
                labelcolor=MUTED, handlelength=1.2, labelspacing=0.25,
            )  # fmt: skip
        return data_uri(picture)


@dataclass(frozen=True)
class Cell:
    """One histogram of a picture.

    Attributes:
        histogram: what it shows.
        marks: values that a line marks, with its style.
        zero: what to call values that are exactly 0, whose share is written above.
    """

    histogram: Histogram
    marks: tuple[tuple[float, Any], ...] = ()
    zero: str = "0"


@dataclass(frozen=True)
class Column:
    """A column of histograms: its title, the label of its horizontal axes, and a colour."""

    title: str
    label: str
    colour: str


def small_multiples(rows: Mapping[str, Mapping[str, Cell]], columns: Mapping[str, Column]) -> str:
    """Histograms, a row for each layer and a column for each symbol.

    Every panel has axes of its own: layers differ by orders of magnitude.

    Args:
        rows: the cells of each layer by symbol; a symbol may be missing.
        columns: by symbol.

    Returns:
        A data URI.
    """
    grid = {"nrows": len(rows), "ncols": len(columns), "squeeze": False}
    with figure(WIDTH, 0.75 + 0.78 * len(rows), **grid) as (picture, all_axes):
        picture.set_layout_engine("constrained", h_pad=0.01, w_pad=0.02, hspace=0.02, wspace=0.03)
        for line, (name, cells) in zip(all_axes, rows.items(), strict=True):
            for axes, (symbol, column) in zip(line, columns.items(), strict=True):
                if symbol in cells:
                    _panel(axes, cells[symbol], column.colour)
                else:
                    axes.set_axis_off()
            line[0].text(
                -0.12, 0.5, name, transform=line[0].transAxes, ha="right", va="center",
                color=INK, fontsize=9,
            )  # fmt: skip
        for column, (symbol, about) in zip(all_axes.T, columns.items(), strict=True):
            column[0].set_title(about.title, fontsize=10, color=INK, pad=12)
            filled = [
                axes for axes, cells in zip(column, rows.values(), strict=True) if symbol in cells
            ]
            filled[-1].set_xlabel(about.label, fontsize=8)
        return data_uri(picture, "png" if len(rows) * len(columns) > DENSE else "svg")


def _panel(axes: Axes, cell: Cell, colour: str) -> None:
    from matplotlib.ticker import MaxNLocator

    histogram = cell.histogram
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.tick_params(labelsize=7.5, length=2, pad=1.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=3, min_n_ticks=2))
    if histogram.counts.size:
        axes.stairs(histogram.counts, histogram.edges, fill=True, color=colour, alpha=0.85)
        axes.set_xlim(*_limits(histogram, [mark for mark, _ in cell.marks]))
        for mark, style in cell.marks:
            shade = ORANGE if colour == INK else INK
            axes.axvline(mark, color=shade, linestyle=style, linewidth=1.3)
    else:
        axes.set_xticks([])
    axes.set_ylim(0, None)
    if histogram.zeros:
        axes.text(
            1.0, 1.0, f"{cell.zero}: {percent(histogram.zero_share)} %", fontsize=7.5, color=INK,
            transform=axes.transAxes, ha="right", va="top",
        )  # fmt: skip


def _limits(histogram: Histogram, marks: Sequence[float]) -> tuple[float, float]:
    """What the horizontal axis spans: the bins, and marks unless they would squeeze the bins."""
    low, high = float(histogram.edges[0]), float(histogram.edges[-1])
    near = [mark for mark in marks if low - (high - low) < mark < high + (high - low)]
    low, high = min(low, *near, high), max(high, *near, low)
    margin = 0.03 * (high - low)
    return low - (margin if low else 0.0), high + margin


def percent(share: float) -> str:
    """A share in %, in at most five characters; 0 and 100 are exact."""
    value = share * 100
    if value in (0, 100):
        return f"{value:.0f}"
    return "<0.1" if value < 0.1 else ">99.9" if value > 99.9 else f"{value:.1f}"


def _column(epochs: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [row.get(name, np.nan) for row in epochs]


def _by_depth(count: int) -> Any:
    """Colours from the first layer, dark, to the last, light."""
    from matplotlib import colormaps

    return colormaps["viridis"](np.linspace(0, 0.8, count))


def _over_epochs(axes: Axes, epochs: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.set(xlabel="epoch", xlim=(0, max(epochs, 1) * 1.02))
