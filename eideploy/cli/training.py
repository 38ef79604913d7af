"""Verb `train`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eideploy.cli.console import out, print_json, remark
from eideploy.cli.options import (
    DataDir,
    Form,
    GraphForm,
    Json,
    Mapping,
    MappingChoice,
    Overwrite,
    Pool,
    PoolChoice,
    WeightBits,
)
from eideploy.cli.runs import write_page
from eideploy.errors import InputError

if TYPE_CHECKING:
    from eideploy.train import Recipe, Run


class Accelerator(str, Enum):
    """What to train on."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


def train(
    recipe: Annotated[
        str | None, typer.Argument(help="Name of a recipe (see `eideploy models`) or a YAML file.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Run directory; default runs/NAME.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a value, as in --set neuron.reset=subtract."),
    ] = None,
    finetune: Annotated[
        Path | None,
        typer.Option("--finetune", help="Train this finished run further, as --quantize says."),
    ] = None,
    quantize: Annotated[
        str | None,
        typer.Option(
            "--quantize",
            help="With --finetune: train through the integers of this target, such as lava-fixed, "
            "so that what is deployed is what was trained.",
        ),
    ] = None,
    weight_bits: WeightBits = None,
    mapping: Mapping = MappingChoice.fused,
    pool: Pool = PoolChoice.fold,
    form: GraphForm = Form.ei,
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
    """Train a network by a recipe, or a run further, and freeze it for deployment."""
    how = _Quantization(finetune, quantize, weight_bits, mapping, pool, form)
    chosen, fit = _from_scratch(recipe, changes or [], how) or _further(how, changes or [])
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
        remark(f"next: eideploy verify {folder} {_deployment(chosen)}")
    else:
        remark("training.dale is false: this network is to be looked at, it cannot be deployed")


@dataclass(frozen=True)
class _Quantization:
    """What the command line says about fine-tuning."""

    run: Path | None
    target: str | None
    weight_bits: int | None
    mapping: MappingChoice
    pool: PoolChoice
    form: Form


def _from_scratch(
    name: str | None, changes: list[str], how: _Quantization
) -> tuple[Recipe, Callable[..., Run]] | None:
    """A recipe and what trains by it; None if a run is to be trained further."""
    from eideploy.train import load_recipe, override, train

    if name is not None and how.run is not None:
        raise InputError(
            f"asked to train by {name} and to fine-tune {how.run}",
            "Leave the recipe out: a run has its own. --set changes values of it.",
        )
    if how.run is not None:
        return None
    if how.target is not None:
        raise InputError(
            "--quantize trains a finished run further, and there is none",
            "Name it: eideploy train --finetune RUN --quantize TARGET.",
        )
    if name is None:
        raise InputError(
            "neither a recipe nor a run to train further",
            "`eideploy models` lists recipes; a run is given by --finetune RUN --quantize TARGET.",
        )
    if how != _Quantization(None, None, None, MappingChoice.fused, PoolChoice.fold, Form.ei):
        raise InputError(
            "--weight-bits, --mapping, --pool and --form say how a run is fine-tuned",
            "Training from scratch does not depend on them; give them to `eideploy verify`, or "
            "--set quantize.weight_bits=… for what it takes by default.",
        )
    return override(load_recipe(name), changes), train


def _further(how: _Quantization, changes: list[str]) -> tuple[Recipe, Callable[..., Run]]:
    """The recipe of a fine-tuning, and what trains by it."""
    from eideploy.train import load_run
    from eideploy.train.quantized import finetune, finetune_recipe

    assert how.run is not None  # or else it is from scratch
    if how.target is None:
        raise InputError(
            f"--finetune {how.run} does not say for what",
            "Add --quantize TARGET, such as --quantize lava-fixed.",
        )
    parent = load_run(how.run)
    recipe = finetune_recipe(
        parent,
        how.target,
        weight_bits=how.weight_bits,
        mapping=how.mapping.value,
        pool=how.pool.value,
        form=how.form.value,
        changes=changes,
    )
    return recipe, partial(finetune, parent)


def _deployment(recipe: Recipe) -> str:
    """Options with which what was trained is what is verified."""
    aware = recipe.quantize.training
    if aware is None:
        return "--target lava-fixed"
    options: list[tuple[str, str, str]] = [
        ("mapping", "fused", aware.mapping),
        ("pool", "fold", aware.pool),
        ("form", "ei", aware.form),
    ]
    others = [f"--{name} {value}" for name, usual, value in options if value != usual]
    return " ".join([f"--target {aware.target}", *others])


def _how_to_go_on(folder: Path) -> str:
    from eideploy.train.checkpoint import checkpoint_path

    if checkpoint_path(folder).exists():
        return f"{folder} keeps the last epoch that was finished: go on with --resume"
    return "no epoch was finished, so there is nothing to go on from"
