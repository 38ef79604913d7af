"""How many samples per second each executor of the integer Program runs."""

from __future__ import annotations

from functools import partial

import torch
from measure import Row, Table, seconds

from eideploy.program import Program, Stimulus
from eideploy.simulate import reference, twin
from eideploy.simulate.record import Record
from eideploy.targets import load_target

LAVA = "lava-fixed"


def throughput(program: Program, stimulus: Stimulus) -> Table:
    """All record everything, state too, as `verify` needs it. Lava's start-up counts."""
    everything = Record()
    executors = {"reference": reference.run, "twin": twin.run}
    if torch.cuda.is_available():
        executors["twin, CUDA"] = partial(twin.run, device="cuda", batch=stimulus.samples)
    rows = [Row(LAVA, *_lava(program, stimulus, everything))]
    for name, execute in executors.items():
        execute(program, stimulus.take(slice(8)), everything)  # what is only loaded once
        taken = seconds(partial(execute, program, stimulus, everything), repeats=3)
        rows.append(Row(name, stimulus.samples / taken))
    base = LAVA if rows[0].value else "reference"
    title = f"Samples per second, fixed point ({stimulus.samples} × {stimulus.steps} steps)"
    return Table("throughput", title, "samples/s", base, tuple(rows))


def _lava(program: Program, stimulus: Stimulus, record: Record) -> tuple[float | None, str]:
    """Samples per second, or why there are none."""
    target = load_target(LAVA)
    availability = target.available()
    if not availability.ok:
        return None, availability.reason
    return stimulus.samples / seconds(lambda: target.run(program, stimulus, record)), ""
