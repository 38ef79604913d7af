"""Fine-tuning a finished run through the integers that it will be deployed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import torch

from eideploy.cells import EICircuit
from eideploy.errors import InputError, UnsupportedError
from eideploy.targets import load_target
from eideploy.train.hardware import Accelerator
from eideploy.train.quantized.course import QuantizationAware
from eideploy.train.quantized.deployment import Deployment
from eideploy.train.recipe import Recipe, override
from eideploy.train.run import Run, shunt_means_of
from eideploy.train.sections import AwareSection, QuantizeSection, ScheduleSection
from eideploy.train.trainer import train

EPOCHS = 2
RATE = 0.1
"""Fine-tuning takes this share of the learning rate that the run was trained with."""


def finetune_recipe(
    parent: Run,
    target: str,
    *,
    weight_bits: int | None = None,
    mapping: Literal["fused", "explicit"] = "fused",
    pool: Literal["fold", "relay"] = "fold",
    form: Literal["ei", "folded"] = "ei",
    changes: Sequence[str] = (),
) -> Recipe:
    """The recipe of a fine-tuning: the run's own, but for what fine-tuning does otherwise.

    That is `EPOCHS` epochs at `RATE` times the learning rate, which falls by a cosine without
    warm-up, in float32 and not compiled.

    Args:
        parent: the run to begin with.
        target: name of a target in integers.
        weight_bits: width of the weights; that of the run's recipe if not given.
        mapping: how circuits become populations.
        pool: what becomes of pools.
        form: "ei" trains through the E-I neuron; "folded" through plain LIF with the constant
            divisors that `to_graph` would calibrate.
        changes: "key.path=value" each, as `override` takes them; they come last.

    Raises:
        RecipeError: a change is wrong.
        InputError: a change asks for what fine-tuning cannot do.
    """
    recipe = parent.recipe
    bits = weight_bits or recipe.quantize.weight_bits
    aware = AwareSection(run=str(parent.path), target=target, mapping=mapping, pool=pool, form=form)
    training = {"epochs": EPOCHS, "precision": "float32", "compile": False}
    tuned = recipe.model_copy(
        update={
            "name": f"{recipe.name}_{bits}bit",
            "expected": None,
            "training": recipe.training.model_copy(update=training),
            "optimizer": recipe.optimizer.model_copy(update={"lr": RATE * recipe.optimizer.lr}),
            "schedule": ScheduleSection(),
            "quantize": QuantizeSection(weight_bits=bits, training=aware),
        }
    )
    tuned = override(tuned, changes)
    if tuned.model != recipe.model or tuned.data.flat != recipe.data.flat:
        raise InputError(
            f"--set changes the network of run {parent.path}, which has its weights already",
            "Train another network from scratch; fine-tuning changes weights only.",
        )
    if tuned.training.precision != "float32" or tuned.training.compile or not tuned.training.dale:
        raise InputError(
            "fine-tuning through integers needs training.precision float32, training.compile false "
            "and training.dale true",
            "Leave them as they are.",
        )
    return tuned


def finetune(
    parent: Run,
    recipe: Recipe,
    out_dir: str | Path,
    *,
    accelerator: Accelerator = "auto",
    devices: int = 1,
    nodes: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = True,
    say: Callable[[str], None] | None = None,
) -> Run:
    """Train a frozen run further as the integer Program that its target runs.

    In every forward the network is compiled by the target's own pipeline and executed exactly;
    gradients go straight through all rounding. The new run has the parent's floors (or, in folded
    form, its constant divisors), so that compiling it with the same options gives the Program that
    was trained.

    Args:
        parent: frozen, of E-I circuits.
        recipe: from `finetune_recipe`.
        out_dir: the new run directory.

    The others, and what is raised besides, are those of `eideploy.train.train`.

    Raises:
        InputError: the run is not frozen, or `out_dir` is its own directory.
        UnsupportedError: the target is not one in integers, the network has other layers than
            circuits, or the device cannot compute in float64.
        QuantizationError: the weights do not fit the target, in the beginning or at some step.
    """
    aware = recipe.quantize.training
    if aware is None:
        raise InputError("the recipe is not one of fine-tuning", "Make it with finetune_recipe.")
    if Path(out_dir).resolve() == parent.path.resolve():
        raise InputError(
            f"{out_dir} is the run that is fine-tuned; it would be overwritten",
            "Choose another directory with -o.",
        )
    network = parent.network("floor")  # says so if it is not frozen
    if not any(isinstance(layer, EICircuit) for layer in network.modules()):
        raise UnsupportedError(
            f"run {parent.path} has no E-I circuits (model.inhibition is false); only networks of "
            "circuits are fine-tuned through integers",
            "Fine-tune a run with model.inhibition: true.",
        )
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    elif accelerator == "mps":
        raise UnsupportedError(
            "fine-tuning through integers needs float64, which mps does not have",
            "Train with accelerator cpu or cuda.",
        )
    means = shunt_means_of(parent) if aware.form == "folded" else None
    deployment = Deployment.on(load_target(aware.target), recipe, means)
    deployment(network)  # what cannot be deployed is refused before anything is trained
    return train(
        recipe,
        out_dir,
        course=QuantizationAware(parent, deployment),
        accelerator=accelerator,
        devices=devices,
        nodes=nodes,
        resume=resume,
        overwrite=overwrite,
        progress=progress,
        say=say,
    )
