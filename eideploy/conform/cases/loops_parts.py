"""Loops through other parts than plain neurons, and at the ends of samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import circuit, lif, matrix, source
from eideploy.conform.cases.loops import ONCE, SILENT, case, drawn, recurrent
from eideploy.conform.cases.wiring import instant, layer, network, one_to_one
from eideploy.program import (
    Conv2d,
    Dense,
    Identity,
    IntegratorFixed,
    Projection,
    Relay,
    Stimulus,
)


def cases() -> Iterator[Case]:
    """Through other parts, and at the ends of samples."""
    yield from _through_parts()
    yield from _ends()


def _through_parts() -> Iterator[Case]:
    yield case(
        "through-a-relay",
        "A relay in a loop hands back how many have fired.",
        network(
            source(3),
            layer("out", lif(voltage_decay=1024, threshold=[2, 4, 6]), 3),
            layer("count", Relay(), offset=2),
            Projection("in", "out", one_to_one(4), delay=1),
            Projection("out", "count", matrix([[1, 1, 1]]), delay=1, sign="excitatory"),
            Projection("count", "out", matrix([[-2], [4], [-4]]), delay=1),
            stride=2,
        ),
        drawn("through-a-relay", 3, steps=14, rate=0.6),
    )
    yield case(
        "through-an-integrator",
        "An integrator in a loop hands back how much has fired lately.",
        network(
            source(),
            layer("out", lif(voltage_decay=512, threshold=5)),
            layer("lately", IntegratorFixed(2047, 1024, 0, 0, shift=9), offset=2),
            Projection("in", "out", matrix(4), delay=1),
            Projection("out", "lately", matrix(8), delay=1),
            Projection("lately", "out", matrix(-2), delay=1),
            outputs=["out", "lately"],
            stride=2,
        ),
        [1] * 14 + [0] * 6,
    )
    yield case(
        "integrator-of-itself",
        "An integrator that is fed back its own output, negative, swings and dies away.",
        network(
            source(minimum=-64, maximum=64),
            layer("out", IntegratorFixed(4095, 0, 0, 0, shift=6)),
            Projection("in", "out", matrix(2), delay=1),
            Projection("out", "out", matrix(-2), delay=1, exponent=-1),
        ),
        [64, 0, 0, 0, -37, 0, 0, 0, 1, 0, 0, 0],
    )
    yield case(
        "divides-itself",
        "A neuron whose spike shunts its own next input.",
        network(
            source(2),
            layer("out", circuit(threshold=4095), 2),
            Projection("in", "out", one_to_one(1), "balanced", delay=1, sign="excitatory"),
            Projection("out", "out", one_to_one(3), "shunt", delay=1, sign="excitatory"),
        ),
        drawn("divides-itself", 2, steps=14, rate=0.8),
    )
    yield case(
        "travelling-wave",
        "A recurrent convolution with a kernel of one side moves a spike to that side.",
        network(
            source(1, 3, 5),
            layer("out", instant(3), 1, 3, 5),
            Projection("in", "out", one_to_one(4), delay=1),
            Projection(
                "out",
                "out",
                Conv2d(np.array([[[[0, 0, 0], [4, 0, 0], [0, 0, 0]]]]), padding=(1, 1)),
                delay=1,
            ),
        ),
        Stimulus({"in": np.concatenate([_corner(), np.zeros((1, 6, 1, 3, 5), int)], 1)}),
    )
    yield case(
        "between-shapes",
        "A loop goes from an image to a row of neurons and back to the image.",
        network(
            source(2, 2, 2),
            layer("image", lif(voltage_decay=2048, threshold=4), 2, 2, 2),
            layer("out", lif(threshold=5), 3, offset=2),
            Projection("in", "image", Identity(np.array(6)), delay=1),
            Projection("image", "out", _table(3, 8), delay=1),
            Projection("out", "image", _table(8, 3), delay=1),
            stride=2,
        ),
        drawn("between-shapes", 2, 2, 2),
    )


def _corner() -> np.ndarray[Any, Any]:
    first = np.zeros((1, 1, 1, 3, 5), dtype=int)
    first[..., 1, 0] = 1
    return first


def _table(rows: int, columns: int) -> Dense:
    """Small even weights of both signs without any symmetry."""
    row, column = np.indices((rows, columns))
    return Dense(2 * ((3 * row + 5 * column + row * column) % 7 - 2))


def _ends() -> Iterator[Case]:
    itself = Projection("out", "out", matrix(4), delay=1)
    yield case(
        "ends-with-its-sample",
        "Activity in a loop ends with its sample: the next starts in silence.",
        recurrent(layer("out", instant(3)), itself),
        ONCE,
        SILENT,
        [0, *ONCE[:9]],
    )
    yield case(
        "state-carried",
        "Where state is carried, a loop goes on from its potential, but not from its last spike.",
        recurrent(layer("out", lif(threshold=9), reset_phase=None), itself),
        [1, 1, 0, 1, 1],
        [0, 1, 0, 0, 0],
        [1, 1, 1, 1, 1],
        [0, 0, 0, 0, 0],
    )
    yield case(
        "reset-within",
        "A reset within a sample clears the potential, and not the spike that is on its way.",
        recurrent(layer("out", lif(threshold=7), reset_phase=4), itself),
        [1, 1, 1, 0, 0, 0, 1, 0],
        [1, 0, 1, 1, 0, 1, 0, 0],
    )
    yield case(
        "one-step-only",
        "In a sample of one step, no loop brings anything back.",
        recurrent(layer("out", instant(3)), itself, Projection("out", "out", matrix(-2), delay=2)),
        [1],
        [0],
        [1],
        [1],
    )
    yield case(
        "longer-than-a-sample",
        "A loop that takes longer than a sample never closes, in whichever sample.",
        recurrent(layer("out", instant(3)), Projection("out", "out", matrix(4), delay=6)),
        [1, 0, 1, 1],
        [0, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
    )
