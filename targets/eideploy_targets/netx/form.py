"""Pass `netx-form`: an integer Program in the numbers that a file of lava-dl can say.

lava-dl has no weight exponents, and biases in units of 2⁶. Its thresholds are therefore in units of
the weights: coarser than a chip could have them, as in any network trained with slayer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from eideploy.compile.overflow import current_bound
from eideploy.compile.ranges import Range, port_ranges
from eideploy.errors import QuantizationError
from eideploy.program import (
    Array,
    IntegratorFixed,
    LIFNeuronFixed,
    Neuron,
    Population,
    Program,
    Projection,
    Relay,
    Source,
)
from eideploy.program.neuron import STATE_BITS, STATE_MAX
from eideploy_targets.netx.exporting import refuse_circuits, to_network
from eideploy_targets.netx.layers import BIAS_EXPONENT
from eideploy_targets.netx.sums import READ_MAX

THRESHOLD_MAX = LIFNeuronFixed.ranges["threshold"][1]
BIAS_MANTISSA_MAX = LIFNeuronFixed.ranges["bias_mantissa"][1]
BIAS_MAX = BIAS_MANTISSA_MAX * 2**BIAS_EXPONENT


@dataclass(frozen=True)
class NetxForm:
    """Integer Program → the same without weight exponents, each layer a step behind the last.

    Weights into a population with exponent e, the largest of its projections, become weights with
    exponent 0; its threshold and bias are divided by 2^e and rounded. Where a register could not
    hold them, or a sum that is read, e is larger and weights lose bits. What an output loses goes
    into the metadata `output_scale`.
    """

    name: ClassVar[str] = "netx-form"
    requires: ClassVar[frozenset[str]] = frozenset({"quantized", "aligned"})
    ensures: ClassVar[frozenset[str]] = frozenset()

    def __call__(self, program: Program) -> Program:
        """Raises `UnsupportedError` naming what netx has no layer for, or cannot hold."""
        refuse_circuits(program)
        scale = dict(program.metadata.get("output_scale", {}))
        exponents = _exponents(program)
        offsets = _depths(program)
        populations = []
        for population in program.populations:
            neuron, loss = _in_units(population, exponents.get(population.name, 0))
            if population.name in scale:
                scale[population.name] /= 2.0**loss
            populations.append(replace(population, neuron=neuron, offset=offsets[population.name]))
        projections = [
            replace(
                _without_exponent(p, exponents[p.target]),
                delay=program.slack(p) + offsets[p.target] - offsets[p.source],
            )
            for p in program.projections
        ]
        metadata = {**program.metadata, "output_scale": scale} if scale else program.metadata
        changed = replace(
            program,
            populations=tuple(populations),
            projections=tuple(projections),
            metadata=metadata,
        )
        to_network(changed)  # refuses what netx has no layer for
        return changed


def _exponents(program: Program) -> dict[str, int]:
    """The unit of each population, as a power of two: no smaller than what netx can hold."""
    ranges = port_ranges(program)
    return {
        population.name: max(
            max((p.exponent for p in program.into(population.name)), default=0),
            _least_exponent(population, ranges[population.name, "input"]),
        )
        for population in program.populations
        if not isinstance(population.neuron, Source)
    }


def _least_exponent(population: Population, port: Range) -> int:
    """The smallest e with which threshold, bias, current and what is read fit into 24 bits."""
    match population.neuron:
        case Relay() as relay:
            total = Range(port.low + relay.bias, port.high + relay.bias).magnitude
            ratios = [np.max(total) / READ_MAX, np.max(np.abs(relay.bias)) / BIAS_MANTISSA_MAX]
        case LIFNeuronFixed() | IntegratorFixed() as neuron:
            bias = neuron.bias_mantissa << neuron.bias_exponent
            current = np.max(current_bound(population, port)) / STATE_MAX
            ratios = [np.max(np.abs(bias)) / BIAS_MAX, current]
            if isinstance(neuron, LIFNeuronFixed):
                ratios.append(np.max(neuron.threshold) / THRESHOLD_MAX)
        case _:
            ratios = []
    return max((math.ceil(math.log2(ratio)) for ratio in ratios if ratio > 0), default=-STATE_BITS)


def _depths(program: Program) -> dict[str, int]:
    """Layers from the inputs to each population, loops left out; as it is where that fails."""
    depths = {population.name: 0 for population in program.sources}
    forward = [p for p in program.projections if p.source != p.target]
    for _ in program.populations:
        for projection in forward:
            if projection.source in depths:
                depth = depths[projection.source] + 1
                depths[projection.target] = max(depth, depths.get(projection.target, 0))
    chain = len(depths) == len(program.populations) == len(forward) + 1
    return depths if chain else {p.name: p.offset for p in program.populations}


def _in_units(population: Population, exponent: int) -> tuple[Neuron, int]:
    """The neuron in units of 2^exponent, and by how many bits its output is less for it."""
    match population.neuron:
        case LIFNeuronFixed() as lif:
            threshold = _divided(lif.threshold, exponent)
            if np.any(threshold < 1):
                raise QuantizationError(
                    f"population {population.name!r}: a threshold of {lif.threshold.min()} is "
                    f"less than half of 2^{exponent}, the unit of its weights",
                    "Its weights are too large beside its threshold; use another target.",
                )
            bias = _divided(lif.bias_mantissa << lif.bias_exponent, exponent + BIAS_EXPONENT)
            return replace(
                lif, bias_mantissa=bias, bias_exponent=BIAS_EXPONENT, threshold=threshold
            ), 0
        case IntegratorFixed() as integrator:
            value = integrator.bias_mantissa << integrator.bias_exponent
            shift = max(int(integrator.shift) - exponent, 0)
            return replace(
                integrator,
                bias_mantissa=_divided(value, exponent + BIAS_EXPONENT),
                bias_exponent=BIAS_EXPONENT,
                shift=shift,
            ), exponent + shift - int(integrator.shift)
        case Relay() as relay:
            shift = max(int(relay.shift) - exponent, 0)
            neuron = replace(relay, bias=_divided(relay.bias, exponent), shift=shift)
            return neuron, exponent + shift - int(relay.shift)
        case other:
            return other, 0


def _without_exponent(projection: Projection, exponent: int) -> Projection:
    """Weights in units of 2^exponent, as far as they can be told."""
    step = 2 if projection.sign == "mixed" else 1
    lost = exponent - projection.exponent
    weight = projection.operator.weight
    if lost and np.any(weight):
        weight = step * _divided(weight // step, lost)
        if not np.any(weight):
            raise QuantizationError(
                f"projection {projection.name}: all weights became 0 in units of 2^{exponent}",
                "They are too small beside the threshold or the bias; use another target.",
            )
    return replace(projection, operator=replace(projection.operator, weight=weight), exponent=0)


def _divided(values: Array, exponent: int) -> Array:
    """Values / 2^exponent, rounded to the nearest."""
    return np.rint(values / 2.0**exponent).astype(np.int64)
