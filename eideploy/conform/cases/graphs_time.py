"""Delays and loops of NIR, as graphs: in which step something arrives."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

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
    spikes,
    train,
)
from eideploy.program import Array

PULSES = train([1, 0, 0, 1, 1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, 0, 1, 0, 1, 1])
PAIRS = train(
    [[1, 0], [0, 0], [0, 1], [1, 1], [0, 0], [0, 0], [1, 0], [1, 0], [0, 1], [0, 0]],
    [[0, 1], [0, 0], [0, 0], [0, 0], [1, 0], [0, 0], [1, 1], [1, 1], [0, 0], [0, 1]],
)
RING = [[0, 0, 0.75], [0.75, 0, 0], [0, 0.75, 0]]


def cases() -> Iterator[Case]:
    """Delays, then loops, then loops with Delays."""
    yield from _delays()
    yield from _loops()
    yield from _loops_with_delays()


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


def _loops() -> Iterator[Case]:
    yield _looped(
        "loop-excites-itself",
        "A loop acts in the next step: a spike is felt by its own neuron one step later.",
        {"back": linear([[0.5, 0], [0.25, 0.5]])},
    )
    yield _looped(
        "loop-inhibits-itself",
        "A loop with negative weights keeps its neurons down in the step that follows a spike.",
        {"back": linear([[-1.5, 0.5], [-0.5, -0.75]])},
        threshold=0.875,
        weight=1.5,
    )
    yield _looped(
        "loop-without-weights",
        "A node that leads straight to itself drives each neuron with its own last spike.",
        {},
    )
    yield _looped(
        "loop-with-a-bias",
        "The bias in a loop acts from the first step on, as any other bias.",
        {"back": affine([[0.5, 0.25], [0, -0.5]], [0.25, 0.5])},
    )
    yield _looped(
        "loop-with-a-scale",
        "A Scale in a loop is its weight.",
        {"back": nir.Scale(full(2, [0.75, -0.75]))},
        threshold=0.875,
    )
    yield shown(
        "graph-time/loop-of-two",
        "E drives I in the same step, and I inhibits E in the next one.",
        graph(
            {
                "in": entry(2),
                "e": integrate(2, threshold=0.625),
                "to_i": linear([[0.5, 0.25]]),
                "i": integrate(1, threshold=0.625),
                "to_e": linear([[-0.75], [-1]]),
                "end": end(2),
            },
            ("in", "e"),
            ("e", "to_i"),
            ("to_i", "i"),
            ("i", "to_e"),
            ("to_e", "e"),
            ("e", "end"),
        ),
        PAIRS,
    )
    yield shown(
        "graph-time/loop-of-three",
        "Round a loop of three populations it takes one step, not three.",
        graph(
            {
                "in": entry(1),
                "a": integrate(1, threshold=0.625),
                "b": integrate(1, threshold=0.625),
                "c": integrate(1, threshold=1.625),
                "back": linear([[0.5]]),
                "end": end(1),
            },
            ("in", "a"),
            ("a", "b"),
            ("b", "c"),
            ("c", "back"),
            ("back", "a"),
            ("c", "end"),
        ),
        train([1, 1, 0, 0, 0, 1, 0, 1, 0, 1, 1, 1], [1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1]),
    )
    yield shown(
        "graph-time/loop-within-a-loop",
        "Two loops that share a node, one of them through another layer.",
        graph(
            {
                "in": entry(3),
                "first": integrate(3, threshold=0.625),
                "own": linear(RING),
                "forward": linear([[0.5, 0.5, 0], [0, 0.5, 0.5], [0.5, 0, 0.5]]),
                "second": integrate(3, threshold=0.875),
                "back": linear([[0, 0, -0.5], [0.25, -0.5, 0], [-0.5, 0, 0.25]]),
                "end": end(3),
            },
            ("in", "first"),
            ("first", "own"),
            ("own", "first"),
            ("first", "forward"),
            ("forward", "second"),
            ("second", "back"),
            ("back", "first"),
            ("second", "end"),
        ),
        spikes("graph-time/loop-within-a-loop", 3, steps=12),
    )
    for first, second in (("a", "b"), ("b", "a")):
        yield shown(
            f"graph-time/loop-entered-at-{first}",
            f"Two nodes drive each other and see the same input. The edge into {first} is listed "
            f"first: what {first} gives reaches {second} in the same step, and the other way round "
            "it takes one.",
            graph(
                {
                    "in": entry(2),
                    "a": integrate(2, threshold=[0.5, 1.5]),
                    "b": integrate(2, threshold=[1.5, 2.5]),
                    "end": end(2),
                    "other": end(2),
                },
                ("in", first),
                ("in", second),
                ("a", "b"),
                ("b", "a"),
                ("a", "end"),
                ("b", "other"),
            ),
            PAIRS,
        )
    inner = graph(
        {
            "in": entry(2),
            "if": integrate(2, threshold=0.625),
            "back": linear([[0, 0.5], [0.5, 0]]),
            "out": end(2),
        },
        ("in", "if"),
        ("if", "back"),
        ("back", "if"),
        ("if", "out"),
        nested=True,
    )
    yield shown(
        "graph-time/loop-in-a-nested-graph",
        "A loop within a nested graph acts in the next step too.",
        graph(
            {
                "in": entry(2),
                "weights": linear([[0.75, 0.5], [-0.25, 0.75]]),
                "block": inner,
                "out": integrate(2, threshold=1.5),
                "end": end(2),
            }
        ),
        PAIRS,
    )
    kernel = np.array([[[[0.0, 0.25, -0.5], [0.75, -0.25, 0.5], [0.0, 0.5, 0.25]]]])
    yield shown(
        "graph-time/loop-of-kernels",
        "A convolution in a loop spreads the spikes of the last step.",
        graph(
            {
                "in": entry(1, 4, 4),
                "out": integrate((1, 4, 4), threshold=0.875),
                "back": nir.Conv2d((4, 4), kernel, (1, 1), (1, 1), (1, 1), 1, np.zeros(1)),
                "end": end(1, 4, 4),
            },
            ("in", "out"),
            ("out", "back"),
            ("back", "out"),
            ("out", "end"),
        ),
        spikes("graph-time/loop-of-kernels", 1, 4, 4, rate=0.2),
    )


def _loops_with_delays() -> Iterator[Case]:
    yield _looped(
        "loop-closed-by-a-delay",
        "A loop with a Delay of 3 steps takes 3 steps, and not 4.",
        {"delay": delay(3, 2), "back": linear([[0.75, 0], [0.5, 0.75]])},
    )
    yield _looped(
        "loop-with-delays-of-each-neuron",
        "A loop whose Delay differs from neuron to neuron takes as long as each says.",
        {"delay": delay([1, 4], 2), "back": linear([[0.75, 0.5], [0.5, 0.75]])},
    )
    yield _looped(
        "loop-with-a-delay-of-none",
        "A Delay of 0 steps does not close a loop: it takes one step all the same.",
        {"delay": delay(0, 2), "back": linear([[0.5, 0], [0.25, 0.5]])},
    )
    yield shown(
        "graph-time/loops-fast-and-slow",
        "Two loops of one node: one takes a step, the other as many as its Delay says.",
        graph(
            {
                "in": entry(2),
                "out": integrate(2, threshold=0.875),
                "fast": linear([[-0.5, 0.25], [0.25, -0.5]]),
                "delay": delay(3, 2),
                "slow": linear([[0.75, 0.5], [0, 0.75]]),
                "end": end(2),
            },
            ("in", "out"),
            ("out", "fast"),
            ("fast", "out"),
            ("out", "delay"),
            ("delay", "slow"),
            ("slow", "out"),
            ("out", "end"),
        ),
        PAIRS,
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


def _looped(
    name: str,
    claim: str,
    nodes: dict[str, nir.NIRNode],
    threshold: Any = 0.625,
    weight: float = 0.5,
) -> Case:
    """Two neurons and nodes that lead from them back to them."""
    back = ["out", *nodes, "out"]
    whole = {
        "in": entry(2),
        "weights": linear(np.eye(2) * weight),
        "out": integrate(2, threshold=threshold),
        **nodes,
        "end": end(2),
    }
    edges = (("in", "weights"), ("weights", "out"), *pairwise(back))
    return shown(f"graph-time/{name}", claim, graph(whole, *edges, ("out", "end")), PAIRS)
