"""Verbs `import-checkpoint` and `freeze`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from eideploy.cli.console import out, print_json, remark
from eideploy.cli.options import DataDir, Json, Overwrite


class Reset(str, Enum):
    """What a spike does to the membrane potential."""

    subtract = "subtract"
    zero = "zero"


def import_checkpoint(
    file: Annotated[
        Path,
        typer.Argument(
            help="What the paper's code saved: a .pth or .pt file, or .safetensors with "
            "config.json beside it.",
            metavar="FILE",
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Run directory; default runs/NAME.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", help="Data set it was trained on, where the file does not say."),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, help="Steps T, where the file does not say; images: 4."),
    ] = None,
    tau: Annotated[float | None, typer.Option("--tau", help="Of the neurons, in steps.")] = None,
    reset: Annotated[Reset | None, typer.Option("--reset", help="Of the neurons.")] = None,
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", help="Take everything but the weights from this recipe."),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a value, as in --set data.train_samples=1000."),
    ] = None,
    freeze: Annotated[
        bool | None,
        typer.Option(
            "--freeze/--no-freeze",
            help="Calibrate on the training data for deployment; default: if they are there.",
        ),
    ] = None,
    overwrite: Overwrite = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Make a run of a checkpoint that the paper's own code wrote."""
    from eideploy.train.importing import import_checkpoint as import_

    neuron = {"tau": tau, "reset": reset and reset.value}
    of_neuron = [f"neuron.{key}={value}" for key, value in neuron.items() if value is not None]
    imported = import_(
        file,
        output,
        data=data,
        steps=steps,
        recipe=recipe,
        changes=[*of_neuron, *(changes or [])],
        freeze=freeze,
        overwrite=overwrite,
    )
    run = imported.run
    accuracy = run.metrics.get("test_accuracy")
    if json:
        print_json(
            {
                "schema": "eideploy.import-checkpoint/1",
                "run": str(run.path),
                "model": run.recipe.model.model_dump(),
                "data": run.recipe.data.name,
                "steps": run.recipe.steps,
                "assumed": list(imported.assumed),
                "frozen": run.frozen,
                "test_accuracy": accuracy,
            }
        )
        return
    reached = "" if accuracy is None else f": test accuracy {accuracy:.2f} %"
    out.print(f"{run.name}{reached}, in {run.path}")
    for assumption in imported.assumed:
        remark(f"assumed: {assumption}")
    if run.frozen:
        remark(f"next: eideploy verify {run.path} --target lava-fixed")
        return
    remark(f"not frozen for deployment: {imported.unfrozen}")
    remark(f"to freeze it: eideploy freeze {run.path}")


def freeze(
    run: Annotated[Path, typer.Argument(help="A run directory.", metavar="RUN")],
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Calibrate the floors of a run on its training data, which deployment needs."""
    from eideploy.train import freeze as freeze_
    from eideploy.train import load_run
    from eideploy.train.callbacks import stage
    from eideploy.train.hardware import find_hardware

    trained = load_run(run)
    with stage("calibrating floors", show=True):
        frozen = freeze_(trained, find_hardware().device)
    accuracy = frozen.metrics["frozen_test_accuracy"]
    if json:
        document = {
            "schema": "eideploy.freeze/1",
            "run": str(run),
            "floors": frozen.floors,
            "frozen_test_accuracy": accuracy,
        }
        print_json(document)
        return
    out.print(f"{frozen.name}: test accuracy {accuracy:.2f} % as it is deployed, in {run}")
    remark(f"next: eideploy verify {run} --target lava-fixed")
