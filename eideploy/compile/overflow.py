"""Pass `prove`: nothing in an integer Program can leave its declared width, for any input."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from eideploy.compile.ranges import Range, delivered_range, emitted_ranges, port_ranges
from eideploy.errors import QuantizationError
from eideploy.program import (
    Array,
    EINeuronFixed,
    IntegratorFixed,
    LIFNeuronFixed,
    Population,
    Program,
    Relay,
)
from eideploy.program.neuron import CURRENT_SHIFT, DECAY_BITS, STATE_BITS, STATE_MAX

_ONE = 2**DECAY_BITS


@dataclass(frozen=True)
class Prove:
    """Program → the same Program, if every sum and every state stays within 24 bits.

    Port sums: |Σ weight·payload·2^exponent| ≤ 2²³ − 1, with the bias of a relay, and so each sum
    before it is shifted to the right. Current of a LIF
    or an integrator: never wraps. Potential of an E-I neuron: |v| ≤ (|q|max + |b|)·4096 / decay
    ≤ 2²³ − 1. The potential of the others needs no proof: Lava clips it by definition.
    """

    name: ClassVar[str] = "prove"
    requires: ClassVar[frozenset[str]] = frozenset({"quantized", "aligned"})
    ensures: ClassVar[frozenset[str]] = frozenset({"proven"})

    def __call__(self, program: Program) -> Program:
        """Raises `QuantizationError` naming the population and the neuron that can overflow."""
        emitted = emitted_ranges(program)
        for projection in program.projections:
            if projection.exponent < 0:
                source = program.by_name[projection.source]
                whole = replace(projection, exponent=0)
                bound = delivered_range(whole, source.shape, emitted[source.name])
                target = program.by_name[projection.target]
                what = f"sum of {projection.name} before its shift"
                check_width(target, what, bound.reshaped(target.shape).magnitude, STATE_MAX)
        for (name, port), bound in port_ranges(program).items():
            population = program.by_name[name]
            check_width(population, f"sum on port {port!r}", bound.magnitude, STATE_MAX)
            if isinstance(population.neuron, Relay):
                biased = bound.magnitude + np.abs(population.neuron.bias)
                check_width(population, "sum", biased, STATE_MAX)
            if isinstance(population.neuron, (LIFNeuronFixed, IntegratorFixed)):
                check_width(population, "current", current_bound(population, bound), STATE_MAX)
            if isinstance(population.neuron, EINeuronFixed):
                check_width(population, "potential", potential_bound(population), STATE_MAX)
        return program


def current_bound(population: Population, port: Range) -> Array:
    """Largest |u| of a LIF: |u| ≤ |u|·(4096 − d)/4096 + 2⁶·|x + b|, with d = current_decay + 1."""
    neuron = population.neuron
    assert isinstance(neuron, (LIFNeuronFixed, IntegratorFixed))
    x = Range(port.low + neuron.current_bias, port.high + neuron.current_bias).with_silence()
    return np.ceil(x.magnitude * 2**CURRENT_SHIFT * _ONE / (neuron.current_decay + 1))


def potential_bound(population: Population) -> Array:
    """Largest |v| of an E-I neuron, from the saturation of its quotient and its reset."""
    neuron = population.neuron
    assert isinstance(neuron, EINeuronFixed)
    quotient = (2.0 ** (neuron.quotient_bits - 1) - 1) * neuron.gain / 2**8
    drive = np.floor(np.abs(quotient)) + np.abs(neuron.bias)
    with np.errstate(divide="ignore"):
        driven = np.ceil(drive * _ONE / neuron.voltage_decay)
    return np.maximum(driven, np.abs(neuron.reset_to) if neuron.reset == "value" else 0)


def check_width(population: Population, what: str, bound: Array, limit: int) -> None:
    """Raise `QuantizationError` naming the worst neuron if `bound` exceeds `limit`."""
    spread = np.broadcast_to(bound, population.shape)
    if np.all(spread <= limit):
        return
    worst = int(np.argmax(spread))
    raise QuantizationError(
        f"population {population.name!r}: the {what} of neuron {worst} can reach "
        f"{spread.flat[worst]:.0f}, beyond the {limit} of {STATE_BITS} bits",
        "Use fewer weight bits, a smaller input range, or a layer with a smaller fan-in.",
    )
