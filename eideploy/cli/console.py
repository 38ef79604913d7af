"""Talking to a person on the terminal and to a machine on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from eideploy.errors import EideployError
from eideploy.simulate.record import Progress as Report

StageReport = Callable[[str, int, int], None]

out = Console(highlight=False, soft_wrap=False)
"""For results; at least as wide as a ladder, so that a narrow terminal wraps but cuts no figure."""
out.width = max(out.width, 80)

err = Console(stderr=True, highlight=False)
"""For progress, remarks and errors, so that stdout can be piped."""


def print_json(value: Any) -> None:
    """Write one JSON document to stdout and nothing else."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_error(error: EideployError) -> None:
    """At most a few lines: what, and what to do."""
    err.print("[bold red]error:[/]", end=" ")
    # Paths must stay whole, for whoever copies or greps them: the terminal wraps, not we.
    err.print(error.what, markup=False, style="default", soft_wrap=True)
    if error.remedy:
        err.print(error.remedy, markup=False, style="dim", soft_wrap=True)


def remark(text: str) -> None:
    """A line for a person only."""
    err.print(text, markup=False, style="dim", soft_wrap=True)


@contextmanager
def stages() -> Iterator[StageReport]:
    """A bar on stderr that is renamed from stage to stage, as a (stage, done, total) callback.

    It appears where there is a terminal; elsewhere nothing is written, not even an empty line.
    """
    columns = (
        TextColumn("[dim]{task.description:<14}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def report(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total)

        yield report


@contextmanager
def progress_bar(title: str) -> Iterator[Report]:
    """A bar of one stage, as a (done, total) callback."""
    with stages() as report:
        yield partial(report, title)
