"""Program → Lava processes and the connections between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from lava.proc.conv.process import Conv
from lava.proc.dense.process import Dense
from lava.proc.io.source import RingBuffer
from lava.utils.weightutils import SignMode

from eideploy import program as nouns
from eideploy.program import Array, Program, Projection
from eideploy_targets.lava.population import PopulationProcess
from eideploy_targets.lava.processes.ei.neuron import EINeuron, EINeuronFixed
from eideploy_targets.lava.processes.lif.neuron import Integrator, LIFNeuron, LIFNeuronFixed
from eideploy_targets.lava.processes.one_to_one.synapse import OneToOne
from eideploy_targets.lava.processes.relay.relay import Relay
from eideploy_targets.lava.timetable import Timetable

PROCESSES: dict[type[nouns.Neuron], type[PopulationProcess]] = {
    nouns.EINeuron: EINeuron,
    nouns.EINeuronFixed: EINeuronFixed,
    nouns.Integrator: Integrator,
    nouns.LIFNeuron: LIFNeuron,
    nouns.LIFNeuronFixed: LIFNeuronFixed,
    nouns.Relay: Relay,
}
"""The process of each neuron model."""

GRADED_BITS = 24
"""Message bits of graded payloads."""

_SIGN_MODES = {
    "mixed": SignMode.MIXED,
    "excitatory": SignMode.EXCITATORY,
    "inhibitory": SignMode.INHIBITORY,
}


@dataclass(frozen=True, eq=False)
class Network:
    """Processes by name of their population.

    Args:
        sources: what emits the stimulus.
        populations: what is computed.
        synapses: what lies between.
    """

    sources: Mapping[str, Any]
    populations: Mapping[str, PopulationProcess]
    synapses: tuple[Any, ...]


def build(
    program: Program,
    values: Mapping[str, Array],
    tables: Mapping[str, Timetable],
    taped: Mapping[str, tuple[str, ...]],
) -> Network:
    """Make and connect the processes.

    Args:
        program: what `check` lets pass.
        values: stimulus of each source [sample, step, *shape], in the numbers of the Program.
        tables: when each population works.
        taped: for the populations to record, the names of their state variables to keep.
    """
    heard = {projection.source for projection in program.projections}
    sources = {}
    for name in values:
        if name in heard:
            sources[name] = RingBuffer(data=_timed(values[name], tables[name], program.latency))
            sources[name].proc_params["name"] = name  # for messages; RingBuffer takes no name
    populations = {
        population.name: PROCESSES[type(population.neuron)](
            population, tables[population.name], taped.get(population.name)
        )
        for population in program.populations
        if not isinstance(population.neuron, nouns.Source)
    }
    for one, next_one in pairwise(populations.values()):
        one.tie_out.connect(next_one.tie_in)
    emitters = {name: process.s_out for name, process in {**sources, **populations}.items()}
    axons: dict[tuple[str, int], OneToOne] = {}
    synapses = []
    for projection in program.projections:
        target = populations[projection.target]
        receiver = getattr(target, target.lava_names.get(projection.port, projection.port))
        emitter = emitters[projection.source]
        # Lava's own synapses take one step; what is to take more waits in front of them.
        wait = 0 if isinstance(projection.operator, nouns.Identity) else projection.delay - 1
        if wait:
            key = projection.source, wait
            if key not in axons:
                size = program.by_name[projection.source].size
                axons[key] = OneToOne(f"{projection.source} (delayed)", size, wait)
                emitter.connect(axons[key].s_in)
            emitter = axons[key].a_out
        synapses.append(_wire(program, projection, emitter, receiver))
    return Network(sources, populations, (*axons.values(), *synapses))


def _timed(values: Array, timetable: Timetable, latency: int) -> Array:
    """Stimulus [sample, step, *shape] in hardware time [neuron, step], with its silences."""
    steps = timetable.samples * timetable.period + latency
    timed = np.zeros((values[0, 0].size, steps), values.dtype)
    for step in range(steps):
        if (t := timetable.at(step)) is not None:
            timed[:, step] = values[(step - timetable.offset) // timetable.period, t].ravel()
    return timed


def _wire(program: Program, projection: Projection, emitter: Any, receiver: Any) -> Any:
    """Put the synapses of a projection between two ports of neurons in a row."""
    source = program.by_name[projection.source]
    operator = projection.operator
    options = {
        "name": projection.name,
        # 0 makes Lava gather and sum columns for spikes, which is exact in integers. In float64 the
        # product is nearer to the reference: it adds in the same order.
        "num_message_bits": GRADED_BITS
        if program.arithmetic == "float" or not source.neuron.spiking
        else 0,
    }
    match operator:
        case nouns.Identity(weight):
            synapse = OneToOne(
                projection.name, source.size, projection.delay, weight, projection.exponent
            )
        case nouns.Conv2d():
            # Lava has [x, y, channel], and flips its kernels (a convolution, where ours is a
            # cross-correlation).
            weight = operator.weight[:, :, ::-1, ::-1].transpose(0, 3, 2, 1)
            synapse = Conv(
                weight=weight * 2**projection.exponent,
                input_shape=source.shape[::-1],
                stride=operator.stride[::-1],
                padding=operator.padding[::-1],
                dilation=operator.dilation[::-1],
                groups=operator.groups,
                **options,
            )
            axes = (2, 1, 0)
            emitter.reshape(source.shape).transpose(axes).connect(synapse.s_in)
            synapse.a_out.transpose(axes).reshape(receiver.shape).connect(receiver)
            return synapse
        case _:
            synapse = Dense(
                weights=operator.weight,
                weight_exp=projection.exponent,
                sign_mode=_SIGN_MODES[projection.sign],
                **options,
            )
    emitter.connect(synapse.s_in)
    synapse.a_out.connect(receiver)
    return synapse
