"""Float Programs beyond the neuron: relays, operators, delays and loops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import draw
from eideploy.conform.cases.build_floating import (
    ONE,
    circuit,
    dense,
    integrator,
    layer,
    lif,
    network,
    source,
)
from eideploy.program import (
    Array,
    Conv2d,
    Identity,
    Operator,
    Population,
    Program,
    Projection,
    Relay,
    Stimulus,
)

W = [[1.0, -0.5, 0.25], [-0.75, 0.5, 1.0]]


def cases() -> Iterator[Case]:
    """Relays, then synapses, then time."""
    yield from _relays()
    yield from _operators()
    yield from _delays()
    yield from _loops()


def _relays() -> Iterator[Case]:
    values = np.array([[[3.0, -0.5, 0.125], [0.0, 0.0, 0.0], [-7.0, 2.5, -0.375]]])
    yield _case(
        "relay",
        "A float relay emits its input and its bias, in the same step.",
        layer(Relay(bias=np.array([0.0, 0.5, -1.0])), ONE, (3,), (3,)),
        values,
    )
    yield _case(
        "relay-bias-in-steps-of-a-sample",
        "The bias of a relay is emitted in the steps of a sample only, and in all of them.",
        network(
            (
                source(),
                Population("relay", (1,), Relay(bias=0.75), 1),
                Population("out", (1,), lif(), 2),
            ),
            Projection("in", "relay", ONE, delay=1),
            Projection("relay", "out", ONE, delay=3),
        ),
        np.array([[[0.0], [0.0], [1.0], [0.0], [0.0]], [[1.0], [0.0], [0.0], [0.0], [0.0]]]),
    )


def _operators() -> Iterator[Case]:
    yield _case(
        "dense",
        "Row o of a matrix are the weights onto neuron o; shapes are read in C order.",
        layer(integrator(), dense(_quarters(6, 8)), (2, 2, 2), (3, 2)),
        _drawn("dense", 2, 2, 2),
    )
    yield _case(
        "identity",
        "One-to-one synapses have one weight for all or one for each; shapes may differ.",
        network(
            (source(2, 3), Population("out", (6,), lif(voltage_decay=0.5), 1)),
            Projection("in", "out", Identity(np.array(0.5)), delay=1),
            Projection("in", "out", Identity(np.array([1.0, 0, -1, 0.25, 2, -0.5])), delay=1),
        ),
        _drawn("identity", 2, 3),
    )
    geometries: tuple[tuple[str, tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
        ("plain", (2, 4, 5), (3, 2, 2, 3), {}),
        ("padded", (1, 3, 4), (2, 1, 2, 3), {"stride": (2, 1), "padding": (1, 2)}),
        ("dilated", (1, 5, 6), (2, 1, 2, 3), {"dilation": (3, 2)}),
        ("grouped", (4, 3, 3), (6, 2, 2, 2), {"groups": 2}),
        ("line", (2, 7), (3, 2, 1, 3), {"stride": (1, 2), "padding": (0, 1)}),
    )
    for name, entry, weight, geometry in geometries:
        operator = Conv2d(_quarters(*weight), **geometry)
        yield _case(
            f"convolution-{name}",
            "A convolution is a cross-correlation, in its geometry, with zeros around.",
            layer(integrator(), operator, entry, operator.output_shape(entry)),
            _drawn(name, *entry, steps=3),
        )
    both: tuple[Operator, Operator] = (dense(W), dense([[0.5, 1.0, 0.0], [1.0, 0.25, 0.75]]))
    yield _case(
        "ports",
        "Each port of an E-I neuron sums what arrives at it, of all projections.",
        network(
            (source(3), Population("out", (2,), circuit(floor=4.0), 1)),
            Projection("in", "out", both[0], "balanced", 1),
            Projection("in", "out", both[1], "balanced", 1),
            Projection("in", "out", both[1], "shunt", 1),
            Projection("in", "out", dense([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), "shunt", 1),
        ),
        np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [-2.0, 1.0, 0.0], [1.0, 2.0, 0.5]]]),
    )


def _delays() -> Iterator[Case]:
    out = Population("out", (2,), lif(voltage_decay=0.5), 1)
    shown = _drawn("delays", 3, steps=9)
    for delay in (1, 2, 4):
        yield _case(
            f"delay-of-{delay}",
            "What is emitted at t arrives at t + delay − offset, within the sample.",
            network((source(3), out), Projection("in", "out", dense(W), delay=delay)),
            shown,
        )
    yield _case(
        "delay-of-62",
        "A delay of 62 steps, the longest of a chip.",
        network((source(3), out), Projection("in", "out", dense(W), delay=62)),
        _drawn("delay-of-62", 3, steps=66, samples=1),
    )
    yield _case(
        "delays-of-two-paths",
        "A short and a long path onto one neuron, the long one through another population.",
        network(
            (
                source(3),
                Population("hidden", (2,), lif(), 1),
                Population("out", (2,), lif(voltage_decay=0.25, threshold=0.75), 2),
            ),
            Projection("in", "hidden", dense(W), delay=1),
            Projection("hidden", "out", dense([[0.5, -0.25], [1.0, 0.5]]), delay=1),
            Projection("in", "out", dense(W[::-1]), delay=2),
            Projection("in", "out", dense([[0.25, 0.0, 0.0], [0.0, 0.0, 0.5]]), delay=4),
        ),
        shown,
    )
    yield _case(
        "inputs-and-outputs",
        "Two inputs and two outputs, which lie a step apart.",
        network(
            (
                source(3),
                source(2, name="other"),
                Population("hidden", (2,), lif(), 1),
                Population("out", (2,), integrator(voltage_decay=0.5), 2),
            ),
            Projection("in", "hidden", dense(W), delay=1),
            Projection("hidden", "out", dense([[0.5, -0.25], [1.0, 0.5]]), delay=1),
            Projection("other", "out", dense([[1.0, 0.5], [-1.0, 0.25]]), delay=2),
            outputs=("hidden", "out"),
        ),
        {"in": _drawn("left", 3), "other": _drawn("right", 2)},
    )


def _loops() -> Iterator[Case]:
    back = dense([[0.5, -0.75], [0.25, 0.5]])
    shown = _drawn("loops", 3, steps=9)
    out = Population("out", (2,), lif(voltage_decay=0.25, threshold=0.75), 1)
    for lag in (1, 3):
        yield _case(
            f"loop-of-{lag}",
            f"Spikes act on their own population {lag} steps later, and in no other sample.",
            network(
                (source(3), out),
                Projection("in", "out", dense(W), delay=1),
                Projection("out", "out", back, delay=lag),
            ),
            shown,
        )
    yield _case(
        "loop-of-two-populations",
        "Round two populations in one logical step of two hardware steps.",
        network(
            (
                source(3),
                Population("out", (2,), lif(voltage_decay=0.25, threshold=0.75), 1),
                Population("i", (1,), integrator(voltage_decay=0.5), 2),
            ),
            Projection("in", "out", dense(W), delay=1),
            Projection("out", "i", dense([[0.5, 0.25]]), delay=1),
            Projection("i", "out", dense([[-0.5], [-0.25]]), delay=1),
            stride=2,
        ),
        shown,
    )


def _case(name: str, claim: str, program: Program, values: Array | dict[str, Array]) -> Case:
    shown = values if isinstance(values, dict) else {"in": values}
    return Case(f"floating/{name}", claim, program, Stimulus(shown))


def _quarters(*shape: int) -> Array:
    """Weights in quarters, by a rule without symmetry."""
    n = np.arange(int(np.prod(shape)))
    return ((7 * n + n * n // 3) % 9 - 3).reshape(shape) / 4


def _drawn(name: str, *shape: int, steps: int = 6, samples: int = 2) -> Array:
    """Numbers in quarters from −1 to 2."""
    random = draw(f"floating/{name}")
    extents = (samples, steps, *shape)
    return np.array([random.randint(-4, 8) / 4 for _ in range(int(np.prod(extents)))]).reshape(
        extents
    )
