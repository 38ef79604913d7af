"""What is measured: the digits_mlp network after a few epochs, and held-out digits."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import nir

from eideploy.program import Stimulus
from eideploy.train import load_recipe, override, to_graph, train

RECIPE = "digits_mlp"
EPOCHS = 2  # enough for the firing rates of a network that works


@dataclass(frozen=True)
class Subject:
    """A trained network as NIR, and what is shown to it."""

    graph: nir.NIRGraph
    stimulus: Stimulus


def trained_subject(samples: int) -> Subject:
    """Train in a folder that is gone afterwards."""
    recipe = override(load_recipe(RECIPE), [f"training.epochs={EPOCHS}"])
    with tempfile.TemporaryDirectory() as folder:
        run = train(recipe, Path(folder) / "run", progress=False)
        graph = to_graph(run)
        values, labels = run.samples()
    (name,) = graph.inputs
    return Subject(graph, Stimulus({name: values[:samples]}, labels[:samples]))
