"""How much faster Lava's models run in one process, and our convolution runs than Lava's.

python benchmarks/lava_speed.py [--wide]

Lava as it comes is its runtime, with a system process for each of its processes, and its `Conv`.
That everything computes the same bits is checked in the same run.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from clock import processor_seconds
from deep_subject import deep_subject
from machine import machine_in_words
from measure import Row, Table, seconds
from rich.console import Console

from eideploy.errors import TargetError
from eideploy.program import (
    Conv2d,
    Dense,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Relay,
    Source,
    Stimulus,
    Trace,
)
from eideploy.simulate import twin
from eideploy.simulate.record import Record
from eideploy.targets import load_target

NARROW = "model.stages=[[16],[32],[64],[128],[128]]"
"""A quarter of the channels of VGG-8: with all of them Lava takes minutes."""

Execute = Callable[[Program, Stimulus, Record], Trace]


def lava_vgg8(*, wide: bool = False) -> Table:
    """Samples per second of VGG-8, with E-I circuits and folded pools.

    Args:
        wide: with all its channels.
    """
    program, stimulus = deep_subject("cifar10_vgg8", 8, [] if wide else [NARROW])
    what = "VGG-8 at 32×32" + ("" if wide else ", ¼ wide")
    return _network("Lava, convolutions", what, 8, program, stimulus, lava=1)


def lava_chain(layers: int = 8, width: int = 128) -> Table:
    """Samples per second of dense layers, with some 10 to 30 % of activity in each."""
    rng = np.random.default_rng(0)
    populations = [Population("input", (width,), Source())]
    projections = []
    for index in range(1, layers + 1):
        before, name = populations[-1].name, f"layer{index}"
        neuron = LIFNeuronFixed(4095, 1024, 0, 0, threshold=480)
        populations.append(Population(name, (width,), neuron, offset=index))
        weight = 2 * rng.integers(-60, 61, (width, width))
        projections.append(Projection(before, name, Dense(weight), delay=1))
    program = Program(tuple(populations), tuple(projections), "integer", (name,))
    stimulus = Stimulus({"input": (rng.random((40, 16, width)) < 0.2).astype(float)})
    what = f"{layers} dense layers of {width} neurons"
    return _network("Lava, dense layers", what, 5, program, stimulus, lava=40)


def lava_convolution() -> Table:
    """Processor time of a step of the convolution 64 → 64, 3×3, at 32×32, at 20 % activity."""
    rng = np.random.default_rng(0)
    weight = 2 * rng.integers(-128, 128, (64, 64, 3, 3))
    shape = (64, 32, 32)
    program = Program(
        (Population("input", shape, Source()), Population("sums", shape, Relay(), offset=1)),
        (Projection("input", "sums", Conv2d(weight, padding=(1, 1)), delay=1),),
        "integer",
        ("sums",),
    )
    stimulus = Stimulus({"input": (rng.random((1, 20, *shape)) < 0.2).astype(float)})
    few = Stimulus({"input": stimulus.values["input"][:, :4]})
    stock, own = (partial(_lava(executor="inprocess", synapses=s).run) for s in ("stock", "own"))
    quiet = Record(state=False)
    _check(own(program, few, quiet), stock(program, few, quiet))
    rows = []
    for name, execute, shown in (("Lava's Conv", stock, few), ("ours", own, stimulus)):
        taken = processor_seconds(partial(execute, program, shown, quiet), "cpu")
        rows.append(Row(name, 1000 * taken / shown.steps, "with what drives and reads it"))
    title = "A convolution 64 → 64, 3×3, at 32×32: at most 1/6 is aimed at"
    return Table("Lava, a convolution", title, "ms/step", "Lava's Conv", tuple(rows))


def _network(
    name: str, what: str, aim: int, program: Program, stimulus: Stimulus, lava: int
) -> Table:
    """Lava as it comes, which sees the first samples only, its models in one process, the twin."""
    stock = _lava(executor="runtime", synapses="stock").run
    row, expected = _measured("Lava", stock, program, stimulus.take(slice(lava)))
    rows = [row]
    fast: dict[str, Execute] = {
        "in one process": _lava(executor="inprocess").run,
        "twin": twin.run,
    }
    for label, execute in fast.items():
        execute(program, stimulus.take(slice(1)), Record())  # what is only loaded once
        row, trace = _measured(label, execute, program, stimulus)
        _check(expected, trace)
        rows.append(row)
    title = f"Samples per second, {what}: {aim} × Lava is aimed at in one process"
    return Table(name, title, "samples/s", "Lava", tuple(rows))


def _measured(
    label: str, execute: Execute, program: Program, stimulus: Stimulus
) -> tuple[Row, Trace]:
    """Samples per second, and the processor time of this process and of those it started."""
    traces: list[Trace] = []
    before = sum(os.times()[:4])
    taken = seconds(lambda: traces.append(execute(program, stimulus, Record())))
    worked = (sum(os.times()[:4]) - before) / stimulus.samples
    note = f"{worked:.3g} s of processor time each, {stimulus.samples} × {stimulus.steps} steps"
    return Row(label, stimulus.samples / taken, note), traces[0]


def _check(expected: Trace, trace: Trace) -> None:
    """Every bin and every state of the samples that both have, bit for bit."""
    for name, one in expected.recordings.items():
        other, count = trace[name], len(one.output)
        same = np.array_equal(one.output, other.output[:count]) and all(
            np.array_equal(values, other.state[key][:count]) for key, values in one.state.items()
        )
        if not same:
            raise TargetError(f"population {name!r} differs between two executors")


def _lava(**options: str) -> Any:
    return replace(load_target("lava-fixed"), **options)  # type: ignore[type-var]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Lava as it comes, and ours.")
    parser.add_argument("--wide", action="store_true", help="VGG-8 with all its channels: minutes")
    arguments = parser.parse_args()
    console = Console()
    console.print(f"{machine_in_words()}\n")
    for measure in (lava_convolution, partial(lava_vgg8, wide=arguments.wide), lava_chain):
        table = measure()
        console.print(f"[bold]{table.title}")
        console.print(table.to_rich())


if __name__ == "__main__":
    main()
