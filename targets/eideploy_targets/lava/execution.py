"""Run a Program on Lava: chunks of samples, each streamed through a network in one run."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from lava.magma.core.process.process import ProcessServer
from lava.magma.core.process.variable import VarServer
from lava.magma.core.run_configs import Loihi2SimCfg

from eideploy.program import Array, Population, Program, Recording, Source, Stimulus, Trace, encode
from eideploy.simulate.record import Progress, Record
from eideploy_targets.lava import network
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
    parts = []
    for first in range(0, samples, size):
        part = {name: array[first : first + size] for name, array in values.items()}

        def report(done: int, _: int, first: int = first) -> None:
            if progress:
                progress(first + done, samples)

        parts.append(_run_once(program, part, record, report, deadline))
    return Trace.concatenate(parts)


def _independent(program: Program) -> bool:
    """Whether no sample can see anything of the one before, so that a run can be cut anywhere."""
    return all(population.reset_phase == 0 for population in program.populations) and all(
        program.lag(projection) >= 0 for projection in program.projections
    )


class _Tape:
    """Reads the pages of one population into the arrays of its recording."""

    def __init__(self, population: Population, table: Timetable, names: tuple[str, ...]) -> None:
        self.population = population
        self.shape = (table.samples, table.steps, *population.shape)
        self.names = names
        self.done = 0
        self.output: Array | None = None
        self.state: dict[str, Array] = {}

    def read(self, port: Any) -> bool:
        """Take a page from the port, if one is there."""
        if not port.probe():
            return False
        page = port.recv().reshape(self.shape[1], 1 + len(self.names), *self.population.shape)
        if self.output is None:
            spiking = self.population.neuron.spiking
            self.output = np.zeros(self.shape, np.uint8 if spiking else page.dtype)
            self.state = {name: np.zeros(self.shape, page.dtype) for name in self.names}
        self.output[self.done] = page[:, 0]
        for row, name in enumerate(self.names, start=1):
            self.state[name][self.done] = page[:, row]
        self.done += 1
        return True

    def finish(self) -> Recording:
        """What was recorded."""
        assert self.output is not None
        return Recording(self.output, self.state, self.population.offset)


def _run_once(
    program: Program,
    values: Mapping[str, Array],
    record: Record,
    progress: Progress,
    deadline: Deadline,
) -> Trace:
    samples, steps = next(iter(values.values())).shape[:2]
    period = steps + program.gap
    tables = {
        p.name: Timetable(samples, steps, period, p.offset, p.reset_phase)
        for p in program.populations
    }
    chosen = record.chosen(program)
    tapes = {
        p.name: _Tape(p, tables[p.name], p.neuron.state if record.state else ())
        for p in chosen
        if not isinstance(p.neuron, Source)
    }
    with _lava_as_before():
        taped = {name: tape.names for name, tape in tapes.items()}
        built = network.build(program, values, tables, taped)
        if built.populations:
            leader = next(iter(built.populations.values()))
            executable = leader.compile(
                Loihi2SimCfg(select_tag=_TAGS[program.arithmetic]),
                {"pypy_channel_size": _CHANNEL_SLOTS},
            )
            runtime = WatchedRuntime(executable, deadline)
            executable.assign_runtime_to_all_processes(runtime)
            try:
                runtime.initialize()
                runtime.begin(samples * period + program.latency)
                ports = {
                    name: built.populations[name].tape.external_pipe_csp_recv_port for name in tapes
                }
                _drain(runtime, tapes, ports, samples, progress)
            finally:
                runtime.stop()
    return Trace(
        {
            p.name: tapes[p.name].finish()
            if p.name in tapes
            else Recording(values[p.name], {}, p.offset)
            for p in chosen
        }
    )


def _drain(
    runtime: WatchedRuntime,
    tapes: Mapping[str, _Tape],
    ports: Mapping[str, Any],
    samples: int,
    progress: Progress,
) -> None:
    """Read the tapes while the network runs, so that none of them is ever full for long."""
    done, finished = 0, False
    while not finished or done < samples:
        news = [tape.read(ports[name]) for name, tape in tapes.items()]
        finished = finished or runtime.finished()
        before, done = done, min((t.done for t in tapes.values()), default=samples * finished)
        if done > before:
            progress(done, samples)
        if not any(news):
            runtime.watch(f"{done} of {samples} samples done")


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
