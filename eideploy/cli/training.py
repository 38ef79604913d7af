"""Verb `train`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from eideploy.cli.console import out, print_json, remark
from eideploy.cli.options import DataDir, Json, Overwrite
from eideploy.cli.runs import write_page


class Accelerator(str, Enum):
    """What to train on."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


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
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on where training was cut short; start if there is nothing to go on from.",
        ),
    ] = False,
    overwrite: Overwrite = False,
    accelerator: Annotated[
        Accelerator, typer.Option("--accelerator", help="auto takes a GPU if there is one.")
    ] = Accelerator.auto,
    devices: Annotated[
        int, typer.Option("--devices", min=1, help="How many of them on each node share a batch.")
    ] = 1,
    nodes: Annotated[int, typer.Option("--nodes", min=1, help="How many machines.")] = 1,
    data_dir: DataDir = None,
    plot: Annotated[
        bool,
        typer.Option(
            "--plot", help="Write a page about the training and the layers, RUN/training.html."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Train a network by a recipe and freeze it for deployment."""
    from eideploy.train import load_recipe, override
    from eideploy.train import train as fit

    chosen = override(load_recipe(recipe), changes or [])
    folder = output or Path("runs") / chosen.name
    try:
        run = fit(
            chosen,
            folder,
            accelerator=accelerator.value,
            devices=devices,
            nodes=nodes,
            resume=resume,
            overwrite=overwrite,
            say=remark,
        )
    except KeyboardInterrupt:
        remark(_how_to_go_on(folder))
        raise
    accuracy = run.metrics["test_accuracy"]
    page = write_page(run) if plot else None
    if json:
        document = {"schema": "eideploy.train/1", "run": str(folder), "test_accuracy": accuracy}
        print_json({**document, **({"page": str(page)} if page else {})})
        return
    out.print(f"{chosen.name}: test accuracy {accuracy:.2f} %, in {folder}")
    if page:
        out.print(f"page: {page}", soft_wrap=True)
    if run.frozen:
        remark(f"next: eideploy verify {folder} --target lava-fixed")
    else:
        remark("training.dale is false: this network is to be looked at, it cannot be deployed")


def _how_to_go_on(folder: Path) -> str:
    from eideploy.train.checkpoint import checkpoint_path

    if checkpoint_path(folder).exists():
        return f"{folder} keeps the last epoch that was finished: go on with --resume"
    return "no epoch was finished, so there is nothing to go on from"
