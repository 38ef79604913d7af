"""E-I neurons in integers as neurons: decay, test and reset, ports, whole layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import circuit, draw, neurons, source
from eideploy.conform.cases.build_circuits import FORGETS, case, fed, shown
from eideploy.program import (
    Conv2d,
    Dense,
    EINeuronFixed,
    Identity,
    Population,
    Program,
    Projection,
    Stimulus,
)


def cases() -> Iterator[Case]:
    """Membranes, then ports, then layers."""
    yield from _membranes()
    yield from _ports()
    yield from _layers()


def _membranes() -> Iterator[Case]:
    high = 2**20
    yield case(
        "decay-toward-zero",
        "A negative v decays toward zero: −3 halves to −1, as 3 to 1.",
        circuit(quotient_shift=0, voltage_decay=2048),
        [(3, 1), (-3, 1), (1, 1), (-1, 1), (1001, 1), (-1001, 1)],
        *[[(0, 1)] * 6] * 10,
    )
    yield case(
        "decay-each",
        "Decays 0, 1, 4095 and 4096: v stays, loses a 4096th, keeps one, and is gone.",
        circuit(quotient_shift=0, voltage_decay=[0, 1, 4095, 4096] * 2, threshold=high),
        [(8191, 1)] * 4 + [(-8191, 1)] * 4,
        *[[(0, 1)] * 8] * 3,
    )
    yield case(
        "bias-each-step",
        "The bias is added in every step from the first one on, without any input.",
        circuit(voltage_decay=0, bias=[1, -1, 1000, 4096], threshold=4096),
        *[[(0, 0)] * 4] * 9,
    )
    yield case(
        "test-strict",
        "v = θ is no spike, v = θ + 1 is one.",
        circuit(quotient_shift=0, threshold=100, voltage_decay=4096),
        [(99, 1), (100, 1), (101, 1), (-101, 1)],
    )
    yield case(
        "threshold-plain",
        "θ is in the units of v, and not shifted by 6 as that of a LIF.",
        circuit(quotient_shift=0, threshold=[2, 128, 129], voltage_decay=0),
        *[[(64, 1), (64, 1), (64, 1)]] * 4,
    )
    yield case(
        "threshold-negative",
        "A negative threshold lies below rest: the neuron spikes without input.",
        circuit(quotient_shift=0, threshold=[-1, -5, -5], voltage_decay=2048),
        *[[(0, 1), (-5, 1), (-4, 1)]] * 3,
    )
    driven = [(70, 1), (130, 1), (-20, 1)]
    yield case(
        "reset-to-zero",
        "A spike sets v to 0, whatever was above the threshold.",
        circuit(quotient_shift=0, threshold=100, voltage_decay=0),
        *[driven] * 6,
    )
    yield case(
        "reset-to-a-value",
        "A spike sets v to reset_to, which may be below 0, and differs from neuron to neuron.",
        circuit(quotient_shift=0, threshold=100, voltage_decay=0, reset_to=[50, -7, 1]),
        *[driven] * 6,
    )
    yield case(
        "reset-above-threshold",
        "A neuron that is reset to more than its threshold spikes again, on its own.",
        circuit(quotient_shift=0, threshold=100, voltage_decay=[0, 64, 2048], reset_to=201),
        [(101, 1)] * 3,
        *[[(0, 1)] * 3] * 4,
    )
    yield case(
        "reset-by-subtraction",
        "A soft reset takes the threshold away once and keeps the rest.",
        circuit(quotient_shift=0, threshold=100, voltage_decay=0, reset="subtract"),
        *[driven] * 6,
        [(350, 1), (0, 1), (0, 1)],
        *[[(0, 1)] * 3] * 4,
    )
    yield case(
        "reset-by-subtraction-of-the-threshold",
        "A soft reset subtracts θ; reset_to has no say in it.",
        circuit(
            quotient_shift=0,
            threshold=[100, 60],
            voltage_decay=0,
            reset="subtract",
            reset_to=[1, 1000],
        ),
        *[[(130, 1), (70, 1)]] * 5,
    )
    yield _samples(
        "sample-starts-anew",
        "At the start of every sample v is 0 again.",
        circuit(quotient_shift=0, threshold=1000, voltage_decay=[0, 1, 2048]),
        reset_phase=0,
    )
    yield _samples(
        "state-carried-over",
        "Without a reset phase v goes on from sample to sample, decaying in every step.",
        circuit(quotient_shift=0, threshold=1000, voltage_decay=[0, 1, 2048]),
        reset_phase=None,
    )
    yield _samples(
        "reset-late-in-a-sample",
        "A reset phase of 2 sets v back before the third step of every sample.",
        circuit(quotient_shift=0, threshold=1000, voltage_decay=[0, 1, 2048]),
        reset_phase=2,
    )


def _ports() -> Iterator[Case]:
    plain = circuit(quotient_shift=4, floor=2, **FORGETS)
    yield Case(
        "circuits/ports-add-up",
        "All that arrives at a port adds up before the division: B of two inputs, S of two.",
        fed(
            plain,
            Projection("b", "out", Identity(np.array(5)), "balanced", 1),
            Projection("s", "out", Identity(np.array(-3)), "balanced", 1),
            Projection("b", "out", Identity(np.array(1)), "shunt", 1),
            Projection("s", "out", Identity(np.array(2)), "shunt", 1),
        ),
        shown([(9, 2), (2, 9), (3, 5)], [(0, 1), (1, 0), (4, 4)]),
    )
    yield Case(
        "circuits/ports-differ",
        "What arrives at one port is not seen by the other.",
        fed(
            plain,
            Projection("b", "out", Identity(np.array(7)), "balanced", 1),
            Projection("s", "out", Identity(np.array(3)), "shunt", 1),
        ),
        shown([(9, 2), (2, 9), (3, 5)], [(0, 1), (1, 0), (4, 4)]),
    )
    yield Case(
        "circuits/port-without-synapses",
        "A neuron without synapses onto its shunt divides by its floor.",
        fed(
            circuit(quotient_shift=4, floor=[3, 5, 7], **FORGETS),
            Projection("b", "out", Identity(np.array(1)), "balanced", 1),
        ),
        shown([(9, 200), (2, 200), (3, 200)], [(0, 1), (-1, 0), (-4, 4)]),
    )
    yield Case(
        "circuits/exponents-of-ports",
        "Each projection has an exponent: shifted left, or right to −∞, before sums are taken.",
        fed(
            circuit(quotient_shift=6, **FORGETS),
            Projection("b", "out", Identity(np.array(3)), "balanced", 1, exponent=2),
            Projection("s", "out", Identity(np.array(-3)), "balanced", 1, exponent=-1),
            Projection("s", "out", Identity(np.array(5)), "shunt", 1, exponent=-2),
            Projection("b", "out", Identity(np.array(1)), "shunt", 1, exponent=1),
        ),
        shown([(9, 3), (2, 9), (3, 5)], [(1, 1), (1, 2), (4, 7)]),
    )
    yield Case(
        "circuits/shunt-arrives-later",
        "Where S takes a step longer than B, B of this step is divided by S of the last one.",
        fed(
            circuit(quotient_shift=6, floor=1, **FORGETS),
            Projection("b", "out", Identity(np.array(1)), "balanced", 1),
            Projection("s", "out", Identity(np.array(1)), "shunt", 2),
        ),
        shown(*[[(100, 2 + t), (50, 9 - t), (-77, 1 + 3 * t)] for t in range(6)]),
    )


def _layers() -> Iterator[Case]:
    random = draw("circuits/layer-of-spikes")
    steps, n_in, n = 12, 16, 8
    balanced = [[2 * random.randint(-60, 127) for _ in range(n_in)] for _ in range(n)]
    shunt = [[random.randint(0, 255) for _ in range(n_in)] for _ in range(n)]
    spikes = [
        [[int(random.random() < 0.4) for _ in range(n_in)] for _ in range(steps)] for _ in range(3)
    ]
    for kind in ("value", "subtract"):
        yield Case(
            f"circuits/layer-of-spikes-{kind}",
            "A layer of E-I neurons driven by spikes: quotients, leak, test and reset together.",
            _layer(
                (n_in,),
                Dense(np.array(balanced)),
                Dense(np.array(shunt)),
                neurons(
                    circuit(
                        gain=[256, 200, 300, 256, 128, 256, 511, 256],
                        bias=[0, 0, 100, -100, 0, 7, 0, 0],
                        floor=[1, 300, 300, 600, 900, 1, 1, 2000],
                        threshold=2048,
                        reset=kind,
                    ),
                    n,
                ),
            ),
            Stimulus({"in": np.array(spikes)}),
        )
    random = draw("circuits/layer-of-kernels")
    kernel = (4, 2, 3, 3)
    size = int(np.prod(kernel))
    image = (2, 5, 6)
    geometry: dict[str, Any] = {"stride": (2, 1), "padding": (1, 0)}
    yield Case(
        "circuits/layer-of-kernels",
        "Convolutions onto both ports of one geometry: at the border S shrinks with B.",
        _layer(
            image,
            Conv2d(
                np.array([2 * random.randint(-40, 100) for _ in range(size)]).reshape(kernel),
                **geometry,
            ),
            Conv2d(
                np.array([random.randint(0, 120) for _ in range(size)]).reshape(kernel), **geometry
            ),
            neurons(circuit(floor=np.array([1, 200, 300, 400])[:, None, None]), 4, 3, 4),
        ),
        Stimulus(
            {
                "in": np.array(
                    [int(random.random() < 0.4) for _ in range(2 * 6 * int(np.prod(image)))]
                ).reshape(2, 6, *image)
            }
        ),
    )


def _samples(name: str, claim: str, neuron: EINeuronFixed, reset_phase: int | None) -> Case:
    """Three samples of three neurons."""
    program = fed(
        neuron,
        Projection("b", "out", Identity(np.array(1)), "balanced", 1),
        Projection("s", "out", Identity(np.array(1)), "shunt", 1),
        reset_phase=reset_phase,
    )
    b = np.array([[101 * (t + 1), -53 * (t + 1), 7 + 400 * t] for t in range(4)])
    return Case(
        f"circuits/{name}",
        claim,
        program,
        Stimulus({"b": np.stack([b, -b, 3 * b]), "s": np.ones((3, 4, 3), np.int64)}),
    )


def _layer(
    shape: tuple[int, ...], balanced: Dense | Conv2d, shunt: Dense | Conv2d, out: Population
) -> Program:
    """Spikes onto both ports of a population."""
    return Program(
        (source(*shape), Population(out.name, out.shape, out.neuron, 1)),
        (
            Projection("in", out.name, balanced, "balanced", 1),
            Projection("in", out.name, shunt, "shunt", 1, sign="excitatory"),
        ),
        "integer",
        (out.name,),
    )
