"""Bars on stderr, where there is a terminal; elsewhere a line for each epoch of a training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lightning.pytorch import Callback
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)


class TrainingProgress(Callback):
    """A bar over all batches that shows the epoch, loss and accuracies and is gone at the end.

    Where stderr is no terminal, as in the log of a cluster, there is a line for each epoch instead.

    Args:
        name: what is being trained.
    """

    def __init__(self, name: str) -> None:
        self.name, self.console = name, Console(stderr=True)
        self.bar = Progress(
            TextColumn("training {task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("epoch {task.fields[epoch]}  {task.fields[status]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task(name, total=None, epoch="", status="")

    def on_train_start(self, trainer: Any, module: Any) -> None:
        """Show the bar, as far as a checkpoint had come."""
        batches = trainer.num_training_batches
        done, total = trainer.current_epoch * batches, trainer.max_epochs * batches
        self.bar.update(self.task, completed=done, total=total)
        self.bar.start()

    def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
        """Count epochs from 1."""
        self.bar.update(self.task, epoch=f"{trainer.current_epoch + 1}/{trainer.max_epochs}")

    def on_train_batch_end(
        self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_index: int
    ) -> None:
        """Move on by one batch."""
        self.bar.advance(self.task)

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        """Show what the epoch came to."""
        seen = trainer.callback_metrics
        status = f"loss {seen['loss']:.3f}  test {seen['test_accuracy']:.1f} %"
        self.bar.update(self.task, status=status)
        if not self.console.is_terminal and trainer.is_global_zero:
            epoch = f"{trainer.current_epoch + 1}/{trainer.max_epochs}"
            self.console.print(f"training {self.name}  epoch {epoch}  {status}", soft_wrap=True)

    def teardown(self, trainer: Any, module: Any, stage: str) -> None:
        """Take the bar away, also after an error."""
        self.bar.stop()


@contextmanager
def stage(text: str, *, show: bool) -> Iterator[None]:
    """Say what is going on while the block runs, if it is to be shown."""
    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        console=console,
        transient=True,
        disable=not (show and console.is_terminal),
    ) as bar:
        bar.add_task(text, total=None)
        yield
