"""How much happens: nothing, everything, one spike, one step, one neuron, one sample of many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import circuit, lif, matrix, show, single, source
from eideploy.conform.cases.wiring import instant, layer, network, shown, spikes
from eideploy.program import Array, Dense, Program, Projection


def cases() -> Iterator[Case]:
    """Silence, saturation, single spikes, patterns in time, and samples of many kinds."""
    yield from _silence()
    yield from _saturation()
    yield from _single()
    yield from _samples()


def _case(name: str, claim: str, program: Program, values: Array) -> Case:
    return Case(f"activity/{name}", claim, program, shown(values))


def _two_layers(**changes: Any) -> Program:
    """Six inputs, five neurons that leak, and three behind them."""
    first = 2 * (np.arange(30).reshape(5, 6) * 7 % 11 - 3)
    second = 2 * (np.arange(15).reshape(3, 5) * 5 % 9 - 3)
    leaky = {"voltage_decay": 1024, "threshold": 9} | changes
    return network(
        source(6),
        layer("a", lif(**leaky), 5),
        layer("out", lif(**leaky), 3, offset=2),
        Projection("in", "a", Dense(first), delay=1),
        Projection("a", "out", Dense(second), delay=1),
    )


def _silence() -> Iterator[Case]:
    nothing = np.zeros((2, 12, 6), dtype=np.int64)
    yield _case(
        "silence",
        "Where nothing is shown, neurons without bias stay at 0 and emit nothing.",
        _two_layers(),
        nothing,
    )
    yield _case(
        "silence-with-bias",
        "Where nothing is shown, a bias alone drives the network, in each sample the same.",
        _two_layers(bias_mantissa=170),
        nothing,
    )
    yield _case(
        "silence-after-activity",
        "After the last spike potentials decay to 0, and stay there.",
        network(
            source(),
            layer("out", lif(current_decay=1023, voltage_decay=[1, 512, 2048], threshold=30), 3),
            Projection("in", "out", matrix([[40], [-40], [40]]), delay=1),
        ),
        np.array([1, 1, 1] + [0] * 60)[None, :, None],
    )
    yield _case(
        "silent-inhibition",
        "Neurons that are only inhibited fall ever deeper, and never spike.",
        network(
            source(3),
            layer("out", lif(voltage_decay=[0, 100], threshold=0), 2),
            Projection("in", "out", matrix([[-3, -5, -7]] * 2), delay=1, sign="inhibitory"),
        ),
        spikes("activity/silent-inhibition", 1, 20, 3),
    )


def _saturation() -> Iterator[Case]:
    full = np.ones((2, 12, 6), dtype=np.int64)
    yield _case(
        "saturation",
        "All inputs spike in all steps, from the first to the last.",
        _two_layers(),
        full,
    )
    yield _case(
        "saturation-throughout",
        "Neurons that are above threshold in each step spike in each step.",
        _two_layers(threshold=0, bias_mantissa=4000),
        full,
    )
    yield Case(
        "activity/saturation-of-circuits",
        "E-I neurons under full excitation and full division spike by the quotient of the two.",
        network(
            source(8),
            layer("out", circuit(threshold=[3000, 5000, 7000]), 3),
            Projection("in", "out", matrix([[6] * 8, [12] * 8, [2] * 8]), "balanced", 1),
            Projection("in", "out", matrix([[7] * 8] * 3), "shunt", 1, sign="excitatory"),
        ),
        shown(np.ones((1, 10, 8), dtype=np.int64)),
    )


def _single() -> Iterator[Case]:
    each = np.eye(6, dtype=np.int64)
    yield _case(
        "single-neurons",
        "A single spike of each input neuron in turn reaches what its column of weights says.",
        _two_layers(voltage_decay=4096, threshold=1),
        each[None],
    )
    moments = np.zeros((6, 6, 6), dtype=np.int64)
    moments[range(6), range(6), range(6)] = 1
    yield _case(
        "single-steps",
        "A single spike in each step in turn, one for each sample, is seen in that step.",
        _two_layers(threshold=5),
        moments,
    )
    yield Case(
        "activity/one-neuron",
        "An input of one neuron and a population of one, spike by spike.",
        single(lif(threshold=7, voltage_decay=512), 4),
        show([1, 1, 0, 1, 1, 1, 0, 0, 1, 0, 1, 1, 1, 1]),
    )
    yield Case(
        "activity/one-step",
        "A sample of a single step: what is shown in it counts in it.",
        _two_layers(threshold=3),
        shown(spikes("activity/one-step", 5, 1, 6)),
    )
    yield Case(
        "activity/one-step-of-one-neuron",
        "One sample, one step, one neuron, one spike.",
        single(instant(3), 4),
        show([1]),
    )


def _samples() -> Iterator[Case]:
    blank = np.zeros((7, 8, 6), dtype=np.int64)
    blank[3] = spikes("activity/one-sample-of-many", 1, 8, 6)[0]
    yield _case(
        "one-sample-of-many",
        "Of seven samples one shows something: the others stay silent, before it and behind.",
        _two_layers(),
        blank,
    )
    same = spikes("activity/same-sample-again", 1, 9, 6).repeat(4, axis=0)
    yield _case(
        "same-sample-again",
        "The same sample shown four times gives the same four times.",
        _two_layers(current_decay=500),
        same,
    )
    turns = np.zeros((2, 14, 6), dtype=np.int64)
    turns[0, ::2] = turns[1, 1::2] = 1
    yield _case(
        "alternating",
        "Everything in each second step, the even ones or the odd ones.",
        _two_layers(threshold=25),
        turns,
    )
    checks = np.indices((2, 14, 6)).sum(axis=0) % 2
    yield _case(
        "checkered",
        "Each second neuron in each second step, so that neighbours never spike together.",
        _two_layers(threshold=13),
        checks,
    )
    burst = np.zeros((2, 20, 6), dtype=np.int64)
    burst[0, :4] = burst[1, -4:] = 1
    yield _case(
        "bursts",
        "A burst at the start of a sample, and one at the end of the next.",
        _two_layers(current_decay=1200),
        burst,
    )
    yield _case(
        "rates",
        "From sample to sample more neurons spike, from a tenth to all but a tenth.",
        network(
            source(10),
            layer("out", lif(voltage_decay=256, threshold=[9, 19, 39, 79]), 4),
            Projection("in", "out", Dense(np.full((4, 10), 4)), delay=1),
        ),
        np.concatenate(
            [spikes(f"activity/rates/{n}", 1, 10, 10, rate=n / 10) for n in range(1, 10)]
        ),
    )
    yield Case(
        "activity/channels-in-turn",
        "Each input is on for a while, one after the other, with a step without any between.",
        network(
            source(4),
            layer("out", lif(voltage_decay=2048, threshold=6), 4),
            Projection("in", "out", Dense(np.diag([4, 6, 8, 10])), delay=1),
        ),
        shown(np.repeat(np.vstack([np.eye(4, dtype=np.int64), np.zeros((1, 4), int)]), 4, 0)[None]),
    )
