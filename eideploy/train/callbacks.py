"""Lightning without its chatter, and one progress bar for a whole training."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lightning.pytorch import Callback
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Silence what Lightning says about hardware, workers and logging, inside the block."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            yield
    finally:
        logger.setLevel(level)


class EpochProgress(Callback):
    """A bar over epochs, on stderr, that shows loss and accuracies and is gone at the end.

    Args:
        name: what is being trained.
    """

    def __init__(self, name: str) -> None:
        self.bar = Progress(
            TextColumn("training {task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("epochs  {task.fields[status]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.name = name

    def on_fit_start(self, trainer: Any, module: Any) -> None:
        """Show the bar."""
        self.task = self.bar.add_task(self.name, total=trainer.max_epochs, status="")
        self.bar.start()

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        """Move on by one epoch."""
        seen = trainer.callback_metrics
        status = f"loss {seen['loss']:.3f}  test {seen['test_accuracy']:.1f} %"
        self.bar.update(self.task, advance=1, status=status)

    def teardown(self, trainer: Any, module: Any, stage: str) -> None:
        """Take the bar away, also after an error."""
        self.bar.stop()


class History(Callback):
    """Collects what was logged, one row for each epoch."""

    def __init__(self) -> None:
        self.epochs: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        """Add a row."""
        seen = {name: round(float(value), 6) for name, value in trainer.callback_metrics.items()}
        self.epochs.append({"epoch": trainer.current_epoch + 1, **seen})
