"""All benchmarks, side by side in one run on one machine: compare ratios, not seconds.

python benchmarks/run.py [--samples N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from comparison import comparison
from compilation import compilation
from lava_speed import lava_chain, lava_convolution, lava_vgg8
from machine import machine, machine_in_words
from measure import Table
from rich.console import Console
from subject import EPOCHS, RECIPE, trained_subject
from throughput import throughput
from training_step import Step, training_memory, training_peak, training_time

from eideploy import __version__
from eideploy.compile import CompileOptions, float_pipeline, integer_pipeline, run_passes
from eideploy.files import write_text
from eideploy.targets import load_target


def main() -> None:
    """Train a network, measure, print, and write what was measured if asked to."""
    parser = argparse.ArgumentParser(description="Benchmarks of eideploy, as ratios.")
    parser.add_argument("--samples", type=int, default=360, help="held-out digits (default 360)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to FILE")
    arguments = parser.parse_args()

    console = Console()
    with console.status(f"training {RECIPE} for {EPOCHS} epochs"):
        subject = trained_subject(arguments.samples)
    options = CompileOptions()
    float_program = run_passes(float_pipeline(options), subject.graph)
    program = run_passes(integer_pipeline(options), subject.graph)
    benchmarks: dict[str, Callable[[], Table]] = {
        "throughput": lambda: throughput(program, subject.stimulus),
        "comparison": lambda: comparison(float_program, program, subject.stimulus),
        "compilation": lambda: compilation(subject.graph),
        "training time": lambda: training_time(Step()),
        "training time at the paper's batch size": lambda: training_time(Step(batch=128), 1),
        "training memory": lambda: training_memory(Step()),
        "training peak": lambda: training_peak(Step()),
    }
    if load_target("lava-fixed").available().ok:
        benchmarks |= {
            "Lava, a convolution": lava_convolution,
            "Lava, convolutions": lava_vgg8,
            "Lava, dense layers": lava_chain,
        }
    console.print(f"{RECIPE} after {EPOCHS} epochs, {machine_in_words()}\n")
    tables = []
    for name, benchmark in benchmarks.items():
        with console.status(f"measuring {name}"):
            tables.append(benchmark())
        console.print(f"[bold]{tables[-1].title}")
        console.print(tables[-1].to_rich())
    if arguments.json:
        write_text(arguments.json, _document(tables))
        console.print(f"written to {arguments.json}")


def _document(tables: list[Table]) -> str:
    document = {
        "schema": "eideploy.bench/1",
        "version": __version__,
        "machine": machine(),
        "tables": [table.to_dict() for table in tables],
    }
    return json.dumps(document, indent=2) + "\n"


if __name__ == "__main__":
    main()
