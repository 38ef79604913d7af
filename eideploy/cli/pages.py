"""Pages about runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eideploy.cli.console import progress_bar

if TYPE_CHECKING:
    from eideploy.train import Run


def write_page(run: Run, path: Path | None = None) -> Path:
    """Write the page about the training of a run, with a bar; `training.html` in it by default."""
    from eideploy.train.plots import write_training_report

    with progress_bar("looking") as progress:
        return write_training_report(run, path, progress=progress)
