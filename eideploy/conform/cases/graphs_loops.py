"""Loops of NIR, as graphs: which connection acts in the next step."""

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
    linear,
    shown,
    spikes,
    train,
)

PAIRS = train(
    [[1, 0], [0, 0], [0, 1], [1, 1], [0, 0], [0, 0], [1, 0], [1, 0], [0, 1], [0, 0]],
    [[0, 1], [0, 0], [0, 0], [0, 0], [1, 0], [0, 0], [1, 1], [1, 1], [0, 0], [0, 1]],
)
RING = [[0, 0, 0.75], [0.75, 0, 0], [0, 0.75, 0]]


def cases() -> Iterator[Case]:
    """Loops of one node and of several, then loops with Delays."""
    yield from _alone()
    yield from _several()
    yield from _elsewhere()
    yield from _with_delays()


def _alone() -> Iterator[Case]:
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


def _several() -> Iterator[Case]:
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


def _elsewhere() -> Iterator[Case]:
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


def _with_delays() -> Iterator[Case]:
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
