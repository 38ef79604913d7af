"""One circuit written in both mappings, in integers: E neurons alone, or E and I populations.

Fused, an E neuron has the synapses W_B = W_EE − W_EI·W_IE and W_S = W_EI·diag(g)·W_IE; explicit,
I neurons are graded relays, and what excites waits for them for a step. Where no relay drops a bit,
both emit the same spikes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import circuit, draw, relay, source
from eideploy.program import (
    Array,
    Conv2d,
    Dense,
    EINeuronFixed,
    Identity,
    Operator,
    Population,
    Program,
    Projection,
    Stimulus,
)

N_IN, N_E, N_I = 6, 4, 2


def cases() -> Iterator[Case]:
    """Pairs that agree, then explicit circuits that round."""
    yield from _dense()
    yield from _kernels()
    yield from _loops()
    yield from _rounding()


@dataclass(frozen=True, eq=False)
class Weights:
    """A circuit in integers: W_EE, W_IE, W_EI ≥ 0 as matrices or kernels, and g as a divisor.

    All are even, so that signed differences are too.
    """

    ee: Array
    ie: Array
    ei: Array
    gain: Array

    @property
    def balanced(self) -> Array:
        """W_EE − W_EI·W_IE."""
        return self.ee - np.tensordot(self.ei, self.ie, 1)

    @property
    def shunt(self) -> Array:
        """W_EI·diag(g)·W_IE."""
        return np.tensordot(self.ei * self.gain, self.ie, 1)


def _dense() -> Iterator[Case]:
    weights, shown = _weights("mappings/dense", N_IN), _spikes("mappings/dense", N_IN)
    neuron = circuit(floor=[1, 20, 40, 80], threshold=3000)
    claim = "A dense circuit: the spikes of both mappings are the same."
    yield Case("mappings/dense-fused", claim, _fused(weights, neuron, (N_IN,)), shown)
    yield Case("mappings/dense-explicit", claim, _explicit(weights, neuron, (N_IN,)), shown)
    yield Case(
        "mappings/dense-scaled",
        "A row of W_B and W_S, and its floor, times 2: B/S and so the spikes are the same.",
        _fused(
            weights,
            circuit(floor=[1, 20, 80, 160], threshold=3000),
            (N_IN,),
            rows=np.array([1, 1, 2, 2]),
        ),
        shown,
    )
    exact = Weights(weights.ee, 4 * weights.ie, weights.ei, weights.gain)
    for drop in (0, 2):
        yield Case(
            f"mappings/dense-explicit-dropping-{drop}",
            "A relay drops 2 bits that are 0, and exponents of 2 make up for them: nothing is lost."
            if drop
            else "The same circuit without a shift of the relay and without exponents.",
            _explicit(exact, neuron, (N_IN,), drop=drop, exponent=drop),
            shown,
        )
    soft = circuit(floor=[1, 20, 40, 80], threshold=3000, reset="subtract", bias=[0, 90, -90, 0])
    claim = "Soft reset, biases and gains act behind the division, and so alike in both mappings."
    yield Case("mappings/dense-soft-fused", claim, _fused(weights, soft, (N_IN,)), shown)
    yield Case("mappings/dense-soft-explicit", claim, _explicit(weights, soft, (N_IN,)), shown)


def _kernels() -> Iterator[Case]:
    shape = (2, 4, 5)
    weights = _weights("mappings/kernels", 2, 2, 3)
    shown = _spikes("mappings/kernels", *shape)
    neuron = circuit(floor=20, threshold=2500)
    claim = "A circuit of kernels: the spikes of both mappings are the same, at the border too."
    yield Case("mappings/kernels-fused", claim, _fused(weights, neuron, shape), shown)
    yield Case("mappings/kernels-explicit", claim, _explicit(weights, neuron, shape), shown)


def _loops() -> Iterator[Case]:
    weights, shown = _weights("mappings/loop", N_E), _spikes("mappings/loop", N_E, steps=10)
    neuron = circuit(floor=[1, 20, 40, 80], threshold=3000)
    fused = _fused(weights, neuron, (N_E,))
    around = tuple(Projection("e", "e", p.operator, p.port, delay=1) for p in fused.projections)
    claim = (
        "Spikes of the last step join the input of a circuit. With I populations a logical step "
        "takes two hardware steps, so that the loop still takes one logical step."
    )
    yield Case(
        "mappings/loop-fused",
        claim,
        Program(fused.populations, fused.projections + around, "integer", ("e",)),
        shown,
    )
    explicit = _explicit(weights, neuron, (N_E,))
    operators = {(p.target, p.port): p.operator for p in explicit.projections if p.source == "in"}
    around = (
        Projection("e", "e", operators["e", "balanced"], "balanced", 2, sign="excitatory"),
        Projection("e", "i", operators["i", "input"], delay=1, sign="excitatory"),
    )
    yield Case(
        "mappings/loop-explicit",
        claim,
        Program(explicit.populations, explicit.projections + around, "integer", ("e",), stride=2),
        shown,
    )


def _rounding() -> Iterator[Case]:
    weights, shown = _weights("mappings/rounding", N_IN), _spikes("mappings/rounding", N_IN)
    neuron = circuit(floor=[1, 20, 40, 80], threshold=3000)
    yield Case(
        "mappings/explicit-that-rounds",
        "A relay that drops 3 bits rounds I_IE to the nearest, for B and S alike.",
        _explicit(weights, neuron, (N_IN,), drop=3, exponent=3),
        shown,
    )
    yield Case(
        "mappings/fused-beside-one-that-rounds",
        "The same circuit without I neurons, which nothing rounds.",
        _fused(weights, neuron, (N_IN,)),
        shown,
    )
    one = circuit(quotient_shift=4, floor=2, voltage_decay=4096)
    yield Case(
        "mappings/excitation-waits",
        "What excites waits one step for what inhibits: both are of the same step of the input.",
        Program(
            (
                source(3, maximum=9),
                Population("i", (3,), relay(), 1),
                Population("e", (3,), one, 2),
            ),
            (
                Projection("in", "e", Identity(np.array(8)), "balanced", 2, sign="excitatory"),
                Projection("in", "i", Identity(np.array(2)), delay=1, sign="excitatory"),
                Projection("i", "e", Identity(np.array(-3)), "balanced", 1, sign="inhibitory"),
                Projection("i", "e", Identity(np.array([1, 2, 3])), "shunt", 1, sign="excitatory"),
            ),
            "integer",
            ("e",),
        ),
        Stimulus({"in": np.array([[[9, 0, 1], [0, 9, 5], [3, 1, 0], [0, 0, 9], [9, 9, 9]]])}),
    )


def _weights(name: str, *fan_in: int) -> Weights:
    """Even weights of a circuit, so large that W_B fits into 8 bits."""
    random = draw(name)

    def even(most: int, *shape: int) -> Array:
        numbers = [2 * random.randint(0, most // 2) for _ in range(int(np.prod(shape)))]
        return np.array(numbers).reshape(shape)

    return Weights(
        even(120, N_E, *fan_in), even(10, N_I, *fan_in), even(6, N_E, N_I), np.array([1, 2])
    )


def _spikes(name: str, *shape: int, steps: int = 8) -> Stimulus:
    random = draw(f"{name}/spikes")
    extents = (2, steps, *shape)
    values = [int(random.random() < 0.4) for _ in range(int(np.prod(extents)))]
    return Stimulus({"in": np.array(values).reshape(extents)})


def _operator(weight: Array) -> Operator:
    """A matrix, or a kernel that pads by one column."""
    return Dense(weight) if weight.ndim == 2 else Conv2d(weight, padding=(0, 1))


def _e(shape: tuple[int, ...], weight: Array) -> tuple[int, ...]:
    operator = _operator(weight)
    return operator.output_shape(shape) if isinstance(operator, Conv2d) else (len(weight),)


def _fused(
    weights: Weights, neuron: EINeuronFixed, shape: tuple[int, ...], rows: Any = None
) -> Program:
    """E neurons with two ports."""
    scale: Any = 1 if rows is None else rows[:, None]
    return Program(
        (source(*shape), Population("e", _e(shape, weights.ee), neuron, 1)),
        (
            Projection("in", "e", _operator(scale * weights.balanced), "balanced", 1),
            Projection("in", "e", _operator(scale * weights.shunt), "shunt", 1, sign="excitatory"),
        ),
        "integer",
        ("e",),
    )


def _explicit(
    weights: Weights,
    neuron: EINeuronFixed,
    shape: tuple[int, ...],
    *,
    drop: int = 0,
    exponent: int = 0,
) -> Program:
    """E and I populations; the relays of I drop bits, which exponents of W_EI make up for."""

    def mixed(weight: Array) -> Operator:
        return Dense(weight) if len(shape) == 1 else Conv2d(weight[..., None, None])

    return Program(
        (
            source(*shape),
            Population("i", _e(shape, weights.ie), relay(shift=drop), 1),
            Population("e", _e(shape, weights.ee), neuron, 2),
        ),
        (
            Projection("in", "e", _operator(weights.ee), "balanced", 2, sign="excitatory"),
            Projection("in", "i", _operator(weights.ie), delay=1, sign="excitatory"),
            Projection("i", "e", mixed(-weights.ei), "balanced", 1, exponent, "inhibitory"),
            Projection(
                "i", "e", mixed(weights.ei * weights.gain), "shunt", 1, exponent, "excitatory"
            ),
        ),
        "integer",
        ("e",),
    )
