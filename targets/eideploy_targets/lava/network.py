"""Program → Lava processes and the connections between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lava.magma.core.process.process import AbstractProcess
from lava.proc.conv.process import Conv
from lava.proc.dense.process import Dense
from lava.proc.io.source import RingBuffer
from lava.utils.weightutils import SignMode

from eideploy import program as nouns
from eideploy.errors import UnsupportedError
from eideploy.program import Array, Program, Projection
from eideploy_targets.lava.population import PopulationProcess
from eideploy_targets.lava.processes.convolution.synapse import Convolution
from eideploy_targets.lava.processes.ei.neuron import EINeuron, EINeuronFixed
from eideploy_targets.lava.processes.lif.neuron import (
    Integrator,
    IntegratorFixed,
    LIFNeuron,
    LIFNeuronFixed,
)
from eideploy_targets.lava.processes.one_to_one.synapse import OneToOne
from eideploy_targets.lava.processes.relay.relay import Relay
from eideploy_targets.lava.timetable import Timetable

PROCESSES: dict[type[nouns.Neuron], type[PopulationProcess]] = {
    nouns.EINeuron: EINeuron,
    nouns.EINeuronFixed: EINeuronFixed,
    nouns.Integrator: Integrator,
    nouns.IntegratorFixed: IntegratorFixed,
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

_SWAP = (2, 1, 0)
"""Lava's convolution has [x, y, channel] where ours has [channel, y, x]."""


@dataclass(frozen=True)
class Network:
    """Connected processes: those of populations and sources by name, and all there are."""

    populations: Mapping[str, PopulationProcess]
    sources: Mapping[str, RingBuffer]
    processes: tuple[AbstractProcess, ...]


def build(
    program: Program,
    streams: Mapping[str, Array],
    tables: Mapping[str, Timetable],
    taped: Mapping[str, tuple[str, ...]],
    stock: bool,
) -> Network:
    """Make and connect the processes.

    Args:
        program: what `limits.check` lets pass.
        streams: what each source emits, [neuron, hardware step], again and again.
        tables: when each population works.
        taped: for the populations to record, the names of their state variables to keep.
        stock: whether convolutions are Lava's own `Conv`.
    """
    populations = {
        population.name: PROCESSES[type(population.neuron)](
            population, tables[population.name], taped.get(population.name)
        )
        for population in program.populations
        if not isinstance(population.neuron, nouns.Source)
    }
    for one, another in pairwise(populations.values()):
        one.tie_out.connect(another.tie_in)
    # What each population emits, by (name, hardware steps ago).
    emitters = {(name, 0): process.s_out for name, process in populations.items()}
    sources, synapses = {}, []
    for projection in program.projections:
        if (projection.source, 0) not in emitters:
            name = projection.source
            sources[name] = RingBuffer(data=streams[name])
            sources[name].proc_params["name"] = name  # for messages; RingBuffer takes no name
            emitters[name, 0] = sources[name].s_out
        # Synapses of Lava take one step; what is to take more waits in front of them.
        identity = isinstance(projection.operator, nouns.Identity)
        when = projection.source, 0 if identity else projection.delay - 1
        if when not in emitters:
            line = OneToOne(
                f"{projection.source} (delayed)",
                program.by_name[projection.source].size,
                delay=projection.delay - 1,
            )
            emitters[projection.source, 0].connect(line.s_in)
            emitters[when] = line.a_out
            synapses.append(line)
        target = populations[projection.target]
        receiver = getattr(target, target.lava_names.get(projection.port, projection.port))
        synapses.append(_wire(program, projection, emitters[when], receiver, stock))
    return Network(populations, sources, (*populations.values(), *sources.values(), *synapses))


def _wire(
    program: Program, projection: Projection, emitter: Any, receiver: Any, stock: bool
) -> AbstractProcess:
    """Put the synapses of a projection between two ports, both of neurons in a row."""
    source = program.by_name[projection.source]
    # 0 makes Lava sum the columns that spike, which is what a chip does. In float64 it multiplies
    # instead, to add in the same order as the reference.
    graded = program.arithmetic == "float" or not source.neuron.spiking
    options = {"name": projection.name, "num_message_bits": GRADED_BITS if graded else 0}
    match projection.operator:
        case nouns.Dense(weight):
            dense = Dense(
                weights=weight,
                weight_exp=projection.exponent,
                sign_mode=_SIGN_MODES[projection.sign],
                **options,
            )
            emitter.connect(dense.s_in)
            dense.a_out.connect(receiver)
            return dense
        case nouns.Identity(weight):
            synapse = OneToOne(
                projection.name, source.size, projection.delay, weight, projection.exponent
            )
            emitter.connect(synapse.s_in)
            synapse.a_out.connect(receiver)
            return synapse
        case nouns.Conv2d() as operator if not stock:
            convolution = Convolution(
                projection.name, nouns.planar(source.shape), operator, projection.exponent
            )
            emitter.connect(convolution.s_in)
            convolution.a_out.connect(receiver)
            return convolution
        case nouns.Conv2d(weight, stride, padding, dilation, groups):
            shape = nouns.planar(source.shape)
            conv = Conv(
                # A convolution, where ours is a cross-correlation: flipped. It ignores exponents.
                weight=weight[:, :, ::-1, ::-1].transpose(0, 3, 2, 1) * 2**projection.exponent,
                input_shape=shape[::-1],
                stride=stride[::-1],
                padding=padding[::-1],
                dilation=dilation[::-1],
                groups=groups,
                **options,
            )
            emitter.reshape(shape).transpose(_SWAP).connect(conv.s_in)
            conv.a_out.transpose(_SWAP).reshape(receiver.shape).connect(receiver)
            return conv
    raise UnsupportedError(f"projection {projection.name}: Lava has no such operator")
