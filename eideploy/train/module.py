"""The training loop's body, for Lightning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule
from norse.torch import SequentialState
from torch import Tensor
from torch.nn import functional

from eideploy.cells import project_
from eideploy.errors import InputError
from eideploy.graph.export import node_names
from eideploy.train.loading import to_sequence
from eideploy.train.network import dataset_of
from eideploy.train.optimizer import make_optimizer, make_schedule
from eideploy.train.recipe import Recipe

Batch = tuple[Tensor, Tensor]


class TrainingModule(LightningModule):
    """Cross-entropy of the readout averaged over time; Dale's law after every optimizer step.

    Logs `loss`, `train_accuracy` and `test_accuracy` (in %) once an epoch. Random numbers that the
    network draws while it trains depend on seed, epoch and process alone.

    Args:
        network: over sequences [T, B, …].
        recipe: how to train it.
        steps: optimizer steps of the whole training, for the schedule.
    """

    def __init__(self, network: SequentialState, recipe: Recipe, steps: int) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.steps = steps
        self.save_hyperparameters(recipe.model_dump(mode="json"))  # for checkpoints and TensorBoard
        # A function and no module: parameters keep their names, and hooks see the network itself.
        self._run = torch.compile(network.forward) if recipe.training.compile else network.forward

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, classes] of samples [B, …], or [B, T, …] of timed data; float32."""
        output, _ = self._run(self._sequence(x))
        return output.float().mean(0)

    def on_train_epoch_start(self) -> None:
        """Draw from a beginning of its own in each epoch, so that none depends on those before."""
        state = (self.recipe.seed, self.current_epoch, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(state).generate_state(1)[0]))

    def training_step(self, batch: Batch, batch_index: int) -> dict[str, Tensor]:
        """Loss of one batch, and `loss`, its part in that of an optimizer step.

        Raises:
            InputError: it is not finite; names the layer where that began.
        """
        x, y = batch
        logits = self(x)
        loss = functional.cross_entropy(logits, y)
        # In all processes alike: one that went on alone would wait for the others for ever.
        mean = self.trainer.strategy.reduce(loss.detach().clone(), reduce_op="mean")
        if not mean.isfinite():
            raise self._not_finite(x, mean, batch_index)
        self._log("loss", loss, y)
        self._log_accuracy("train_accuracy", logits, y)
        share = self._share(len(y), batch_index)
        return {"loss": loss * share, "batch_loss": loss.detach()}

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Accuracy on one batch of held-out samples; it decides nothing."""
        x, y = batch
        self._log_accuracy("test_accuracy", self(x), y)

    def configure_optimizers(self) -> Any:
        """Optimizer and schedule of the recipe."""
        recipe = self.recipe
        optimizer = make_optimizer(self.network, recipe.optimizer)
        schedule = make_schedule(
            optimizer,
            recipe.schedule,
            lr=recipe.optimizer.lr,
            epochs=recipe.training.epochs,
            steps=self.steps,
        )
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Take the step, then project: no forward ever sees a negative weight."""
        super().optimizer_step(*args, **kwargs)
        if self.recipe.training.dale:
            project_(self.network)

    def _share(self, samples: int, batch_index: int) -> float:
        """What makes the mean over accumulated batches the mean over their samples.

        The last batch of an epoch may be smaller, and the last step have fewer batches; Lightning
        divides the loss of each batch by the same `accumulate`.
        """
        trainer: Any = self.trainer
        loader, accumulate = trainer.train_dataloader, trainer.accumulate_grad_batches
        largest = accumulate * loader.batch_size
        left = len(loader.sampler) - batch_index // accumulate * largest
        share: float = accumulate * samples / min(largest, left)
        return share

    def _sequence(self, x: Tensor) -> Tensor:
        return to_sequence(x, self.recipe.steps, dataset_of(self.recipe).timed)

    def _log_accuracy(self, name: str, logits: Tensor, y: Tensor) -> None:
        self._log(name, (logits.argmax(1) == y).float().mean() * 100, y)

    def _log(self, name: str, value: Tensor, y: Tensor) -> None:
        self.log(name, value, on_step=False, on_epoch=True, batch_size=len(y), sync_dist=True)

    def _not_finite(self, x: Tensor, loss: Tensor, batch_index: int) -> BaseException:
        """What to raise, in every process; the first one speaks for all."""
        strategy = self.trainer.strategy
        own = first_not_finite(self.network, self._sequence(x))
        seen = [strategy.broadcast(own, source) for source in range(self.trainer.world_size)]
        if not self.trainer.is_global_zero:
            return SystemExit(InputError.exit_code)
        layer = next(filter(None, seen), "none, only the loss")
        return InputError(
            f"training {self.recipe.name}: the loss is {loss.item()} in epoch "
            f"{self.current_epoch + 1}, batch {batch_index + 1}; the first layer whose output is "
            f"not finite is {layer}",
            "Set training.stabilizer to adaptive: without it a divisor of 0 is divided by."
            if self.recipe.training.stabilizer == "none"
            else "Lower optimizer.lr, or set training.clip_gradient.",
        )


@torch.no_grad()
def first_not_finite(network: SequentialState, x: Tensor) -> str | None:
    """Name of the first node whose output is NaN or infinite, None if all are finite."""
    found: list[str] = []

    def watch(name: str) -> Callable[..., None]:
        def look(module: Any, inputs: Any, output: Any) -> None:
            values = output[0] if isinstance(output, tuple) else output
            if not values.isfinite().all():
                found.append(name)

        return look

    handles = [layer.register_forward_hook(watch(name)) for name, layer in node_names(network)]
    try:
        network(x)
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else None
