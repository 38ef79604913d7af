"""Run a Program on Lava: chunks of samples, each streamed through a network in one run."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from lava.magma.core.process.process import ProcessServer
from lava.magma.core.process.variable import VarServer
from lava.magma.core.run_configs import Loihi2SimCfg

from eideploy.errors import TargetError
from eideploy.program import Array, Program, Recording, Source, Stimulus, Trace, encode
from eideploy.simulate.record import Progress, Record
from eideploy_targets.lava.network import build
from eideploy_targets.lava.population import PopulationProcess
from eideploy_targets.lava.tape import Tape
from eideploy_targets.lava.timetable import Timetable
from eideploy_targets.lava.workers import Deadline, WatchedRuntime

_TAGS = {"float": "floating_pt", "integer": "fixed_pt"}
"""How Lava marks the models of each arithmetic."""

_CHANNEL_SLOTS = 4
"""Messages that a channel holds; all processes end a step together, so two would do."""


def run(
    program: Program,
    stimulus: Stimulus,
    record: Record,
    progress: Progress | None,
    *,
    timeout: float | None,
    chunk: int,
) -> Trace:
    """Run a Program that `limits.check` lets pass; see `LavaFloat` for the arguments."""
    values = encode(program, stimulus)
    samples = stimulus.samples
    size = chunk if _independent(program) else samples
    deadline = Deadline(timeout)
    report = _Report(progress, samples)
    parts = []
    for report.first in range(0, samples, size):
        part = slice(report.first, report.first + size)
        shown = {name: array[part] for name, array in values.items()}
        parts.append(_run_once(program, shown, record, report, deadline))
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


def _run_once(
    program: Program,
    values: Mapping[str, Array],
    record: Record,
    report: _Report,
    deadline: Deadline,
) -> Trace:
    """Stream all samples through one network."""
    samples, steps = next(iter(values.values())).shape[:2]
    period = steps * program.stride + program.gap
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
    with _lava_as_before():
        taped = {name: tape.state for name, tape in tapes.items()}
        processes = build(program, values, tables, taped)
        if processes:
            steps_in_all = samples * period + program.latency
            with _running(processes, _TAGS[program.arithmetic], steps_in_all, deadline) as runtime:
                _drain(runtime, processes, tapes, samples, report)
    return Trace(
        {
            p.name: tapes[p.name].finish()
            if p.name in tapes
            else Recording(values[p.name], {}, p.offset)
            for p in chosen
        }
    )


@contextmanager
def _running(
    processes: Mapping[str, PopulationProcess], tag: str, steps: int, deadline: Deadline
) -> Iterator[WatchedRuntime]:
    """A runtime that executes connected processes, and that is gone at the end of the block."""
    leader = next(iter(processes.values()))
    executable = leader.compile(Loihi2SimCfg(select_tag=tag), {"pypy_channel_size": _CHANNEL_SLOTS})
    runtime = WatchedRuntime(executable, deadline)
    executable.assign_runtime_to_all_processes(runtime)
    try:
        try:
            runtime.initialize()
        except OSError as error:
            raise TargetError(
                f"Lava cannot start its {len(executable.process_list)} processes: {error}",
                "It needs memory and a system process for each population and projection.",
            ) from error
        runtime.begin(steps)
        yield runtime
    finally:
        runtime.stop()


def _drain(
    runtime: WatchedRuntime,
    processes: Mapping[str, PopulationProcess],
    tapes: Mapping[str, Tape],
    samples: int,
    report: _Report,
) -> None:
    """Read the tapes while the network runs, so that none of them is ever full for long."""
    done, finished = 0, False
    while not finished or done < samples:
        news = [tape.read(processes[name]) for name, tape in tapes.items()]
        finished = finished or runtime.finished()
        done = min((tape.done for tape in tapes.values()), default=samples * finished)
        report.update(done)
        if not any(news):
            runtime.watch(str(report))


@contextmanager
def _lava_as_before() -> Iterator[None]:
    """Undo what Lava does to the whole interpreter: log handlers, and lists that only grow."""
    processes, variables = ProcessServer().processes, VarServer().vars
    lengths = len(processes), len(variables)
    loggers = logging.getLogger(), logging.getLogger("lava.magma.compiler.compiler")
    handlers = [list(logger.handlers) for logger in loggers]
    try:
        yield
    finally:
        del processes[lengths[0] :], variables[lengths[1] :]
        for logger, kept in zip(loggers, handlers, strict=True):
            logger.handlers[:] = kept
