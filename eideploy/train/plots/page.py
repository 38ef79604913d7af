"""One page about a training: curves, layers, weights and currents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch

from eideploy import __version__
from eideploy.errors import EideployError
from eideploy.files import write_text
from eideploy.page import render
from eideploy.page.figure import BLUE, INK, MUTED, ORANGE
from eideploy.train.cost import cost_of
from eideploy.train.data import Array
from eideploy.train.optimizer import make_schedule
from eideploy.train.place import PAGE
from eideploy.train.plots.histogram import Accumulator
from eideploy.train.plots.measure import Activity, Layer, Progress, activity_of, layers_of
from eideploy.train.plots.pictures import (
    Cell,
    Column,
    Line,
    curves,
    layer_curves,
    percent,
    small_multiples,
)
from eideploy.train.recipe import Recipe
from eideploy.train.run import Run

SAMPLES = 256
"""Test samples that currents are measured on, at most."""

OPERATIONS = 6e10
"""Synaptic operations that they may take, some ten seconds; deep networks are shown fewer samples,
of which they make as many values."""

_WEIGHTS = {
    "W_EE": Column("$W_{EE}$", "weight", BLUE),
    "W_IE": Column("$W_{IE}$", "weight", BLUE),
    "W_EI": Column("$W_{EI}$", "weight", ORANGE),
    "g_I": Column("$g_I$", "gain", ORANGE),
    "g_E": Column("$g_E$", "gain", BLUE),
    "W": Column("$W$", "weight", INK),
    "γ": Column("$\\gamma$", "BatchNorm scale", INK),
    "β": Column("$\\beta$", "BatchNorm shift", INK),
    "b": Column("$b$", "bias, threshold units", INK),
}
_CURRENTS = {
    "I": Column("current $I$", "threshold units", INK),
    "B": Column("balanced $B$", "weight × input", BLUE),
    "S": Column("divisor $S$", "weight × input", ORANGE),
    "rate": Column("firing rate", "% of steps, by neuron", MUTED),
}
_LAYER_PANELS = {
    "rate": ("firing rate, % of steps", 100.0),
    "shunt": ("mean divisor S", 1.0),
    "replaced": ("divisors that are 0, %", 100.0),
}


def write_training_report(
    run: Run, path: str | Path | None = None, *, progress: Progress | None = None
) -> Path:
    """Write a page about a run: how training went, and what the layers are like now.

    Curves come from the history of the run, weights from its files, currents from the first test
    samples shown to the network as it was trained, with the adaptive stabilizer. What is not there
    (no history in an imported run, a data set that is not on this machine) is left out, and the
    page says so.

    Args:
        run: frozen or not.
        path: the file to write; `training.html` in the run's directory if not given.
        progress: told how many samples were shown, of how many.

    Returns:
        The file.

    Raises:
        UnsupportedError: a module of the network has no node.
        InputError: weights and recipe do not belong together.
        OutputError: the file cannot be written.
    """
    target = run.path / PAGE if path is None else Path(path)
    write_text(target, to_html(run, progress))
    return target


def to_html(run: Run, progress: Progress | None = None) -> str:
    """The page as text; arguments and errors as for `write_training_report`."""
    network = run.network("adaptive")
    layers = layers_of(network)
    activities: Mapping[str, Activity] = {}
    missing = ""
    cost = cost_of(run.recipe)
    samples = int(OPERATIONS / (cost.synaptic_operations * run.recipe.steps))
    samples = max(8, min(samples, SAMPLES))
    try:
        stimulus = run.samples()[0][:samples]
    except EideployError as error:
        missing = error.what
    else:
        samples = len(stimulus)
        activities = activity_of(network, layers, stimulus, progress)
    epochs = run.metrics.get("epochs", [])
    return render(
        files(__package__).joinpath("training.html.j2").read_text("utf-8"),
        {"percent": percent},
        version=__version__,
        run=run,
        recipe=run.recipe,
        cost=cost,
        epochs=epochs,
        curves=_curves(run.recipe, epochs),
        layer_curves=_layer_curves(epochs),
        circuits=any("W_EE" in layer.weights for layer in layers),
        layers=[(layer, activities.get(layer.name)) for layer in layers],
        weights=_weights(layers),
        currents=_currents(run, layers, activities),
        samples=samples,
        missing=missing,
    )


def _curves(recipe: Recipe, epochs: Sequence[Mapping[str, Any]]) -> str | None:
    expected = recipe.expected.accuracy if recipe.expected else None
    return curves(epochs, _learning_rates(recipe), expected) if epochs else None


def _learning_rates(recipe: Recipe, points_per_epoch: int = 20) -> Array:
    """Learning rate at points spread evenly over the training, the last one at its end."""
    lr, epochs = recipe.optimizer.lr, recipe.training.epochs
    steps = epochs * points_per_epoch
    optimizer = torch.optim.SGD([torch.zeros(())], lr=lr)
    schedule = make_schedule(optimizer, recipe.schedule, lr=lr, epochs=epochs, steps=steps)
    (factor,) = schedule.lr_lambdas
    return lr * np.array([factor(step) for step in range(steps + 1)])


def _layer_curves(epochs: Sequence[Mapping[str, Any]]) -> str | None:
    rows = [row for row in epochs if row.get("layers")]
    if not rows:
        return None
    seen = {quantity for values in rows[-1]["layers"].values() for quantity in values}
    panels = {quantity: _LAYER_PANELS[quantity] for quantity in _LAYER_PANELS if quantity in seen}
    return layer_curves(rows, panels)


def _weights(layers: Sequence[Layer]) -> str:
    rows = {
        layer.name: {symbol: Cell(values) for symbol, values in layer.weights.items()}
        for layer in layers
    }
    return small_multiples(rows, _columns(rows, _WEIGHTS))


def _currents(run: Run, layers: Sequence[Layer], activities: Mapping[str, Activity]) -> str | None:
    if not activities:
        return None
    floors = run.floors or {}
    rows = {}
    for layer in layers:
        activity = activities[layer.name]
        marks: dict[str, tuple[tuple[float, Any], ...]] = {}
        if layer.threshold is not None and layer.tau is not None:
            marks["I"] = (
                (layer.threshold, Line.dashed),
                (layer.threshold / layer.tau, Line.dotted),
            )
        if layer.name in floors:
            marks["S"] = ((floors[layer.name], Line.dotted),)
        cells = {
            symbol: Cell(values, marks.get(symbol, ()))
            for symbol, values in activity.currents.items()
        }
        if activity.rates is not None:
            rates = Accumulator().add(torch.from_numpy(activity.rates * 100)).histogram()
            cells["rate"] = Cell(rates, zero="silent")
        rows[layer.name] = cells
    return small_multiples(rows, _columns(rows, _CURRENTS))


def _columns(
    rows: Mapping[str, Mapping[str, Cell]], columns: Mapping[str, Column]
) -> dict[str, Column]:
    """The columns that some row has a cell in."""
    used = {symbol for cells in rows.values() for symbol in cells}
    return {symbol: column for symbol, column in columns.items() if symbol in used}
