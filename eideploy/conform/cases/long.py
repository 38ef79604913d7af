"""Long samples: an error too small to be seen in a few steps adds up over thousands."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import circuit, lif, matrix, source
from eideploy.conform.cases.wiring import instant, layer, network, shown
from eideploy.program import Array, Dense, IntegratorFixed, Projection

STEPS = 100_000


def cases() -> Iterator[Case]:
    """Neurons with leak and bias, loops, carried state, circuits, waiting and saturation."""
    yield Case(
        "long/leak-and-bias",
        f"Two neurons that leak by a few 4096ths keep their rhythm over {STEPS} steps.",
        network(
            source(),
            layer(
                "out",
                lif(voltage_decay=[1, 3], bias_mantissa=[2311, 1009], threshold=[70001, 9001]),
                2,
            ),
            Projection("in", "out", matrix([[254], [-252]]), delay=1),
        ),
        shown(_sparse(STEPS, 97)),
    )
    yield Case(
        "long/loop",
        "Loops of 14 and 17 steps that a neuron takes the exclusive or of: what they give repeats "
        f"after 2¹⁷ − 1 steps only, so that one wrong spike shows until the end of {STEPS}.",
        network(
            source(),
            layer("both", instant(3)),
            layer("out", instant(1), offset=2),
            Projection("in", "out", matrix(2), delay=2),
            Projection("out", "both", matrix(2), delay=13),
            Projection("out", "both", matrix(2), delay=16),
            Projection("both", "out", matrix(-4), delay=1),
            Projection("out", "out", matrix(2), delay=14),
            Projection("out", "out", matrix(2), delay=17),
        ),
        shown(_once(STEPS)),
    )
    yield Case(
        "long/carried",
        f"State that is carried over 100 samples goes on as in one of {STEPS} steps.",
        network(
            source(),
            layer(
                "out", lif(voltage_decay=1, bias_mantissa=777, threshold=20011), reset_phase=None
            ),
            Projection("in", "out", matrix(-200), delay=1),
        ),
        shown(_sparse(STEPS, 61).reshape(100, -1, 1)),
    )
    yield Case(
        "long/circuits",
        "E-I neurons that leak little and divide by ever other sums, over 10,000 steps.",
        network(
            source(4),
            layer(
                "out",
                circuit(voltage_decay=[3, 900], threshold=[100_003, 5_001], reset="subtract"),
                2,
            ),
            Projection("in", "out", Dense(np.array([[8, -2, 6, 2], [4, 6, -2, 2]])), "balanced", 1),
            Projection(
                "in", "out", matrix([[3, 5, 7, 0], [7, 0, 1, 5]]), "shunt", 1, 0, "excitatory"
            ),
        ),
        shown(_counter(10_000, 4)),
    )
    yield Case(
        "long/waiting",
        "Between two spikes, 10,000 steps apart, a neuron without leak forgets nothing.",
        network(
            source(),
            layer("out", lif(voltage_decay=[0, 1, 1], threshold=[7, 7, 3]), 3),
            Projection("in", "out", matrix([[4], [4], [-254]]), delay=1),
        ),
        shown(np.concatenate([_once(9_999), np.ones((1, 1, 1), dtype=np.int64)], axis=1)),
    )
    yield Case(
        "long/saturated",
        "Potentials that only grow or fall end at ±(2²³ − 1) and stay there.",
        network(
            source(),
            layer(
                "out",
                IntegratorFixed(4095, np.array([0, 0, 1]), np.array([4095, -4096, 4001]), 0),
                3,
            ),
            Projection("in", "out", matrix([[2], [-2], [2]]), delay=1),
        ),
        shown(_sparse(4000, 41)),
    )


def _sparse(steps: int, every: int) -> Array:
    """A spike in about each `every`-th step, at intervals that do not repeat soon."""
    step = np.arange(steps)
    return (step * step % every < 1).astype(np.int64).reshape(1, steps, 1)


def _once(steps: int) -> Array:
    values = np.zeros((1, steps, 1), dtype=np.int64)
    values[0, 0] = 1
    return values


def _counter(steps: int, inputs: int) -> Array:
    """Inputs on and off as the bits of a number that grows by 7 in each step."""
    return (7 * np.arange(steps)[None, :, None] >> np.arange(inputs)) & 1
