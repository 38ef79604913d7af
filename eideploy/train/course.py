"""The course of a training: what it begins with, what it steps through, how its run is finished."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import torch
from norse.torch import SequentialState

from eideploy.train.calibration import accuracy, calibrate
from eideploy.train.callbacks import stage
from eideploy.train.data import Dataset
from eideploy.train.initialize import initialize_
from eideploy.train.loading import make_loader, to_sequence
from eideploy.train.module import TrainingModule
from eideploy.train.network import dataset_of
from eideploy.train.recipe import Recipe
from eideploy.train.run import Run


class Course(Protocol):
    """What differs from one kind of training to another."""

    def begin(self, network: SequentialState, recipe: Recipe, data: Dataset) -> None:
        """Give a network, in place, the parameters that its training starts from."""

    def module(self, network: SequentialState, recipe: Recipe, steps: int) -> TrainingModule:
        """What Lightning steps through."""

    def finish(self, run: Run, device: torch.device | str, progress: bool) -> Run:
        """Measure what was trained, and freeze it if it can be deployed."""


class FromScratch:
    """The paper's: E-I Init, E-I Prop, and floors calibrated when it is over."""

    def begin(self, network: SequentialState, recipe: Recipe, data: Dataset) -> None:
        """Draw the parameters on the first batch, or as an ablation says."""
        initialize_(network, recipe, _first_batch(recipe, data))

    def module(self, network: SequentialState, recipe: Recipe, steps: int) -> TrainingModule:
        """The network itself, with its adaptive stabilizer."""
        return TrainingModule(network, recipe, steps)

    def finish(self, run: Run, device: torch.device | str, progress: bool) -> Run:
        """Accuracy as trained and as frozen; without Dale's law there is nothing to freeze."""
        with stage("measuring accuracy", show=progress):
            trained = run.network(run.recipe.training.stabilizer).to(device)
            metrics = {**run.metrics, "test_accuracy": accuracy(trained, *run.samples())}
        run = replace(run, metrics=metrics)
        if not run.recipe.training.dale:
            return run
        with stage("calibrating floors", show=progress):
            return calibrate(run, device)


def _first_batch(recipe: Recipe, data: Dataset) -> torch.Tensor:
    """The whole of it, [T, B, …], however many processes share it later."""
    spec = dataset_of(recipe)
    x, _ = next(iter(make_loader(data.train_x, data.train_y, spec, recipe, train=True)))
    return to_sequence(x, recipe.steps, spec.timed)
