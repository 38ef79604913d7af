"""What each part of the paper's method is worth: mnist_conv without one of them at a time.

python benchmarks/ablation.py [--epochs N] [--train-samples N] [--seeds N] [--data-dir DIR]
                              [--json FILE]

All are trained by the same recipe on the same samples in the same order. Its learning rate of 0.3
is the best of 0.1, 0.3 and 1 for the full method, and of these and 0.03 for the BatchNorm twin
(accuracy after two epochs on 6,000 samples: 94.4 % and 96.2 %). `gain_lr_factor` changes nothing in
the twin, which has no gains.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev

from machine import machine, machine_in_words
from rich.console import Console
from rich.table import Table
from trial import GOAL, Trial, Watched, run_trial

from eideploy import __version__
from eideploy.errors import EideployError
from eideploy.files import write_text
from eideploy.train import load_recipe, override
from eideploy.train.data import use_data_folder

RECIPE = "mnist_conv"
FULL = "full method"
VARIANTS = {
    FULL: [],
    "no E-I Init": ["training.ei_init=false"],
    "no stabilizer": ["training.stabilizer=none"],
    "no straight-through": ["training.straight_through=false"],
    "no gradient scaling": ["training.gradient_scaling=false"],
    "free-sign weights": ["training.dale=false"],
    "BatchNorm twin": ["model.inhibition=false"],
}
"""What is changed in the recipe."""


@dataclass(frozen=True)
class Result:
    """The trainings of one variant, one for each seed."""

    name: str
    changes: Sequence[str]
    trials: tuple[Trial, ...]

    def cells(self, full: Result) -> list[str]:
        """A row of the table: mean ± standard deviation over the seeds."""
        slower = self._step_ms() / full._step_ms()
        return [
            self.name,
            _spread([t.accuracy for t in self.trials], "{:.2f}") or self._stopped(),
            _spread([t.steps_to_goal for t in self.trials], "{:.0f}") or "–",
            f"{self._step_ms():.0f}",
            f"{slower:.2f}",
            f"{fmean(t.peak_bytes for t in self.trials) / 1e6:.0f}",
            _spread([t.rate for t in self.trials], "{:.1f}") or "–",
        ]

    def _step_ms(self) -> float:
        return 1e3 * fmean(t.step_seconds for t in self.trials)

    def _stopped(self) -> str:
        return "NaN in step " + _spread([t.stopped_at for t in self.trials], "{:.0f}")


def _spread(values: Sequence[float | None], form: str) -> str:
    """Mean ± standard deviation of what is there, and how many are; nothing if none is."""
    there = [value for value in values if value is not None]
    if not there:
        return ""
    text = form.format(fmean(there))
    if len(there) > 1:
        text += " ± " + form.format(stdev(there))
    return text if len(there) == len(values) else f"{text} ({len(there)} of {len(values)})"


def main() -> None:
    """Train every variant, print the table, and write what was measured if asked to."""
    arguments = _arguments()
    if arguments.data_dir is not None:
        use_data_folder(arguments.data_dir)
    common = [
        f"training.epochs={arguments.epochs}",
        f"data.train_samples={arguments.train_samples}",
    ]
    watched = Watched()
    console = Console()
    results = []
    for name, changes in VARIANTS.items():
        trials = []
        for seed in range(arguments.seeds):
            recipe = override(load_recipe(RECIPE), [*common, *changes, f"seed={seed}"])
            with console.status(f"training {name}, seed {seed}"):
                trials.append(run_trial(recipe, watched))
        results.append(Result(name, changes, tuple(trials)))
    console.print(
        f"{RECIPE}: epochs {arguments.epochs}, training samples {arguments.train_samples:,}, "
        f"seeds {arguments.seeds}; {machine_in_words()}\n"
    )
    console.print(_table(results))
    console.print(f"\n{_legend(watched)}", highlight=False)
    if arguments.json:
        settings = {"recipe": RECIPE, "changes": common, "goal": GOAL, "watched": asdict(watched)}
        write_text(arguments.json, _document(results, settings))
        console.print(f"written to {arguments.json}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ablations of the method, on MNIST.")
    parser.add_argument("--epochs", type=int, default=3, help="of each training (default 3)")
    parser.add_argument(
        "--train-samples", type=int, default=10_000, help="of 60,000 (default 10,000)"
    )
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each (default 3)")
    parser.add_argument("--data-dir", type=Path, help="folder of data sets")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to FILE")
    return parser.parse_args()


def _table(results: Sequence[Result]) -> Table:
    table = Table("", box=None, pad_edge=False)
    for heading in (
        "accuracy %",
        f"to {GOAL:.0f} %",
        "step ms",
        "× full",
        "peak MB",
        "rate %",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    full = next(result for result in results if result.name == FULL)
    for result in results:
        table.add_row(*result.cells(full))
    return table


def _legend(watched: Watched) -> str:
    return (
        "accuracy: on all test samples, after training\n"
        f"to {GOAL:.0f} %:  optimizer steps until that is seen, looked at every "
        f"{watched.every} steps on the first {watched.samples:,} test samples\n"
        "step ms:  processor time of forward, backward, update and projection\n"
        "peak MB:  the most that tensors take at once in a forward and a backward pass\n"
        "rate %:   spikes per neuron and step, mean over layers"
    )


def _document(results: Sequence[Result], settings: dict[str, object]) -> str:
    document = {
        "schema": "eideploy.ablation/1",
        "version": __version__,
        "machine": machine(),
        "settings": settings,
        "variants": [asdict(result) for result in results],
    }
    return json.dumps(document, indent=2) + "\n"


if __name__ == "__main__":
    try:
        main()
    except EideployError as error:
        sys.exit(f"{error}")
