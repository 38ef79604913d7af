"""How many meet in one neuron, and how many one reaches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import lif, matrix, show, source
from eideploy.conform.cases.wiring import instant, layer, network, one_to_one, shown, spikes
from eideploy.program import Array, Dense, Program, Projection, Relay

MANY = 4096
"""Inputs of a neuron; a core of Loihi has as many axons."""


def cases() -> Iterator[Case]:
    """Many into one, one into many, one to one, several projections into a port, and none."""
    yield from _in()
    yield from _one_to_one()
    yield from _out()
    yield from _several()
    yield from _none()


def _case(name: str, claim: str, program: Program, values: Array) -> Case:
    return Case(f"fan/{name}", claim, program, shown(values))


def _gathered(weight: Array, threshold: Any, **projection: Any) -> Program:
    """An input, a matrix, and neurons that show what arrives."""
    rows, columns = weight.shape
    return network(
        source(columns),
        layer("out", instant(threshold), rows),
        Projection("in", "out", Dense(weight), delay=1, **projection),
    )


def _in() -> Iterator[Case]:
    ones = np.ones((3, MANY), dtype=np.int64)
    some = np.ones((1, 4, MANY), dtype=np.int64)
    some[0, 1, 77] = some[0, 2, : MANY // 2] = some[0, 3, 1:] = 0
    yield _case(
        "thousands-of-ones",
        f"Of {MANY} spikes none is lost: one less is not above a threshold that all are above.",
        _gathered(ones, [MANY - 1, MANY - 2, MANY // 2 - 1], sign="excitatory"),
        some,
    )
    weights = np.full((2, 512), 254)
    weights[1, ::2] = -256
    yield _case(
        "hundreds-at-full-weight",
        "Sums of hundreds of the largest weights need 17 bits and their sign.",
        _gathered(weights, [254 * 512 - 1, 0]),
        some[:, [0, 1, 3], :512],
    )
    signs = np.resize([254, -254, 2, -2], (1, MANY))
    halves = np.ones((1, 5, MANY), dtype=np.int64)
    halves[0, 1, 0] = halves[0, 2, 1] = halves[0, 3, -2] = halves[0, 4, -1] = 0
    yield _case(
        "all-cancel",
        "Excitation and inhibition of the same size leave exactly nothing, in whichever order.",
        _gathered(np.vstack([signs, np.sort(signs)]), 0),
        halves,
    )
    rows = np.zeros((4, 600), dtype=np.int64)
    rows[range(4), [0, 255, 256, 599]] = [2, 4, 6, 8]
    yield _case(
        "one-among-many",
        "A single synapse among hundreds of weight 0 is the one that counts.",
        _gathered(rows, [1, 3, 5, 7]),
        np.eye(600, dtype=np.int64)[None, [0, 1, 254, 255, 256, 257, 598, 599]],
    )
    yield _case(
        "each-its-own-sum",
        "Neurons with the same inputs have sums of their own.",
        _gathered(2 * (np.arange(16 * 12).reshape(16, 12) * 7 % 23 - 9), np.arange(16)),
        spikes("fan/each-its-own-sum", 2, 6, 12),
    )


def _one_to_one() -> Iterator[Case]:
    drawn = spikes("fan/one-to-one", 2, 6, 2, 3)
    weights = one_to_one(2, -4, 254, -256, 0, 6)
    yield _case(
        "one-to-one",
        "From one to one, each neuron reaches its like by a weight of its own.",
        network(
            source(2, 3),
            layer("out", instant(3), 2, 3),
            Projection("in", "out", weights, delay=1),
        ),
        drawn,
    )
    yield _case(
        "one-to-one-of-one-weight",
        "From one to one, a single weight may stand for all.",
        network(
            source(2, 3),
            layer("out", instant(np.array([[3], [253]])), 2, 3),
            Projection("in", "out", one_to_one(254), delay=1),
        ),
        drawn,
    )
    yield _case(
        "one-to-one-between-shapes",
        "From one to one between different shapes, neurons are counted channel by channel.",
        network(
            source(2, 3),
            layer("a", instant(1), 3, 2),
            layer("out", instant(1), 6, offset=2),
            Projection("in", "a", one_to_one(2, 4, 6, 8, 10, 12), delay=1),
            Projection("a", "out", one_to_one(12, 10, 8, 6, 4, 2), delay=1),
        ),
        drawn,
    )
    yield _case(
        "one-to-one-with-exponent",
        "A negative exponent rounds what each neuron gets to −∞: −2 shifted by two bits is −1.",
        network(
            source(2, 3, minimum=-2, maximum=2),
            layer("out", instant(), 2, 3),
            Projection("in", "out", weights, delay=1, exponent=-2),
        ),
        drawn * (np.arange(6).reshape(2, 3) % 5 - 2),
    )


def _out() -> Iterator[Case]:
    thresholds = np.arange(1000) % 254
    yield _case(
        "one-to-a-thousand",
        "One spike reaches a thousand neurons, each by its own weight.",
        _gathered((np.arange(1000) * 3 % 256)[:, None], thresholds, sign="excitatory"),
        np.array([1, 0, 1, 1])[None, :, None],
    )
    yield _case(
        "to-several-populations",
        "A population reaches several others, each by synapses of its own.",
        network(
            source(3),
            layer("a", instant([3, 1]), 2),
            layer("b", instant(2), 3),
            layer("out", instant(4), 4, offset=2),
            Projection("in", "a", matrix([[2, 4, -2], [-2, 2, 2]]), delay=1),
            Projection("in", "b", one_to_one(4, -6, 8), delay=1),
            Projection("in", "out", matrix([[2, 0, 4]] * 4), delay=2),
            Projection("b", "out", matrix([[8, 0, 2], [0, 2, 0], [2, 4, -8], [6, 2, 2]]), delay=1),
            outputs=["a", "b", "out"],
        ),
        spikes("fan/to-several-populations", 2, 8, 3),
    )


def _several() -> Iterator[Case]:
    drawn = spikes("fan/two-projections", 2, 8, 3)
    first, second = matrix([[2, -4, 6], [8, 2, -2]]), matrix([[-6, 2, 2], [4, -2, 10]])
    yield _case(
        "two-projections",
        "What two projections bring to the same port in the same step is added.",
        network(
            source(3),
            layer("other", instant([1, 3, 5]), 3),
            layer("out", instant(3), 2, offset=2),
            Projection("in", "other", one_to_one(2, 4, 6), delay=1),
            Projection("in", "out", first, delay=2),
            Projection("other", "out", second, delay=1),
        ),
        drawn,
    )
    yield _case(
        "twice-the-same",
        "Two projections that are alike in all, weights included, count twice.",
        network(
            source(3),
            layer("out", instant([5, 9]), 2),
            Projection("in", "out", first, delay=1),
            Projection("in", "out", first, delay=1),
        ),
        drawn,
    )
    yield _case(
        "both-signs",
        "An excitatory and an inhibitory projection into one port, both with odd weights.",
        network(
            source(3),
            layer("out", instant([1, 30]), 2),
            Projection("in", "out", matrix([[255, 1, 7], [31, 3, 0]]), delay=1, sign="excitatory"),
            Projection(
                "in", "out", matrix([[-253, 0, -5], [0, -7, -1]]), delay=1, sign="inhibitory"
            ),
        ),
        drawn,
    )
    yield _case(
        "exponents-of-their-own",
        "Each projection shifts its own sum, and to the right it rounds that sum to −∞.",
        network(
            source(3),
            layer("out", instant([58, 65]), 2),
            Projection("in", "out", first, delay=1, exponent=3),
            Projection("in", "out", second, delay=1, exponent=-2),
            Projection("in", "out", second, delay=1, exponent=-3),
            Projection("in", "out", second, delay=1),
        ),
        drawn,
    )
    yield _case(
        "a-dozen-projections",
        "A dozen projections into one port, from as many populations, add up.",
        network(
            source(12),
            *(layer(f"p{index:02d}", instant(index % 3)) for index in range(12)),
            layer("out", instant([29, 19]), 2, offset=2),
            *(
                Projection("in", f"p{index:02d}", Dense(row[None]), delay=1)
                for index, row in enumerate(
                    4 * np.eye(12, dtype=np.int64) - 2 * np.eye(12, k=3, dtype=np.int64)
                )
            ),
            *(
                Projection(f"p{i:02d}", "out", matrix([[2 * i - 6], [14 - 2 * i]]), delay=1)
                for i in range(12)
            ),
        ),
        spikes("fan/a-dozen-projections", 2, 8, 12),
    )
    yield _case(
        "graded-sums",
        "Relays add up graded values of several sources, and one relay reaches several neurons.",
        network(
            source(3, minimum=-100, maximum=100),
            layer("one", Relay(), 3),
            layer("two", Relay(), 2),
            layer("sum", Relay(bias=np.array([-5, 0, 9])), 3, offset=2),
            layer("out", instant([40, -40 + 2**6, 90]), 3, offset=3),
            Projection("in", "one", one_to_one(2, -4, 6), delay=1),
            Projection("in", "two", matrix([[2, 2, 2], [0, -2, 4]]), delay=1),
            Projection("one", "sum", one_to_one(2), delay=1),
            Projection("two", "sum", matrix([[2, -2], [4, 0], [-2, 6]]), delay=1),
            Projection("sum", "out", one_to_one(2), delay=1, exponent=-3),
        ),
        (np.arange(2 * 6 * 3) * 37 % 201 - 100).reshape(2, 6, 3),
    )


def _none() -> Iterator[Case]:
    yield _case(
        "neurons-without-synapses",
        "Neurons whose weights are all 0 follow their bias alone.",
        network(
            source(2),
            layer("out", lif(voltage_decay=1024, bias_mantissa=[300, 90, 0], threshold=9), 3),
            Projection("in", "out", matrix([[0, 0], [4, 2], [0, 0]]), delay=1),
        ),
        spikes("fan/neurons-without-synapses", 2, 10, 2),
    )
    yield Case(
        "fan/population-without-synapses",
        "A population that nothing reaches follows its bias, and may reach others.",
        network(
            source(),
            layer("alone", lif(bias_mantissa=[130, 250], threshold=9), 2),
            layer("out", lif(threshold=9), offset=2),
            Projection("in", "out", one_to_one(4), delay=2),
            Projection("alone", "out", matrix([[6, 2]]), delay=1),
            outputs=["out", "alone"],
        ),
        show([1, 0, 0, 1, 1, 0, 0, 0, 1, 1], [0] * 10),
    )
