"""Loops: of one population, of several, with what goes round in them.

A projection that closes a loop acts in a later logical step. Where a loop of n populations is to be
gone round within one logical step, that step is n hardware steps long: the Program has a stride.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import lif, matrix, show, source
from eideploy.conform.cases.wiring import Part, instant, layer, network, one_to_one, spikes
from eideploy.program import (
    Dense,
    Population,
    Program,
    Projection,
    Stimulus,
)

ONCE = (1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
SILENT = (0,) * 10


def cases() -> Iterator[Case]:
    """Of neurons to themselves, and of several populations."""
    yield from _to_themselves()
    yield from _of_several()


def case(name: str, claim: str, program: Program, *samples: Any) -> Case:
    """A case of this topic; a stimulus, or samples of one input."""
    stimulus = samples[0] if isinstance(samples[0], Stimulus) else show(*samples)
    return Case(f"loops/{name}", claim, program, stimulus)


def drawn(name: str, *shape: int, steps: int = 10, rate: float = 0.4) -> Stimulus:
    """Two samples of random spikes, [step, *shape]."""
    return Stimulus({"in": spikes(f"loops/{name}", 2, steps, *shape, rate=rate)})


def recurrent(target: Population, *loops: Projection, weight: int = 4) -> Program:
    """An input, for each neuron of `out` one, and projections from `out` to itself."""
    operator = Dense(weight * np.eye(target.size, dtype=np.int64))
    entry = Projection("in", "out", operator, delay=1)
    return network(source(*target.shape), target, entry, *loops)


def _to_themselves() -> Iterator[Case]:
    yield case(
        "excites-itself",
        "A neuron whose own spike is enough for the next goes on once it was started.",
        recurrent(layer("out", instant(3)), Projection("out", "out", matrix(4), delay=1)),
        [0, 0, *ONCE],
        [0] * 12,
    )
    yield case(
        "inhibits-itself",
        "A neuron that inhibits itself is silent in the step after a spike, and in no other.",
        recurrent(layer("out", instant(3)), Projection("out", "out", matrix(-4), delay=1)),
        [1] * 7 + [0, 1, 1],
        [1, 0] * 5,
    )
    for lag in (2, 3, 7):
        yield case(
            f"excites-itself-after-{lag}",
            f"A loop of {lag} steps holds as many patterns as start in its first {lag} steps.",
            recurrent(layer("out", instant(3)), Projection("out", "out", matrix(4), delay=lag)),
            [1, 0, 0, 1, *[0] * 14],
            [1, 1, *[0] * 16],
        )
    yield case(
        "ring",
        "A spike goes round a ring of five neurons one way, and not the other.",
        recurrent(
            layer("out", instant(3), 5),
            Projection(
                "out", "out", Dense(np.roll(4 * np.eye(5, dtype=np.int64), 1, axis=0)), delay=1
            ),
        ),
        [[1, 0, 0, 0, 0], *[[0] * 5] * 8],
        [[0, 0, 0, 1, 0], *[[0] * 5] * 3, [1, 0, 0, 0, 0], *[[0] * 5] * 4],
    )
    yield case(
        "all-to-all",
        "Each synapse of a recurrent matrix leads from its column to its row.",
        recurrent(
            layer("out", lif(voltage_decay=1024, threshold=5), 4),
            Projection(
                "out",
                "out",
                matrix([[0, 6, -4, 2], [2, -2, 8, 0], [-6, 4, 0, 10], [0, 0, -8, 4]]),
                delay=1,
            ),
        ),
        drawn("all-to-all", 4, steps=14),
    )
    yield case(
        "weight-for-each-neuron",
        "In a loop from one to one, neurons excite or inhibit themselves by their own weight.",
        recurrent(
            layer("out", lif(voltage_decay=2048, threshold=5), 4),
            Projection("out", "out", one_to_one(6, -6, 2, -2), delay=1),
        ),
        drawn("weight-for-each-neuron", 4, rate=0.6),
    )
    yield case(
        "reset-by-subtraction",
        "What a loop brings is added to what a reset by subtraction has left.",
        recurrent(
            layer("out", lif(threshold=[3, 5, 9], reset="subtract"), 3),
            Projection("out", "out", one_to_one(2, 4, -6), delay=1),
        ),
        drawn("reset-by-subtraction", 3, rate=0.7),
    )
    yield case(
        "two-loops-of-one",
        "Two loops of the same neurons, of one and of three steps, act side by side.",
        recurrent(
            layer("out", lif(voltage_decay=1024, threshold=7), 2),
            Projection("out", "out", matrix([[-6, 4], [2, -4]]), delay=1),
            Projection("out", "out", matrix([[10, 0], [4, 8]]), delay=3),
        ),
        drawn("two-loops-of-one", 2, steps=16),
    )
    yield case(
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
    yield case(
        "two-within-a-step",
        "With two hardware steps to a logical one, a loop of two is gone round in one step.",
        network(*pair, Projection("b", "a", matrix(4), delay=1), outputs=["b"], stride=2),
        ONCE,
        [0, 0, 0, *ONCE[:7]],
    )
    yield case(
        "two-in-two-steps",
        "With one hardware step to a logical one, a loop of two takes two steps.",
        network(*pair, Projection("b", "a", matrix(4), delay=1), outputs=["b"]),
        ONCE,
        [0, 1, 0, *ONCE[:7]],
    )
    yield case(
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
    yield case(
        "three-within-a-step",
        "With three hardware steps to a logical one, a loop of three is gone round in one step.",
        network(*chain, outputs=["c"], stride=3),
        drawn("three-within-a-step", 2, rate=0.2),
    )
    yield case(
        "three-in-three-steps",
        "The same loop of three takes three steps where a logical step is a hardware step.",
        network(*chain, outputs=["c"]),
        drawn("three-within-a-step", 2, rate=0.2),
    )
    yield case(
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
        drawn("excitation-and-inhibition", 4, steps=16, rate=0.7),
    )
    yield case(
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
        drawn("interlocked", 2, steps=16),
    )
    yield case(
        "apart-and-interlocked",
        "Loops without a stride, of two, three and four steps, that meet in one population.",
        network(
            *chain,
            Projection("b", "a", matrix([[-4, 2], [0, -2]]), delay=1),
            Projection("a", "a", matrix([[2, 4], [0, -2]]), delay=4),
            outputs=["a"],
        ),
        drawn("apart-and-interlocked", 2, steps=16),
    )


_NAMED = tuple(enumerate("abc"))
