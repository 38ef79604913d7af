"""Loops: of one population, of several, with what goes round in them.

A projection that closes a loop acts in a later logical step. Where a loop of n populations is to be
gone round within one logical step, that step is n hardware steps long: the Program has a stride.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import circuit, lif, matrix, show, source
from eideploy.conform.cases.wiring import Part, instant, layer, network, one_to_one, spikes
from eideploy.program import (
    Conv2d,
    Dense,
    Identity,
    IntegratorFixed,
    Population,
    Program,
    Projection,
    Relay,
    Stimulus,
)

ONCE = (1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
SILENT = (0,) * 10


def cases() -> Iterator[Case]:
    """Of neurons to themselves, of several populations, through other parts, at ends of samples."""
    yield from _to_themselves()
    yield from _of_several()
    yield from _through_parts()
    yield from _ends()


def _case(name: str, claim: str, program: Program, *samples: Any) -> Case:
    stimulus = samples[0] if isinstance(samples[0], Stimulus) else show(*samples)
    return Case(f"loops/{name}", claim, program, stimulus)


def _drawn(name: str, *shape: int, steps: int = 10, rate: float = 0.4) -> Stimulus:
    return Stimulus({"in": spikes(f"loops/{name}", 2, steps, *shape, rate=rate)})


def _recurrent(target: Population, *loops: Projection, weight: int = 4) -> Program:
    """An input, for each neuron of `out` one, and projections from `out` to itself."""
    operator = Dense(weight * np.eye(target.size, dtype=np.int64))
    entry = Projection("in", "out", operator, delay=1)
    return network(source(*target.shape), target, entry, *loops)


def _to_themselves() -> Iterator[Case]:
    yield _case(
        "excites-itself",
        "A neuron whose own spike is enough for the next goes on once it was started.",
        _recurrent(layer("out", instant(3)), Projection("out", "out", matrix(4), delay=1)),
        [0, 0, *ONCE],
        [0] * 12,
    )
    yield _case(
        "inhibits-itself",
        "A neuron that inhibits itself is silent in the step after a spike, and in no other.",
        _recurrent(layer("out", instant(3)), Projection("out", "out", matrix(-4), delay=1)),
        [1] * 7 + [0, 1, 1],
        [1, 0] * 5,
    )
    for lag in (2, 3, 7):
        yield _case(
            f"excites-itself-after-{lag}",
            f"A loop of {lag} steps holds as many patterns as start in its first {lag} steps.",
            _recurrent(layer("out", instant(3)), Projection("out", "out", matrix(4), delay=lag)),
            [1, 0, 0, 1, *[0] * 14],
            [1, 1, *[0] * 16],
        )
    yield _case(
        "ring",
        "A spike goes round a ring of five neurons one way, and not the other.",
        _recurrent(
            layer("out", instant(3), 5),
            Projection(
                "out", "out", Dense(np.roll(4 * np.eye(5, dtype=np.int64), 1, axis=0)), delay=1
            ),
        ),
        [[1, 0, 0, 0, 0], *[[0] * 5] * 8],
        [[0, 0, 0, 1, 0], *[[0] * 5] * 3, [1, 0, 0, 0, 0], *[[0] * 5] * 4],
    )
    yield _case(
        "all-to-all",
        "Each synapse of a recurrent matrix leads from its column to its row.",
        _recurrent(
            layer("out", lif(voltage_decay=1024, threshold=5), 4),
            Projection(
                "out",
                "out",
                matrix([[0, 6, -4, 2], [2, -2, 8, 0], [-6, 4, 0, 10], [0, 0, -8, 4]]),
                delay=1,
            ),
        ),
        _drawn("all-to-all", 4, steps=14),
    )
    yield _case(
        "weight-for-each-neuron",
        "In a loop from one to one, neurons excite or inhibit themselves by their own weight.",
        _recurrent(
            layer("out", lif(voltage_decay=2048, threshold=5), 4),
            Projection("out", "out", one_to_one(6, -6, 2, -2), delay=1),
        ),
        _drawn("weight-for-each-neuron", 4, rate=0.6),
    )
    yield _case(
        "reset-by-subtraction",
        "What a loop brings is added to what a reset by subtraction has left.",
        _recurrent(
            layer("out", lif(threshold=[3, 5, 9], reset="subtract"), 3),
            Projection("out", "out", one_to_one(2, 4, -6), delay=1),
        ),
        _drawn("reset-by-subtraction", 3, rate=0.7),
    )
    yield _case(
        "two-loops-of-one",
        "Two loops of the same neurons, of one and of three steps, act side by side.",
        _recurrent(
            layer("out", lif(voltage_decay=1024, threshold=7), 2),
            Projection("out", "out", matrix([[-6, 4], [2, -4]]), delay=1),
            Projection("out", "out", matrix([[10, 0], [4, 8]]), delay=3),
        ),
        _drawn("two-loops-of-one", 2, steps=16),
    )
    yield _case(
        "starts-by-itself",
        "A bias starts a loop that no input starts; the first step knows nothing of it.",
        network(
            source(),
            layer("out", lif(bias_mantissa=[50, 90], threshold=3), 2),
            Projection("in", "out", matrix([[0], [0]]), delay=1),
            Projection("out", "out", matrix([[0, 4], [-2, 0]]), delay=1),
        ),
        [0] * 16,
    )


def _of_several() -> Iterator[Case]:
    pair: tuple[Part, ...] = (
        source(),
        layer("a", instant(3)),
        layer("b", instant(1), offset=2),
        Projection("in", "a", matrix(4), delay=1),
        Projection("a", "b", matrix(2), delay=1),
    )
    yield _case(
        "two-within-a-step",
        "With two hardware steps to a logical one, a loop of two is gone round in one step.",
        network(*pair, Projection("b", "a", matrix(4), delay=1), outputs=["b"], stride=2),
        ONCE,
        [0, 0, 0, *ONCE[:7]],
    )
    yield _case(
        "two-in-two-steps",
        "With one hardware step to a logical one, a loop of two takes two steps.",
        network(*pair, Projection("b", "a", matrix(4), delay=1), outputs=["b"]),
        ONCE,
        [0, 1, 0, *ONCE[:7]],
    )
    yield _case(
        "two-after-three-steps",
        "A loop of two whose way back takes three logical steps.",
        network(*pair, Projection("b", "a", matrix(4), delay=5), outputs=["b"], stride=2),
        [*ONCE, 0, 0],
        [1, 1, *ONCE],
    )
    chain: tuple[Part, ...] = (
        source(2),
        *(layer(n, lif(voltage_decay=1024, threshold=3), 2, offset=i + 1) for i, n in _NAMED),
        Projection("in", "a", matrix([[4, 2], [0, 4]]), delay=1),
        Projection("a", "b", matrix([[4, 0], [2, 4]]), delay=1),
        Projection("b", "c", matrix([[0, 4], [2, -2]]), delay=1),
        Projection("c", "a", matrix([[4, -2], [2, 0]]), delay=1),
    )
    yield _case(
        "three-within-a-step",
        "With three hardware steps to a logical one, a loop of three is gone round in one step.",
        network(*chain, outputs=["c"], stride=3),
        _drawn("three-within-a-step", 2, rate=0.2),
    )
    yield _case(
        "three-in-three-steps",
        "The same loop of three takes three steps where a logical step is a hardware step.",
        network(*chain, outputs=["c"]),
        _drawn("three-within-a-step", 2, rate=0.2),
    )
    yield _case(
        "excitation-and-inhibition",
        "Excitatory neurons drive inhibitory ones, which silence them in the step after.",
        network(
            source(4),
            layer("e", lif(voltage_decay=512, threshold=6), 4),
            layer("i", lif(voltage_decay=4096, threshold=5), offset=2),
            Projection("in", "e", one_to_one(5), delay=1, sign="excitatory"),
            Projection("e", "i", matrix([[3, 3, 3, 3]]), delay=1, sign="excitatory"),
            Projection("i", "e", matrix([[-9], [-7], [-5], [-3]]), delay=1, sign="inhibitory"),
            outputs=["e", "i"],
            stride=2,
        ),
        _drawn("excitation-and-inhibition", 4, steps=16, rate=0.7),
    )
    yield _case(
        "interlocked",
        "Two loops that share a population: one of two within a step, one of three in two steps.",
        network(
            *chain[:-1],
            Projection("b", "a", matrix([[-4, 2], [0, -2]]), delay=2),
            Projection("c", "a", matrix([[2, 4], [6, 2]]), delay=4),
            Projection("c", "b", matrix([[-2, 0], [2, -4]]), delay=2),
            outputs=["a", "b", "c"],
            stride=3,
        ),
        _drawn("interlocked", 2, steps=16),
    )
    yield _case(
        "apart-and-interlocked",
        "Loops without a stride, of two, three and four steps, that meet in one population.",
        network(
            *chain,
            Projection("b", "a", matrix([[-4, 2], [0, -2]]), delay=1),
            Projection("a", "a", matrix([[2, 4], [0, -2]]), delay=4),
            outputs=["a"],
        ),
        _drawn("apart-and-interlocked", 2, steps=16),
    )


_NAMED = tuple(enumerate("abc"))


def _through_parts() -> Iterator[Case]:
    yield _case(
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
        _drawn("through-a-relay", 3, steps=14, rate=0.6),
    )
    yield _case(
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
    yield _case(
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
    yield _case(
        "divides-itself",
        "A neuron whose spike shunts its own next input.",
        network(
            source(2),
            layer("out", circuit(threshold=4095), 2),
            Projection("in", "out", one_to_one(1), "balanced", delay=1, sign="excitatory"),
            Projection("out", "out", one_to_one(3), "shunt", delay=1, sign="excitatory"),
        ),
        _drawn("divides-itself", 2, steps=14, rate=0.8),
    )
    yield _case(
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
    yield _case(
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
        _drawn("between-shapes", 2, 2, 2),
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
    yield _case(
        "ends-with-its-sample",
        "Activity in a loop ends with its sample: the next starts in silence.",
        _recurrent(layer("out", instant(3)), itself),
        ONCE,
        SILENT,
        [0, *ONCE[:9]],
    )
    yield _case(
        "state-carried",
        "Where state is carried, a loop goes on from its potential, but not from its last spike.",
        _recurrent(layer("out", lif(threshold=9), reset_phase=None), itself),
        [1, 1, 0, 1, 1],
        [0, 1, 0, 0, 0],
        [1, 1, 1, 1, 1],
        [0, 0, 0, 0, 0],
    )
    yield _case(
        "reset-within",
        "A reset within a sample clears the potential, and not the spike that is on its way.",
        _recurrent(layer("out", lif(threshold=7), reset_phase=4), itself),
        [1, 1, 1, 0, 0, 0, 1, 0],
        [1, 0, 1, 1, 0, 1, 0, 0],
    )
    yield _case(
        "one-step-only",
        "In a sample of one step, no loop brings anything back.",
        _recurrent(layer("out", instant(3)), itself, Projection("out", "out", matrix(-2), delay=2)),
        [1],
        [0],
        [1],
        [1],
    )
    yield _case(
        "longer-than-a-sample",
        "A loop that takes longer than a sample never closes, in whichever sample.",
        _recurrent(layer("out", instant(3)), Projection("out", "out", matrix(4), delay=6)),
        [1, 0, 1, 1],
        [0, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
    )
