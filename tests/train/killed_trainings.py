"""A script: trains by the command line in processes that kill themselves at chosen moments.

    killed_trainings.py COMMAND… -- MOMENT…

One process after the other runs COMMAND, each killed by SIGKILL at its moment; `never` lets it end.
The exit codes go to stdout as JSON, −9 for a process that was killed.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import torch

from eideploy.cli.app import run
from eideploy.train import trainer
from eideploy.train.module import TrainingModule


def kill(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def in_step(number: int) -> Callable[[], None]:
    """At the beginning of a batch, counted from the first of the whole training."""

    def arrange() -> None:
        step = TrainingModule.training_step
        batches = 6

        def until(module: Any, batch: Any, index: int) -> Any:
            if module.current_epoch * batches + index >= number:
                kill()
            return step(module, batch, index)

        TrainingModule.training_step = until  # type: ignore[method-assign]

    return arrange


def while_writing() -> None:
    """When half of the next checkpoint is in its file."""
    save = torch.save

    def half(checkpoint: Any, path: Any) -> None:
        buffer = io.BytesIO()
        save(checkpoint, buffer)
        with open(path, "wb") as file:
            file.write(buffer.getvalue()[: buffer.tell() // 2])
        kill()

    torch.save = half  # type: ignore[assignment]


def before_the_run_is_written() -> None:
    trainer.save_run = kill  # type: ignore[attr-defined]


def before_the_checkpoint_is_removed() -> None:
    trainer.shutil.rmtree = kill  # type: ignore[attr-defined]


MOMENTS: dict[str, Callable[[], None]] = {
    "step 3": in_step(3),
    "step 8": in_step(8),
    "step 12": in_step(12),
    "while writing": while_writing,
    "before the run is written": before_the_run_is_written,
    "before the checkpoint is removed": before_the_checkpoint_is_removed,
    "never": lambda: None,
}


def main(arguments: list[str]) -> None:
    middle = arguments.index("--")
    command, moments = arguments[:middle], arguments[middle + 1 :]
    codes = []
    for moment in moments:
        if (process := os.fork()) == 0:
            MOMENTS[moment]()
            os._exit(run(command))
        codes.append(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
    print(json.dumps(codes))


if __name__ == "__main__":
    main(sys.argv[1:])
