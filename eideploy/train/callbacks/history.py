"""The history of a training, which goes into metrics.json."""

from __future__ import annotations

import time
from typing import Any

from lightning.pytorch import Callback
from torch import Tensor

from eideploy.train.activity import layer_activity

METRICS = ("loss", "train_accuracy", "test_accuracy")


class History(Callback):
    """Collects a row for each epoch, and goes into checkpoints.

    A row holds `epoch` (from 1), `loss`, `train_accuracy` and `test_accuracy` in %, and `layers`,
    what `layer_activity` sees at the end of the epoch.

    Args:
        probe: samples that every row is measured on, [T, B, …].

    Attributes:
        epochs: the rows.
        seconds: that training took, those before the last checkpoint included.
    """

    def __init__(self, probe: Tensor) -> None:
        self.epochs: list[dict[str, Any]] = []
        self.seconds = 0.0
        self._probe = probe
        self._since = time.perf_counter()

    def on_train_start(self, trainer: Any, module: Any) -> None:
        """Start the clock."""
        self._since = time.perf_counter()

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        """Add a row."""
        now = time.perf_counter()
        self.seconds, self._since = self.seconds + now - self._since, now
        if trainer.is_global_zero:
            seen = trainer.callback_metrics
            layers = layer_activity(module.network, self._probe.to(module.device))
            self.epochs.append(
                {
                    "epoch": trainer.current_epoch + 1,
                    **{name: round(float(seen[name]), 6) for name in METRICS},
                    "layers": {
                        layer: {key: float(f"{value:.6g}") for key, value in values.items()}
                        for layer, values in layers.items()
                    },
                }
            )

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"epochs": self.epochs, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where a checkpoint was written."""
        self.epochs, self.seconds = state_dict["epochs"], state_dict["seconds"]
