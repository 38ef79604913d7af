"""Training a network by a recipe while a watch is kept on what it costs and how fast it learns."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from statistics import fmean
from time import process_time
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from memory import peak_bytes
from norse.torch import SequentialState
from torch import Tensor
from torch.nn import functional

from eideploy.errors import InputError
from eideploy.train import Recipe, accuracy, build_network, present
from eideploy.train.activity import layer_activity
from eideploy.train.data import Array
from eideploy.train.initialize import initialize_
from eideploy.train.loading import make_loader, to_sequence
from eideploy.train.module import TrainingModule
from eideploy.train.network import dataset_of

GOAL = 95.0


@dataclass(frozen=True)
class Watched:
    """Where the watch looks: every so many optimizer steps, on the first so many test samples."""

    every: int = 10
    samples: int = 1000


@dataclass(frozen=True)
class Trial:
    """What one training came to.

    Attributes:
        seed: of the recipe.
        accuracy: on all test samples at the end, in %; None where training did not get there.
        steps_to_goal: optimizer steps after which `GOAL` was first seen; None if it never was.
        step_seconds: processor time of a step: forward, backward, update and projection.
        peak_bytes: the most that tensors take at once in a forward and a backward pass.
        rate: share of bins with a spike in %, mean over the layers of LIF; None as for `accuracy`.
        stopped_at: the step in which the loss ceased to be finite; None if it never did.
    """

    seed: int
    accuracy: float | None
    steps_to_goal: int | None
    step_seconds: float
    peak_bytes: int
    rate: float | None
    stopped_at: int | None


def run_trial(recipe: Recipe, watched: Watched) -> Trial:
    """Train by a recipe on the CPU, and look at it on the way."""
    spec = dataset_of(recipe)
    data = spec.load(recipe.steps)
    stimulus = present(spec.values(data.test_x), recipe.steps)
    torch.manual_seed(recipe.seed)
    network = build_network(recipe)
    batches = make_loader(data.train_x, data.train_y, spec, recipe, train=True)
    first = to_sequence(next(iter(batches))[0], recipe.steps, spec.timed)
    initialize_(network, recipe, first)
    peak = _peak(network, first)
    watch = Watch(stimulus[: watched.samples], data.test_y[: watched.samples], watched.every)
    with _quiet():
        trainer = Trainer(
            accelerator="cpu",
            max_epochs=recipe.training.epochs,
            gradient_clip_val=recipe.training.clip_gradient,
            limit_val_batches=0,
            callbacks=[watch],
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=False,
            use_distributed_sampler=False,
        )
        try:
            steps = recipe.training.epochs * len(batches)
            trainer.fit(TrainingModule(network, recipe, steps), batches)
            stopped_at = None
        except InputError:  # the loss is not finite
            stopped_at = watch.steps
    network.eval()
    shown = torch.from_numpy(stimulus[: recipe.training.batch_size].copy()).transpose(0, 1)
    rates = [seen["rate"] for seen in layer_activity(network, shown).values() if "rate" in seen]
    return Trial(
        seed=recipe.seed,
        accuracy=None if stopped_at else accuracy(network, stimulus, data.test_y),
        steps_to_goal=watch.steps_to_goal,
        step_seconds=watch.seconds / watch.steps,
        peak_bytes=peak,
        rate=None if stopped_at else 100 * fmean(rates),
        stopped_at=stopped_at,
    )


class Watch(Callback):
    """Takes the processor time of steps, and looks now and then whether the goal is reached.

    Args:
        stimulus: held-out samples, [sample, step, *shape].
        labels: their classes.
        every: optimizer steps between two looks, until it is.
    """

    def __init__(self, stimulus: Array, labels: Array, every: int) -> None:
        self.stimulus, self.labels, self.every = stimulus, labels, every
        self.steps = 0
        self.seconds = 0.0
        self.steps_to_goal: int | None = None
        self._started = 0.0

    def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, index: int) -> None:
        self._started = process_time()

    def on_exception(self, trainer: Any, module: Any, exception: BaseException) -> None:
        self._step_ends()

    def on_train_batch_end(
        self, trainer: Any, module: Any, outputs: Any, batch: Any, index: int
    ) -> None:
        self._step_ends()
        if self.steps_to_goal is None and self.steps % self.every == 0:
            module.network.eval()
            if accuracy(module.network, self.stimulus, self.labels) >= GOAL:
                self.steps_to_goal = self.steps
            module.network.train()

    def _step_ends(self) -> None:
        self.seconds += process_time() - self._started
        self.steps += 1


def _peak(network: SequentialState, x: Tensor) -> int:
    """Of a forward and a backward pass of a copy of the network."""
    copied = deepcopy(network).train()
    y = torch.zeros(x.shape[1], dtype=torch.long)

    def step() -> None:
        functional.cross_entropy(copied(x)[0].mean(0), y).backward()

    return peak_bytes(step, "cpu")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what Lightning says about hardware, workers and logging."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        yield
