"""Verb `train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eideploy.cli.console import out, print_json, remark
from eideploy.cli.options import Json


def train(
    recipe: Annotated[
        str, typer.Argument(help="Name of a recipe (see `eideploy models`) or a YAML file.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Run directory; default runs/NAME.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a value, as in --set neuron.reset=subtract."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a run that is already there.")
    ] = False,
    json: Json = False,
) -> None:
    """Train a network by a recipe and freeze it for deployment."""
    from eideploy.train import load_recipe, override
    from eideploy.train import train as fit

    chosen = override(load_recipe(recipe), changes or [])
    folder = output or Path("runs") / chosen.name
    run = fit(chosen, folder, overwrite=overwrite)
    accuracy = run.metrics["test_accuracy"]
    if json:
        document = {"schema": "eideploy.train/1", "run": str(folder), "test_accuracy": accuracy}
        print_json(document)
        return
    out.print(f"{chosen.name}: test accuracy {accuracy:.2f} %, in {folder}")
    remark(f"next: eideploy verify {folder} --target lava-fixed")
