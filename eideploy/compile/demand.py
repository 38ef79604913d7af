"""What a stretch of a population takes of the core that it is placed on.

A stretch is neurons first … last − 1 in C order. Synapses lie with the neuron that receives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from eideploy.compile.chip import Chip
from eideploy.program import Array, Conv2d, Dense, Population, Program, Projection, planar

WORD_BYTES = 4
"""A state variable, a counter, an input being summed, or a parameter of its own: 32 bits each."""


@dataclass(frozen=True)
class Demand:
    """What neurons take of one core; `axons_out` depends on where the others are.

    Args:
        neurons: number of them.
        synapse_bytes: non-zero weights, of a shared kernel once.
        state_bytes: state, sums on ports and parameters that differ from neuron to neuron.
        axons_in: neurons elsewhere that they receive from.
        axons_out: pairs of one of them and a core that it reaches.
    """

    neurons: int
    synapse_bytes: int
    state_bytes: int
    axons_in: int
    axons_out: int = 0

    def shares(self, chip: Chip) -> dict[str, tuple[int, int]]:
        """What is used of each limit of a core and what there is, by name of the limit."""
        memory = self.synapse_bytes + self.state_bytes
        limits = {
            "neurons": (self.neurons, chip.neurons_per_core),
            "bytes of synapses": (self.synapse_bytes, chip.synapse_bytes_per_core),
            "bytes of memory": (memory, chip.memory_bytes_per_core),
            "incoming axons": (self.axons_in, chip.axons_in_per_core),
            "outgoing axons": (self.axons_out, chip.axons_out_per_core),
        }
        return {
            what: (used, limit.value) for what, (used, limit) in limits.items() if limit is not None
        }

    def broken(self, chip: Chip) -> tuple[str, int, int] | None:
        """The first limit of a core that is exceeded, as (what, needed, allowed)."""
        for what, (needed, allowed) in self.shares(chip).items():
            if needed > allowed:
                return what, needed, allowed
        return None


def demand(program: Program, chip: Chip, population: Population, first: int, last: int) -> Demand:
    """What neurons `first` … `last` − 1 of a population take, axons out apart.

    Weights take as many bits as the Program was quantized to.
    """
    bits = int(program.metadata.get("weight_bits", 8))
    synapses = 0
    senders: dict[str, int] = {}
    for projection in program.into(population.name):
        count, sources = _synapses(program, chip, projection, first, last)
        synapses += count
        senders[projection.source] = max(senders.get(projection.source, 0), sources)
    neuron = population.neuron
    parameters = neuron.parameters()
    own = [values for values in parameters.values() if values.size > 1]
    counters = len(neuron.counters) if np.any(parameters.get("refractory", 0)) else 0
    words = len(neuron.state) + counters + len(neuron.ports) + len(own)
    neurons = last - first
    return Demand(
        neurons=neurons,
        synapse_bytes=math.ceil(synapses * bits / 8),
        state_bytes=neurons * words * WORD_BYTES,
        axons_in=sum(senders.values()),
    )


def _synapses(
    program: Program, chip: Chip, projection: Projection, first: int, last: int
) -> tuple[int, int]:
    """Weights that are stored for a stretch of the target, and neurons of the source it needs.

    Of a convolution these are all in the box around what its windows see: never fewer.
    """
    weight = projection.operator.weight
    match projection.operator:
        case Dense():
            rows = weight[first:last] != 0
            return int(np.count_nonzero(rows)), int(np.count_nonzero(rows.any(axis=0)))
        case Conv2d() as conv:
            shapes = (program.by_name[end].shape for end in (projection.source, projection.target))
            source, target = map(planar, shapes)
            channels, rows, columns = _window(target, first, last)
            stored = _kernels(conv, channels)
            if not chip.shared_kernels.value:
                # Each position has synapses of its own; padding that cuts some off is not counted.
                stored = math.ceil(stored / len(channels) * (last - first))
            groups = _groups(conv, target[0], channels)
            seen = [
                _seen(extent, axis, conv, window)
                for axis, (extent, window) in enumerate(
                    zip(source[1:], (rows, columns), strict=True)
                )
            ]
            return stored, groups * conv.weight.shape[1] * math.prod(seen)
    return last - first, last - first


def _window(target: tuple[int, ...], first: int, last: int) -> tuple[range, range, range]:
    """Channels, rows and columns of a plane that a stretch touches."""
    _, height, width = target
    size = height * width
    channels = range(first // size, (last - 1) // size + 1)
    if len(channels) > 1:
        return channels, range(height), range(width)
    rows = range(first % size // width, (last - 1) % size // width + 1)
    if len(rows) > 1:
        return channels, rows, range(width)
    return channels, rows, range(first % width, (last - 1) % width + 1)


def _kernels(conv: Conv2d, channels: range) -> int:
    """Non-zero weights of the kernels of some output channels."""
    kernels: Array = conv.weight[channels.start : channels.stop]
    return int(np.count_nonzero(kernels))


def _groups(conv: Conv2d, channels_in_all: int, channels: range) -> int:
    """Groups of a convolution that some output channels belong to."""
    each = channels_in_all // conv.groups
    return (channels.stop - 1) // each - channels.start // each + 1


def _seen(extent: int, axis: int, conv: Conv2d, window: range) -> int:
    """Positions of the source along one axis that a window of the target sees."""
    stride, padding = conv.stride[axis], conv.padding[axis]
    reach = (conv.weight.shape[2 + axis] - 1) * conv.dilation[axis]
    low = max(0, window.start * stride - padding)
    high = min(extent, (window.stop - 1) * stride - padding + reach + 1)
    return max(0, high - low)


@dataclass(frozen=True)
class Usage:
    """What a Program takes in all, wherever it is placed."""

    neurons: int
    synapse_bytes: int


def usage(program: Program) -> Usage:
    """Count neurons but the inputs, and non-zero weights of a byte; of a convolution the kernel."""
    inputs = {population.name for population in program.sources}
    return Usage(
        neurons=sum(p.size for p in program.populations if p.name not in inputs),
        synapse_bytes=sum(
            int(np.count_nonzero(projection.operator.weight)) for projection in program.projections
        ),
    )
