"""Pass `fold`: pools, Scales and gains of neurons become part of the weights beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from eideploy.compile.membrane import compact
from eideploy.compile.passes import Pools
from eideploy.compile.pool import behind_pool
from eideploy.compile.scaling import scale_columns, scale_rows
from eideploy.compile.synapses import signed
from eideploy.program import (
    Array,
    EINeuron,
    Identity,
    Integrator,
    LIFNeuron,
    Neuron,
    Operator,
    Population,
    Program,
    Projection,
    Relay,
)

Shape = tuple[int, ...]

_GAINED_PORT = {LIFNeuron: "input", Integrator: "input", EINeuron: "balanced"}
"""Port whose sum a model multiplies by its gain."""


@dataclass(frozen=True)
class Fold:
    """Program → the same Program with fewer relays and gains, wherever that is exact.

    A pool and the operators behind it become one, see `eideploy.compile.pool`, and its relay goes;
    where that would not be exact for each of them, or the pool is an output, the relay stays.

    A Scale, diag(s), becomes part of the operators behind it, W·diag(s), or of those in front of
    it, diag(s)·W, with s⊙b as a constant input of what it drives where these have a bias b. A
    kernel can hold one factor for each channel; else there is a relay between the two.

    gain·(W·x) = (diag(gain)·W)·x. Of a gain that differs from pixel to pixel only the largest value
    can go into the shared kernel of a convolution; the rest stays where it is. Constant inputs
    include the gain already and stay as they are.

    Args:
        pool: `relay` leaves pools as they are: a kernel of 6×6 in place of 3×3 has four times the
            weights.
    """

    pool: Pools = "fold"

    name: ClassVar[str] = "fold"
    requires: ClassVar[frozenset[str]] = frozenset({"program"})
    ensures: ClassVar[frozenset[str]] = frozenset({"folded"})

    def __call__(self, program: Program) -> Program:
        """Nothing is raised: what cannot be folded stays."""
        pools = program.metadata.get("pools", ()) if self.pool == "fold" else ()
        for name in (*pools, *program.metadata.get("scales", ())):
            program = _without_relay(program, program.by_name[name])
        for population in program.populations:
            port = _GAINED_PORT.get(type(population.neuron))
            if port is not None:
                program = _fold_gain(program, population, port)
        return program


def _without_relay(program: Program, relay: Population) -> Program:
    """The Program without a relay, if all that it drives can do without."""
    into = program.into(relay.name)
    populations = {p.name: p for p in program.populations if p is not relay}
    projections: list[Projection] = []
    if relay.name in (*program.outputs, *(projection.source for projection in into)):
        return program
    for old in program.projections:
        if old.source == relay.name:
            driven = _biased(populations[old.target], relay, old)
            if driven is None:
                return program
            populations[old.target] = driven
            for first in into:
                source = program.by_name[first.source]
                ends = source.shape, relay.shape, driven.shape
                operator = _composed(first.operator, old.operator, *ends)
                if operator is None:
                    return program
                delay = first.delay + old.delay
                merged = replace(old, source=source.name, operator=operator, delay=delay)
                projections.append(signed(merged))
        elif old.target != relay.name:
            projections.append(old)
    left = {
        kind: [name for name in program.metadata.get(kind, ()) if name != relay.name]
        for kind in ("pools", "scales")
    }
    return replace(
        program,
        populations=tuple(populations.values()),
        projections=tuple(projections),
        metadata={**program.metadata, **left},
    )


def _composed(
    first: Operator, second: Operator, source: Shape, relay: Shape, target: Shape
) -> Operator | None:
    """The operator that does what `first` and then `second` do, or None if there is none."""
    if isinstance(first, Identity):
        operator = scale_columns(second, _spread(first.weight, relay), relay)
    elif isinstance(second, Identity):
        operator = scale_rows(first, _spread(second.weight, relay), relay)
    else:
        operator = behind_pool(first, second, source, relay, target)
    return operator if operator is not None and operator.fits(source, target) else None


def _spread(weight: Array, shape: Shape) -> Array:
    return weight.reshape(shape) if weight.ndim else weight


def _biased(target: Population, relay: Population, projection: Projection) -> Population | None:
    """The target with what it gets for the bias of a relay; None if it cannot be said of it."""
    bias: Array = relay.neuron.bias  # type: ignore[attr-defined]
    if not np.any(bias):
        return target
    if projection.delay or not isinstance(projection.operator, Identity):
        return None  # in the first steps it is not there yet
    constant = projection.operator.weight * np.broadcast_to(bias, relay.shape).ravel()
    neuron = _with_constant(target.neuron, compact(constant.reshape(target.shape)))
    return None if neuron is None else replace(target, neuron=neuron)


def _with_constant(neuron: Neuron, constant: Array) -> Neuron | None:
    """The neuron with a constant added to its input, where its model can say so."""
    match neuron:
        case Relay():
            return replace(neuron, bias=neuron.bias + constant)
        case LIFNeuron() | Integrator() if np.all(neuron.current_decay == 1):
            return replace(neuron, bias=neuron.bias + neuron.gain * constant)
        case LIFNeuron() | Integrator():
            return replace(neuron, current_bias=neuron.current_bias + neuron.gain * constant)
    return None


def _fold_gain(program: Program, population: Population, port: str) -> Program:
    gain: Array = population.neuron.gain  # type: ignore[attr-defined]
    concerned = [p for p in program.into(population.name) if p.port == port]
    left = np.ones(())
    if any(scale_rows(p.operator, gain, population.shape) is None for p in concerned):
        # What is left is at most 1: a gain in integers has as many bits as it has digits.
        largest = np.max(np.abs(gain))
        gain, left = largest, gain / largest
    for old in concerned:
        operator = scale_rows(old.operator, gain, population.shape)
        assert operator is not None  # every operator holds a scalar
        program = program.replace_projection(old, signed(replace(old, operator=operator)))
    neuron = replace(population.neuron, gain=left)  # type: ignore[call-arg]
    return program.replace_population(replace(population, neuron=neuron))
