"""Delays of NIR, as graphs: in which step something arrives."""

from __future__ import annotations

from collections.abc import Iterator

import nir
import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build_graphs import (
    affine,
    delay,
    end,
    entry,
    full,
    graph,
    integrate,
    lif,
    linear,
    shown,
    train,
)
from eideploy.program import Array

PULSES = train([1, 0, 0, 1, 1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, 0, 1, 0, 1, 1])
PAIRS = train(
    [[1, 0], [0, 0], [0, 1], [1, 1], [0, 0], [0, 0], [1, 0], [1, 0], [0, 1], [0, 0]],
    [[0, 1], [0, 0], [0, 0], [0, 0], [1, 0], [0, 0], [1, 1], [1, 1], [0, 0], [0, 1]],
)


def cases() -> Iterator[Case]:
    """Delays by themselves, beside other paths, and what goes through them."""
    yield from _delays()
    yield from _paths()
    yield from _through()


def _delays() -> Iterator[Case]:
    for steps, word in ((0, "none"), (1, "one"), (4, "four")):
        yield _late(
            f"delay-of-{word}",
            f"A Delay of {steps} steps: what comes in at t goes out at t + {steps}.",
            {"delay": delay(steps, 2)},
        )
    yield _late(
        "delay-of-each-neuron",
        "Each neuron of a Delay waits for a number of steps of its own, 0 included.",
        {"delay": delay([0, 3], 2)},
    )
    yield _late(
        "delays-in-a-row",
        "Two Delays one behind the other add up, neuron by neuron.",
        {"first": delay([1, 2], 2), "second": delay(2, 2)},
    )
    yield _late(
        "delay-longer-than-a-sample",
        "What is delayed beyond the end of a sample arrives nowhere, and not in the next sample.",
        {"delay": delay([9, 12], 2)},
    )
    yield shown(
        "graph-time/delay-beyond-62-steps",
        "A Delay may be longer than the 62 steps that one synapse of a chip waits.",
        graph(
            {"in": entry(1), "delay": delay(70), "out": integrate(1, threshold=0.5), "end": end(1)}
        ),
        train([1 if t in (0, 2, 9) else 0 for t in range(84)]),
    )
    yield shown(
        "graph-time/delay-in-decimal-seconds",
        "Times that float64 does not hold exactly, such as 3 ms, are whole numbers of steps.",
        graph(
            {
                "in": entry(2),
                "delay": nir.Delay(np.array([0.003, 0.007])),
                "weights": linear(np.eye(2)),
                "out": nir.LIF(full(2, 0.002), full(2, 2), full(2, 0), full(2, 0.875), full(2, 0)),
                "end": end(2),
            },
            dt=0.001,
        ),
        PAIRS,
    )


def _paths() -> Iterator[Case]:
    yield shown(
        "graph-time/delay-on-one-of-two-paths",
        "Two paths, one of them delayed: they meet only where pulses lie as far apart.",
        graph(
            {
                "in": entry(1),
                "delay": delay(3),
                "out": lif(1, tau=1, threshold=1.5),
                "end": end(1),
            },
            ("in", "delay"),
            ("in", "out"),
            ("delay", "out"),
            ("out", "end"),
        ),
        PULSES,
    )
    yield shown(
        "graph-time/delay-between-layers",
        "A Delay between two layers, beside a path without one.",
        graph(
            {
                "in": entry(2),
                "first": integrate(2, threshold=[0.5, 1.5]),
                "delay": delay(2, 2),
                "w_late": linear([[1, 0.5], [0.25, 1]]),
                "w_now": linear([[0.5, -1], [1, 0.25]]),
                "out": integrate(2, threshold=0.875),
                "end": end(2),
            },
            ("in", "first"),
            ("first", "delay"),
            ("delay", "w_late"),
            ("first", "w_now"),
            ("w_late", "out"),
            ("w_now", "out"),
            ("out", "end"),
        ),
        PAIRS,
    )


def _through() -> Iterator[Case]:
    yield _late(
        "bias-in-front-of-a-delay",
        "A bias in front of a Delay comes later too: the first steps are without it.",
        {"bias": affine(np.eye(2), [0.25, 0.5]), "delay": delay([2, 3], 2)},
        threshold=0.875,
    )
    yield _late(
        "bias-behind-a-delay",
        "A bias behind a Delay acts from the first step on.",
        {"delay": delay([2, 3], 2), "bias": affine(np.eye(2), [0.25, 0.5])},
        threshold=0.875,
    )
    yield shown(
        "graph-time/delay-of-graded-values",
        "A Delay passes graded values on as they are.",
        graph(
            {
                "in": entry(2, levels=4),
                "delay": delay([1, 2], 2),
                "out": integrate(2, threshold=1.125),
                "end": end(2),
            }
        ),
        train([[t % 5 / 4, t % 3 / 4] for t in range(12)]),
    )
    yield shown(
        "graph-time/delay-in-front-of-an-output",
        "An Output behind a Delay gives what was there so many steps ago.",
        graph(
            {
                "in": entry(2),
                "out": integrate(2, threshold=[0.5, 1.5]),
                "seen": end(2),
                "delay": delay(2, 2),
                "end": end(2),
            },
            ("in", "out"),
            ("out", "seen"),
            ("out", "delay"),
            ("delay", "end"),
        ),
        PAIRS,
    )
    yield _late(
        "one-step",
        "A sample of one step is a whole sample: layers answer within it.",
        {"first": integrate(2, threshold=0.5)},
        values=train([[1, 0]], [[0, 1]], [[1, 1]], [[0, 0]]),
    )


def _late(
    name: str,
    claim: str,
    nodes: dict[str, nir.NIRNode],
    threshold: float = 0.5,
    values: Array = PAIRS,
) -> Case:
    """Nodes between 2 inputs and 2 neurons."""
    whole = {"in": entry(2), **nodes, "out": integrate(2, threshold=threshold), "end": end(2)}
    return shown(f"graph-time/{name}", claim, graph(whole), values)
