"""Run a network file with `lava.lib.dl.netx` on Lava's runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from lava.lib.dl.netx import hdf5
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.source import RingBuffer

from eideploy.errors import UnsupportedError
from eideploy.program import (
    Array,
    Conv2d,
    IntegratorFixed,
    LIFNeuronFixed,
    Population,
    Program,
    Recording,
    Relay,
    Source,
    Stimulus,
    Trace,
    encode,
    planar,
)
from eideploy.program.neuron import CURRENT_SHIFT
from eideploy.simulate.record import Progress, Record
from eideploy_targets.lava.leftovers import lava_as_before
from eideploy_targets.lava.workers import Deadline, WatchedRuntime, running
from eideploy_targets.netx.processes.tap import PotentialTap, SpikeTap
from eideploy_targets.netx.quiet import quiet

GRADED_BITS = 24
"""Message bits of an input of more than spikes; netx asks only whether there are any."""


def run(
    program: Program,
    path: Path,
    stimulus: Stimulus,
    record: Record,
    progress: Progress | None,
    *,
    timeout: float | None,
    chunk: int,
) -> Trace:
    """Run the network in a file.

    Args:
        program: what is in the file, which says how its input and its outputs are to be taken.
        path: the file.
        stimulus: values [sample, step, *shape] for its input.
        record: which populations to keep.
        progress: called with (samples done, samples in all).
        timeout: seconds in all; None for never.
        chunk: samples that are streamed in one run.
    """
    (source,) = program.sources
    values = encode(program, stimulus)[source.name]
    deadline = Deadline(timeout)
    size = chunk
    if program.gap:
        _check_start(program)
        size = 1
    parts = []
    for first in range(0, len(values), size):

        def report(done: int, first: int = first) -> None:
            if progress:
                progress(first + done, len(values))

        shown = values[first : first + size]
        parts.append(_run_once(program, path, shown, record, deadline, report))
    return Trace.concatenate(parts)


def _check_start(program: Program) -> None:
    """Refuse neurons that would spike by their bias alone before the sample reaches them.

    netx runs all layers from the first step on, and a loop or a delay would carry such a spike into
    the sample. Without input, |v| grows by the bias in each step at most.
    """
    for population in program.populations:
        if isinstance(population.neuron, LIFNeuronFixed):
            neuron = population.neuron
            bias = neuron.bias_mantissa << neuron.bias_exponent
            if np.any(population.offset * bias > neuron.threshold << CURRENT_SHIFT):
                raise UnsupportedError(
                    f"population {population.name!r}: its bias alone makes a neuron spike before "
                    "the sample reaches it, and netx would carry that into the sample",
                    "Run this Program on another target, such as lava-fixed.",
                )


def _run_once(
    program: Program,
    path: Path,
    values: Array,
    record: Record,
    deadline: Deadline,
    report: Callable[[int], None],
) -> Trace:
    """Stream samples [sample, step, *shape] through one network; only one if it has a gap."""
    samples, steps = values.shape[:2]
    steps_in_all = samples * steps + program.latency
    (source,) = program.sources
    chosen = record.chosen(program)
    order = sorted(program.populations, key=lambda p: p.offset)
    with lava_as_before():
        with quiet():
            network = hdf5.Network(
                str(path),
                input_message_bits=0 if _spikes(source) else GRADED_BITS,
                reset_interval=steps if program.gap == 0 else steps_in_all + program.latency,
                reset_offset=1,  # the source sends in step 1, the first layer works from step 2 on
            )
        feed = RingBuffer(data=_timed(network.inp.shape, source, values, program.latency))
        feed.s_out.connect(network.inp)
        taps = {
            population.name: _tap(layer, population, steps)
            for population, layer in zip(order[1:], network.layers, strict=True)
            if population in chosen
        }
        try:
            with quiet():
                executable = network.compile(Loihi2SimCfg(select_tag="fixed_pt"), {})
            with running(executable, steps_in_all, deadline) as runtime:
                pages = _collect(runtime, taps, samples, report)
        finally:
            network.net_config.f.close()
    return Trace(
        {
            population.name: Recording(values, {}, 0)
            if population is source
            else _recording(program, population, pages[population.name])
            for population in chosen
        }
    )


def _spikes(source: Population) -> bool:
    """Whether an input is 0 or 1."""
    neuron = source.neuron
    assert isinstance(neuron, Source)
    ends = np.array([neuron.minimum * neuron.scale, neuron.maximum * neuron.scale])
    return bool(np.all(ends >= 0) and np.all(ends <= 1))


def _timed(shape: tuple[int, ...], source: Population, values: Array, latency: int) -> Array:
    """Stimulus as netx takes it, [n, step] or [x, y, channel, step]."""
    stream = values.reshape(-1, *source.shape)
    if len(shape) == 3:
        stream = stream.reshape(-1, *planar(source.shape)).transpose(3, 2, 1, 0)
    else:
        stream = stream.reshape(len(stream), -1).T
    ends = [(0, 0)] * (stream.ndim - 1) + [(0, latency)]
    return np.pad(stream, ends).astype(np.int32)


def _tap(layer: Any, population: Population, steps: int) -> Any:
    """A tap on what a layer sends, or on its potential where it is there to be read."""
    if population.neuron.spiking:
        tap = SpikeTap(population.name, layer.out.shape, population.offset, steps)
        layer.out.connect(tap.inp)
    else:
        tap = PotentialTap(population.name, layer.out.shape, population.offset, steps)
        tap.variable.connect_var(layer.neuron.v)
    return tap


def _collect(
    runtime: WatchedRuntime, taps: Mapping[str, Any], samples: int, report: Callable[[int], None]
) -> dict[str, list[Array]]:
    """Read the pages of all taps while the network runs: one for each sample.

    A layer that is far from the last goes on until that is done, which may fill another page.
    """
    pages: dict[str, list[Array]] = {name: [] for name in taps}
    finished, done = False, 0
    while not finished or done < samples:
        news = False
        for name, tap in taps.items():
            port = tap.page.external_pipe_csp_recv_port
            if port.probe():
                page = port.recv().copy()
                if len(pages[name]) < samples:
                    pages[name].append(page)
                news = True
        finished = finished or runtime.proceed()
        before, done = done, min(map(len, pages.values()), default=samples * finished)
        if done > before:
            report(done)
        if not news:
            runtime.watch(f"{done} of {samples} samples done")
    return pages


def _recording(program: Program, population: Population, pages: list[Array]) -> Recording:
    """Pages [step, neuron] of all samples as [sample, step, *shape] of the population."""
    values = np.stack(pages)
    shape = values.shape[:2]
    if any(isinstance(p.operator, Conv2d) for p in program.into(population.name)):
        # netx has [x, y, channel]
        values = values.reshape(*shape, *planar(population.shape)[::-1]).transpose(0, 1, 4, 3, 2)
    values = values.reshape(*shape, *population.shape)
    match population.neuron:
        case Relay(shift, _):
            values = _rounded(values >> CURRENT_SHIFT, shift)
        case IntegratorFixed():
            values = _rounded(values, population.neuron.shift)
        case _:
            values = values.astype(np.uint8)
    return Recording(values, {}, population.offset)


def _rounded(values: Array, shift: Array) -> Array:
    """values / 2^shift, halves up."""
    return (values + ((1 << shift) >> 1)) >> shift
