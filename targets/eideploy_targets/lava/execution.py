"""Run a Program on Lava: samples streamed back to back through a network of its processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from eideploy.program import Program, Recording, Source, Stimulus, Trace, encode
from eideploy.simulate.record import Progress, Record
from eideploy_targets.lava.compiled import compiled
from eideploy_targets.lava.feed import Feed, streams
from eideploy_targets.lava.inprocess import InProcess
from eideploy_targets.lava.leftovers import lava_as_before
from eideploy_targets.lava.network import build
from eideploy_targets.lava.population import PopulationProcess
from eideploy_targets.lava.tape import Tape
from eideploy_targets.lava.timetable import Timetable
from eideploy_targets.lava.workers import Deadline, running

CHUNK_BYTES = 2**26
"""Memory of the stimulus of a chunk in hardware time; Lava copies it a few times."""

_TAGS = {"float": "floating_pt", "integer": "fixed_pt"}
"""How Lava marks the models of each arithmetic."""


def run(
    program: Program,
    stimulus: Stimulus,
    record: Record,
    progress: Progress | None,
    *,
    inprocess: bool,
    stock: bool,
    timeout: float | None,
    chunk: int,
) -> Trace:
    """Run a Program that `limits.check` lets pass; see `LavaFloat` for the arguments."""
    samples = stimulus.samples
    # In this process a stimulus is read as it is needed, so there is nothing to gain from chunks.
    whole = inprocess or not _independent(program)
    size = samples if whole else min(chunk, _fitting(program, stimulus))
    deadline = Deadline(timeout)
    report = _Report(progress, samples)
    parts = []
    for report.first in range(0, samples, size):
        span = slice(report.first, report.first + size)
        part = stimulus if size >= samples else stimulus.take(span)
        parts.append(_run_once(program, part, record, report, deadline, inprocess, stock))
    return parts[0] if len(parts) == 1 else Trace.concatenate(parts)


class _Report:
    """How many samples are done, over all chunks."""

    def __init__(self, progress: Progress | None, samples: int) -> None:
        self.progress = progress
        self.samples = samples
        self.first = 0
        self.done = 0

    def update(self, done: int) -> None:
        """Note the samples done of this chunk, and tell if there are more of them."""
        before, self.done = self.done, self.first + done
        if self.progress and self.done > before:
            self.progress(self.done, self.samples)

    def __str__(self) -> str:
        return f"{self.done} of {self.samples} samples done"


def _independent(program: Program) -> bool:
    """Whether no sample can see anything of the one before, so that a run can be cut anywhere."""
    return all(population.reset_phase == 0 for population in program.populations) and all(
        program.slack(projection) >= 0 for projection in program.projections
    )


def _fitting(program: Program, stimulus: Stimulus) -> int:
    """Samples that take `CHUNK_BYTES`, at least one."""
    neurons = max(1, sum(population.size for population in program.sources))
    return max(1, CHUNK_BYTES // (8 * neurons * _period(program, stimulus)))


def _period(program: Program, stimulus: Stimulus) -> int:
    """Hardware steps from the start of a sample to that of the next."""
    return stimulus.steps * program.stride + program.gap


def _run_once(
    program: Program,
    stimulus: Stimulus,
    record: Record,
    report: _Report,
    deadline: Deadline,
    inprocess: bool,
    stock: bool,
) -> Trace:
    """Stream all samples through one network."""
    samples, steps = stimulus.samples, stimulus.steps
    period = _period(program, stimulus)
    tables = {
        p.name: Timetable(samples, steps, period, p.offset, p.reset_phase, program.stride)
        for p in program.populations
    }
    chosen = record.chosen(program)
    tapes = {
        p.name: Tape(p, tables[p.name], p.neuron.state if record.state else ())
        for p in chosen
        if not isinstance(p.neuron, Source)
    }
    taped = {name: tape.state for name, tape in tapes.items()}
    steps_in_all = samples * period + program.latency
    with lava_as_before():
        if inprocess:
            shown = {p.name: np.zeros((p.size, 1)) for p in program.sources}
        else:
            shown = streams(program, stimulus, tables)
        network = build(program, shown, tables, taped, stock)
        if network.populations:
            executable = compiled(network.processes, _TAGS[program.arithmetic])
            if inprocess:
                feed = Feed(program, stimulus, tables)
                engine = InProcess(executable, network, feed, steps_in_all)
                _drain(engine, network.populations, tapes, samples, report, deadline)
            else:
                with running(executable, steps_in_all, deadline) as runtime:
                    _drain(runtime, network.populations, tapes, samples, report, deadline)
    shown = encode(program, stimulus) if len(tapes) < len(chosen) else {}
    return Trace(
        {
            p.name: tapes[p.name].finish()
            if p.name in tapes
            else Recording(shown[p.name], {}, p.offset)
            for p in chosen
        }
    )


class _Engine(Protocol):
    """What runs a network: Lava's runtime, or this process."""

    def proceed(self) -> bool:
        """Let it go on; whether all steps have run."""

    def watch(self, progress: str) -> None:
        """Called where nothing has arrived: raise `TargetError` if something is wrong."""


def _drain(
    engine: _Engine,
    processes: Mapping[str, PopulationProcess],
    tapes: Mapping[str, Tape],
    samples: int,
    report: _Report,
    deadline: Deadline,
) -> None:
    """Read the tapes while the network runs, so that none of them is ever full for long."""
    done, finished = 0, False
    while not finished or done < samples:
        deadline.check(str(report))
        news = [tape.read(processes[name]) for name, tape in tapes.items()]
        finished = finished or engine.proceed()
        done = min((tape.done for tape in tapes.values()), default=samples * finished)
        report.update(done)
        if not any(news):
            engine.watch(str(report))
