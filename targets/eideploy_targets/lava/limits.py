"""What Lava's processes cannot hold is refused here by name, before anything starts.

Lava itself wraps or clips silently. Only what would then differ from the reference is refused, so
that a Program changed on purpose still runs as hardware would run it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eideploy.compile.ranges import Range, delivered_range, emitted_ranges, port_ranges
from eideploy.errors import InputError, UnsupportedError
from eideploy.program import (
    Conv2d,
    Dense,
    EINeuron,
    EINeuronFixed,
    Identity,
    Integrator,
    IntegratorFixed,
    LIFNeuron,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Relay,
    Source,
)

NEURONS = (
    EINeuron,
    EINeuronFixed,
    Integrator,
    IntegratorFixed,
    LIFNeuron,
    LIFNeuronFixed,
    Relay,
    Source,
)
OPERATORS = (Conv2d, Dense, Identity)

WEIGHTS = {"mixed": (-256, 254, 2), "excitatory": (0, 255, 1), "inhibitory": (-255, 0, 1)}
"""Least and largest weight and step between two, as Lava's Dense clips and truncates them."""

ACCUMULATOR = 2**31 - 1
"""Lava's Dense and our synapses send 32 bits (lava/proc/dense/models.py)."""

CONV_ACCUMULATOR = 2**23 - 1
"""Lava's Conv wraps its sums to 24 bits (lava/proc/conv/utils.py, `signed_clamp`)."""

LIF_PORT = 2**24
"""Lava's LIF adds 2⁶·x to u, |u| ≤ 2²³, in 32 bits (lava/proc/lif/models.py)."""


def check(program: Program, arithmetic: str, steps: int, *, stock: bool = False) -> None:
    """Refuse what cannot run as it is meant.

    Args:
        program: to be run.
        arithmetic: what the target runs.
        steps: logical steps of a sample.
        stock: whether convolutions are Lava's own `Conv`.

    Raises:
        InputError: the Program was not aligned, or resets beyond the end of a sample.
        UnsupportedError: a number or a part does not fit Lava's processes.
    """
    if program.arithmetic != arithmetic:
        raise UnsupportedError(
            f"this target runs {arithmetic} Programs; this one has {program.arithmetic} arithmetic",
            "Use target 'lava-float' for float Programs, 'lava-fixed' for integer ones.",
        )
    for projection in program.projections:
        if projection.delay < 1:
            raise InputError(f"projection {projection.name} has no delay: it was not aligned")
        if type(projection.operator) not in OPERATORS:
            _refuse(projection, f"operator {type(projection.operator).__name__} is unknown here")
    for population in program.populations:
        if (population.reset_phase or 0) >= steps:
            raise InputError(
                f"population {population.name!r} is reset at step {population.reset_phase}, "
                f"but a sample has {steps} steps"
            )
        if type(population.neuron) not in NEURONS:
            raise UnsupportedError(
                f"population {population.name!r}: neuron model "
                f"{type(population.neuron).__name__} is unknown here"
            )
    if program.arithmetic == "integer":
        _check_weights(program)
        _check_sums(program, stock)
    elif any(projection.exponent for projection in program.projections):
        raise InputError("a float Program has no weight exponents")


def _check_weights(program: Program) -> None:
    """Weights that Lava's Dense would clip or truncate."""
    for projection in program.projections:
        if not isinstance(projection.operator, Dense):
            continue
        low, high, step = WEIGHTS[projection.sign]
        weight = projection.operator.weight
        wrong = (weight < low) | (weight > high) | (weight % step != 0)
        if np.any(wrong):
            row, column = np.argwhere(wrong)[0]
            kind = "even weights" if step == 2 else "weights"
            _refuse(
                projection,
                f"Lava's Dense holds {kind} in {low}…{high} where signs are {projection.sign}; "
                f"weight [{row}, {column}] is {weight[row, column]}",
            )


def _check_sums(program: Program, stock: bool) -> None:
    """Sums that would wrap in Lava and not in the reference, for any stimulus in range."""
    ports, emitted = port_ranges(program), emitted_ranges(program)
    for population in program.populations:
        if isinstance(population.neuron, (Source, Relay)):
            _check_sum(f"population {population.name!r}", emitted[population.name], ACCUMULATOR)
        if isinstance(population.neuron, (LIFNeuronFixed, IntegratorFixed)):
            what = f"the input of population {population.name!r}"
            _check_sum(what, _biased(population, ports[population.name, "input"]), LIF_PORT)
    for projection in program.projections:
        conv = stock and isinstance(projection.operator, Conv2d)
        if conv and projection.exponent < 0:
            _refuse(projection, f"Lava's Conv has no weight exponent {projection.exponent} < 0")
        # A shift to the right comes after the sum, which is then the larger of the two.
        widest = replace(projection, exponent=max(projection.exponent, 0))
        source = program.by_name[projection.source]
        bound = delivered_range(widest, source.shape, emitted[projection.source])
        limit = CONV_ACCUMULATOR if conv else ACCUMULATOR
        _check_sum(f"projection {projection.name}", bound, limit)


def _biased(population: Population, port: Range) -> Range:
    """What is shifted and added to u: the sum on the port and the bias of the current."""
    bias = np.broadcast_to(population.neuron.parameters()["current_bias"], population.shape)
    return port + Range(bias, bias)


def _check_sum(what: str, bound: Range, limit: int) -> None:
    largest = float(np.max(bound.magnitude, initial=0))
    if largest > limit:
        raise UnsupportedError(
            f"{what} can reach {largest:.0f}, beyond the {limit} that Lava holds there",
            "Use fewer weight bits, smaller exponents or a smaller input range.",
        )


def _refuse(projection: Projection, why: str) -> None:
    raise UnsupportedError(f"projection {projection.name}: {why}")
