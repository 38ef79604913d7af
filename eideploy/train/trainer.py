"""Training a network by its recipe."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from lightning.pytorch import Callback, Trainer
from norse.torch import SequentialState

from eideploy.cells import ei_init_network_
from eideploy.errors import InputError, OutputError
from eideploy.graph.export import node_names
from eideploy.train.calibration import accuracy, calibrate
from eideploy.train.callbacks import EpochProgress, History, quiet_lightning
from eideploy.train.data import Dataset
from eideploy.train.loading import make_loader, to_sequence
from eideploy.train.module import TrainingModule
from eideploy.train.network import build_network, dataset_of
from eideploy.train.recipe import Recipe
from eideploy.train.run import ABOUT, Run, save_run


def train(
    recipe: Recipe, out_dir: str | Path, *, progress: bool = True, overwrite: bool = False
) -> Run:
    """Train a network on the CPU, freeze it and write the run directory.

    The result depends on the recipe alone, its seed and number of threads included.

    Args:
        recipe: what to train and how.
        out_dir: the run directory; its files are written when training is over.
        progress: show a bar on stderr.
        overwrite: replace a run that is already there.

    Returns:
        The frozen run.

    Raises:
        InputError: there is a run already, the first batch is dead, the loss stops being finite, or
            a layer is dead at the end.
        RecipeError: the model or the data set is not known.
        OutputError: the directory cannot be written.
    """
    folder = Path(out_dir)
    _check_place(folder, overwrite)
    started = time.perf_counter()
    data = dataset_of(recipe).load(recipe.steps)
    # Draws come from the recipe's seed and leave the caller's random numbers as they are.
    with torch.random.fork_rng(devices=[]), _threads(recipe.training.threads):
        torch.manual_seed(recipe.seed)
        network = build_network(recipe)
        epochs = _fit(network, recipe, data, progress)
    run = Run(folder, recipe, network.state_dict(), metrics={}, floors={})
    test_accuracy = accuracy(run.network("adaptive"), *run.samples())
    seconds = round(time.perf_counter() - started, 2)
    metrics = {"test_accuracy": test_accuracy, "seconds": seconds, "epochs": epochs}
    run = calibrate(replace(run, metrics=metrics))
    save_run(run)
    return run


def _fit(
    network: SequentialState, recipe: Recipe, data: Dataset, progress: bool
) -> list[dict[str, float]]:
    """Initialize and train the network in place; returns the history."""
    spec = dataset_of(recipe)
    loader = make_loader(data.train_x, data.train_y, spec, recipe, train=True)
    if recipe.training.ei_init:
        first, _ = next(iter(loader))
        names = {layer: name for name, layer in node_names(network)}
        sequence = to_sequence(first, recipe.steps, spec.timed)
        ei_init_network_(network, sequence, names=names)
    history = History()
    callbacks: list[Callback] = [history]
    if progress:
        callbacks.append(EpochProgress(recipe.name))
    with quiet_lightning():
        trainer = Trainer(
            accelerator="cpu",
            max_epochs=recipe.training.epochs,
            gradient_clip_val=recipe.training.clip_gradient,
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
        )
        with _interruptible(trainer):
            test = make_loader(data.test_x, data.test_y, spec, recipe, train=False)
            trainer.fit(TrainingModule(network, recipe), loader, test)
    return history.epochs


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """A fixed number of CPU threads, if one is wanted, until the end of the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _interruptible(trainer: Trainer) -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt; Lightning would exit with 1 and ignore further ones."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        if not trainer.interrupted:
            raise
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from error


def _check_place(folder: Path, overwrite: bool) -> None:
    """Fail before training rather than after it."""
    if (folder / ABOUT).exists() and not overwrite:
        raise InputError(
            f"{folder} holds a run already", "Choose another directory, or give --overwrite."
        )
    try:
        # The folder itself is made when there is something to put into it.
        existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise OutputError(
            f"cannot write to {folder}: {error.strerror or error}",
            "Check that it is a directory that you may write to.",
        ) from error
