"""Fitting a network with Lightning: devices, checkpoints, logs, and how it ends."""

from __future__ import annotations

import logging
import math
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities.exceptions import SIGTERMException
from norse.torch import SequentialState

from eideploy.train.callbacks import History, Monitor, TrainingProgress
from eideploy.train.checkpoint import (
    AtomicCheckpointIO,
    checkpoint_path,
    epochs_done,
    make_checkpoint_callback,
    read_checkpoint,
)
from eideploy.train.data import Dataset
from eideploy.train.hardware import Hardware
from eideploy.train.loading import make_loader, to_sequence
from eideploy.train.module import TrainingModule
from eideploy.train.network import dataset_of
from eideploy.train.place import LOGS
from eideploy.train.recipe import Recipe

PRECISIONS = {"float32": "32-true", "bfloat16": "bf16-mixed", "float16": "16-mixed"}
MakeModule = Callable[[SequentialState, Recipe, int], TrainingModule]
_PROBE = 32


def fit(
    network: SequentialState,
    recipe: Recipe,
    data: Dataset,
    folder: Path,
    hardware: Hardware,
    *,
    resume: bool,
    progress: bool,
    make_module: MakeModule = TrainingModule,
) -> History:
    """Train an initialized network in place.

    Each process calls this; those that are missing are started, with the command line of this one.
    All start with the parameters of the first.

    Args:
        network: over sequences [T, B, …]; on the CPU again when it is done.
        recipe: how to train it.
        data: what to train it on.
        folder: the run directory, for checkpoints and logs.
        hardware: what to train it on.
        resume: go on from the checkpoint.
        progress: show a bar on stderr.
        make_module: of the network, the recipe and the number of optimizer steps.

    Raises:
        InputError: the loss stops being finite.
        KeyboardInterrupt: Ctrl-C, or SIGTERM at the end of the batch.
    """
    spec = dataset_of(recipe)
    x = torch.from_numpy(spec.values(data.test_x[:_PROBE]))
    probe = to_sequence(x, recipe.steps, spec.timed)
    history = History(probe)
    callbacks: list[Callback] = [history, Monitor(probe), make_checkpoint_callback(folder)]
    if progress:
        callbacks.append(TrainingProgress(recipe.name))
    several = hardware.processes > 1
    with _quiet():
        trainer = Trainer(
            accelerator=hardware.accelerator,
            devices=hardware.devices,
            num_nodes=hardware.nodes,
            # Gains and bias of a readout get no gradient.
            strategy="ddp_find_unused_parameters_true" if several else "auto",
            sync_batchnorm=several,
            use_distributed_sampler=False,
            precision=PRECISIONS[recipe.training.precision],  # type: ignore[arg-type]
            max_epochs=recipe.training.epochs,
            accumulate_grad_batches=recipe.training.accumulate,
            gradient_clip_val=recipe.training.clip_gradient,
            callbacks=callbacks,
            plugins=[AtomicCheckpointIO()],
            logger=TensorBoardLogger(folder, name="", version=LOGS, default_hp_metric=False),
            enable_model_summary=False,
            enable_progress_bar=False,
            num_sanity_val_steps=0,
        )
        checkpoint = checkpoint_path(folder) if resume else None
        batches = make_loader(
            data.train_x,
            data.train_y,
            spec,
            recipe,
            train=True,
            rank=trainer.global_rank,
            world=hardware.processes,
            epoch=epochs_done(read_checkpoint(checkpoint)) if checkpoint else 0,
        )
        test = make_loader(data.test_x, data.test_y, spec, recipe, train=False)
        # Lightning's own estimate would start the workers of the loader before it knows the epoch.
        steps = recipe.training.epochs * math.ceil(len(batches) / recipe.training.accumulate)
        with _interruptible():
            trainer.fit(
                make_module(network, recipe, steps),
                batches,
                test,
                ckpt_path=checkpoint,
            )
    network.cpu()
    return history


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Lightning says about hardware, workers and logging, inside the block."""
    loggers = [logging.getLogger(f"lightning.{part}") for part in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C and SIGTERM raise KeyboardInterrupt.

    Lightning would exit with 1 and ignore further Ctrl-C, and with 0 after SIGTERM.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SIGTERMException as error:
        raise KeyboardInterrupt from error
    except SystemExit as error:
        if not isinstance(error.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from error
