"""Graded values in integers: inputs, relays that drop bits, payloads times weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import (
    chain,
    circuit,
    draw,
    integrator,
    lif,
    matrix,
    neurons,
    relay,
    show,
    source,
)
from eideploy.program import (
    Conv2d,
    Identity,
    Neuron,
    Operator,
    Population,
    Program,
    Projection,
    Source,
    Stimulus,
)

LARGEST = 2**23 - 1
ONE = Identity(np.array(1))
FORGETS: dict[str, Any] = {"voltage_decay": 4096, "threshold": 131071}


def cases() -> Iterator[Case]:
    """Inputs, relays, and what payloads do."""
    yield from _inputs()
    yield from _relays()
    yield from _payloads()


def _inputs() -> Iterator[Case]:
    yield _seen(
        "input-halves-to-even",
        "An input is rint(x·scale): halves go to the even neighbour, 0.5 to 0 and 1.5 to 2.",
        Source(0.0, 4.0, 0, 2.0),
        [0.25, 0.75, 1.25, 1.75, 2.25, 3.75],
    )
    yield _seen(
        "input-negative",
        "Inputs may be negative; −0.5 goes to 0, −1.5 to −2.",
        Source(-4.0, 4.0, 0, 2.0),
        [-0.25, -0.75, -1.25, -1.75, -0.375, -4.0],
    )
    yield _seen(
        "input-of-255-levels",
        "x = k/255 in float64 is k, though x·255 may lie just below it.",
        Source(0.0, 1.0, 255, 255.0),
        *([k / 255 for k in range(start, start + 32)] for start in range(0, 256, 32)),
    )
    yield _seen(
        "input-scaled-down",
        "A scale below 1 rounds as one above: 12 eighths are 2, 4 eighths are 0.",
        Source(0.0, 1000.0, 0, 0.125),
        [0.0, 3.0, 4.0, 5.0, 12.0, 20.0, 1000.0],
    )
    yield _seen(
        "input-scale-of-each-neuron",
        "The scale may differ from neuron to neuron.",
        Source(-1.0, 1.0, 0, np.array([1.0, 10.0, 127.0, 4096.0])),
        [1.0, 1.0, 1.0, 1.0],
        [-1.0, -1.0, -1.0, -1.0],
        [0.25, 0.25, 0.25, 0.25],
    )


def _relays() -> Iterator[Case]:
    ramp = list(range(-9, 10))
    yield _relayed(
        "relay-passes-on",
        "A relay without a shift emits what it receives, in the same step and in no other.",
        {"shift": 0},
        [5, -5, LARGEST, -LARGEST],
        [0, 0, 0, 0],
        [1, 0, -1, 0],
    )
    yield _relayed(
        "relay-halves-up",
        "A relay drops one bit and rounds halves up: 3 becomes 2, and −3 becomes −1.",
        {"shift": 1},
        ramp,
    )
    yield _relayed(
        "relay-to-nearest",
        "A relay that drops bits rounds to the nearest, of either sign.",
        {"shift": 2},
        ramp,
    )
    yield _relayed(
        "relay-shift-of-each-neuron",
        "Each neuron drops as many bits as it says.",
        {"shift": list(range(8))},
        [100] * 8,
        [-100] * 8,
        [64] * 8,
        [-64] * 8,
    )
    half = 2**21
    yield _relayed(
        "relay-shift-22",
        "A shift of 22 leaves the sign and two bits, rounded to the nearest.",
        {"shift": 22},
        [half - 1, half, half + 1, -half, -half - 1, LARGEST, -LARGEST],
    )
    yield _relayed(
        "relay-bias-before-shift",
        "The bias is added before bits are dropped, and may differ from neuron to neuron.",
        {"shift": 2, "bias": [0, 1, 2, 3, -1, -2]},
        [1] * 6,
        [-1] * 6,
        [5] * 6,
    )
    yield Case(
        "graded/relay-bias-in-steps-of-a-sample",
        "The bias of a relay is emitted in the steps of a sample only, and in all of them.",
        Program(
            (
                source(1),
                Population("relay", (1,), relay(bias=3), 1),
                Population("out", (1,), lif(), 2),
            ),
            (Projection("in", "relay", ONE, delay=1), Projection("relay", "out", ONE, delay=3)),
            "integer",
            ("out",),
        ),
        show([0, 0, 1, 0, 0], [1, 0, 0, 0, 0]),
    )
    yield Case(
        "graded/relay-after-relay",
        "Two relays that drop a bit each round twice, which is not once by two bits.",
        chain(
            (ONE, neurons(relay(shift=1), 19, name="first")),
            (ONE, neurons(relay(shift=1), 19)),
            entry=source(19, minimum=-9, maximum=9),
        ),
        show([ramp, ramp[::-1]]),
    )
    yield Case(
        "graded/relay-of-a-sum",
        "A relay rounds the sum of all that arrives, and not each part of it.",
        Program(
            (
                source(3, minimum=-9, maximum=9),
                Population("out", (3,), relay(shift=2), 1),
            ),
            (
                Projection("in", "out", matrix([[2, -2, 0], [0, 2, 2], [2, 0, 4]]), delay=1),
                Projection("in", "out", Identity(np.array([1, -1, 3])), delay=1),
            ),
            "integer",
            ("out",),
        ),
        show([[1, 1, 1], [1, -3, 1], [5, -7, 2], [-9, 9, 9], [0, 1, 0]]),
    )


def _payloads() -> Iterator[Case]:
    yield Case(
        "graded/payload-times-weight",
        "A graded input counts as many times as it says, for the extreme weights too.",
        chain(
            (matrix([[254], [-256], [2], [-2]]), neurons(lif(**FORGETS), 4)),
            entry=source(1, maximum=255),
        ),
        show([0, 1, 2, 127, 128, 255]),
    )
    yield Case(
        "graded/payload-negative",
        "A negative payload over an excitatory synapse inhibits.",
        chain(
            (matrix([[254], [2], [6]]), neurons(lif(threshold=100), 3)),
            entry=source(1, minimum=-128, maximum=127),
        ),
        show([1, -1, 127, -128, 3, 40]),
    )
    yield Case(
        "graded/payload-sum-then-exponent",
        "A negative exponent shifts the sum over all synapses of a projection, and not each part.",
        Program(
            (
                source(4, minimum=-7, maximum=7),
                Population("out", (2,), lif(**FORGETS), 1),
            ),
            (
                Projection(
                    "in", "out", matrix([[2, 2, 2, 2], [6, -2, 4, -10]]), delay=1, exponent=-2
                ),
            ),
            "integer",
            ("out",),
        ),
        show([[1, 1, 1, 1], [1, 1, 1, 0], [-1, -1, -1, 0], [3, 1, -2, 5], [0, 0, 0, -1]]),
    )
    yield Case(
        "graded/payload-of-17-bits",
        "Payloads beyond 16 bits arrive whole.",
        chain(
            (matrix([[2], [-2]]), neurons(relay(), 2)),
            entry=source(1, minimum=-(2**21), maximum=2**21),
        ),
        show([65535, 65536, 65537, 2**17 + 1, -(2**20) - 1, 2**21]),
    )
    random = draw("graded/image-of-payloads")
    image, kernel = (2, 4, 5), (3, 2, 3, 2)
    yield Case(
        "graded/image-of-payloads",
        "A convolution of a graded image, into relays that drop bits and on to spiking neurons.",
        chain(
            (
                Conv2d(
                    np.array([2 * random.randint(-128, 127) for _ in range(36)]).reshape(kernel),
                    padding=(1, 0),
                ),
                neurons(relay(shift=6, bias=33), 3, 4, 4, name="relay"),
            ),
            (ONE, neurons(lif(threshold=700, voltage_decay=512), 3, 4, 4)),
            entry=source(*image, maximum=255),
        ),
        Stimulus(
            {
                "in": np.array([random.randint(0, 255) for _ in range(2 * 4 * 40)]).reshape(
                    2, 4, *image
                )
            }
        ),
    )
    yield Case(
        "graded/payload-of-an-integrator",
        "What an integrator emits drives neurons as any graded value, negative ones inhibit.",
        chain(
            (matrix([[6], [-4]]), neurons(integrator(voltage_decay=1024, shift=5), 2, name="v")),
            (matrix([[10, 6], [-8, 4]]), neurons(lif(threshold=300, voltage_decay=100), 2)),
            entry=source(1, minimum=-9, maximum=9),
        ),
        show([1, 0, 5, -9, 9, 9, 0, 0, -3, 7]),
    )
    yield Case(
        "graded/payload-onto-both-ports",
        "Relays drive a circuit: the quotient is that of their rounded values.",
        Program(
            (
                source(2, minimum=-500, maximum=500),
                Population("relay", (2,), relay(shift=3), 1),
                Population("out", (3,), circuit(voltage_decay=4096), 2),
            ),
            (
                Projection("in", "relay", ONE, delay=1),
                Projection("relay", "out", matrix([[4, -2], [6, 8], [2, 0]]), "balanced", 1),
                Projection("relay", "out", matrix([[2, 6], [10, 2], [0, 18]]), "shunt", 1),
            ),
            "integer",
            ("out",),
        ),
        show([[100, 4], [99, 3], [-500, 500], [12, -12], [0, 3], [500, 499]]),
    )


def _seen(name: str, claim: str, entry: Source, *steps: Sequence[float]) -> Case:
    """An input, and relays that pass it on."""
    n = len(steps[0])
    program = Program(
        (Population("in", (n,), entry), Population("out", (n,), relay(), 1)),
        (Projection("in", "out", ONE, delay=1),),
        "integer",
        ("out",),
    )
    return Case(f"graded/{name}", claim, program, show(list(steps)))


def _relayed(name: str, claim: str, changes: dict[str, Any], *steps: Sequence[int]) -> Case:
    """Relays that are shown numbers of 24 bits."""
    n = len(steps[0])
    program = driven(relay(**changes), n, ONE, n)
    return Case(f"graded/{name}", claim, program, show(list(steps)))


def driven(neuron: Neuron, n_in: int, operator: Operator, n: int, **more: Any) -> Program:
    """Neurons behind an input of 24 bits."""
    return Program(
        (
            source(n_in, minimum=-LARGEST, maximum=LARGEST),
            Population("out", (n,), neuron, 1),
        ),
        (Projection("in", "out", operator, delay=1, **more),),
        "integer",
        ("out",),
    )
