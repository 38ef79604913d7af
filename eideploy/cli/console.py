"""Talking to a person on the terminal and to a machine on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from eideploy.errors import EideployError
from eideploy.simulate.record import Progress as Report

out = Console(highlight=False, soft_wrap=False)
"""For results."""

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
def progress_bar(title: str, *, show: bool = True) -> Iterator[Report]:
    """A bar on stderr that appears where there is a terminal, as a (done, total) callback."""
    columns = (
        TextColumn("[dim]{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not show) as bar:
        task = bar.add_task(title, total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield report
