"""Scalars for TensorBoard between the ends of epochs."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Callback
from torch import Tensor

from eideploy.train.activity import layer_activity


class Monitor(Callback):
    """Writes the learning rate, the loss of the batch and what the layers do, now and then.

    `learning_rate`, `batch_loss`, and for each layer `rate/…`, `shunt/…` and `replaced/…` as
    `layer_activity` has them; layers also before the first step. Losses and accuracies of epochs
    are logged by the module.

    Args:
        probe: samples that layers are looked at with, [T, B, …].
        every: optimizer steps between two looks. One look costs about as much as the forward pass
            of twice the probe.
    """

    def __init__(self, probe: Tensor, every: int = 50) -> None:
        self._probe = probe
        self._every = every
        self._looked_at = 0

    def on_train_start(self, trainer: Any, module: Any) -> None:
        """Look at what training begins with."""
        if trainer.is_global_zero and trainer.global_step == 0:
            trainer.logger.log_metrics(self._layers(module), step=0)

    def on_train_batch_end(
        self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_index: int
    ) -> None:
        """Look, if a step was taken and it is time for it."""
        step = trainer.global_step
        if not trainer.is_global_zero or step % self._every or step == self._looked_at:
            return
        self._looked_at = step
        scalars = {
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "batch_loss": outputs["batch_loss"].item(),
        }
        trainer.logger.log_metrics(scalars | self._layers(module), step=step)

    def _layers(self, module: Any) -> dict[str, float]:
        layers = layer_activity(module.network, self._probe.to(module.device))
        return {
            f"{key}/{layer}": value
            for layer, values in layers.items()
            for key, value in values.items()
        }
