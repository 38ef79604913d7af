"""Inputs, outputs, sums and nested graphs of NIR: how nodes are wired.

Weights are quarters, and thresholds lie an eighth beside them: no neuron comes near its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build_graphs import (
    affine,
    end,
    entry,
    graph,
    integrate,
    lif,
    linear,
    shown,
    soft_if,
    train,
)
from eideploy.conform.cases.graphs_layers import RAMP, W, layer


def cases() -> Iterator[Case]:
    """Inputs and outputs; then sums and nested graphs."""
    yield from _entries()
    yield from _exits()
    yield from _sums()
    yield from _nested()


def _entries() -> Iterator[Case]:
    yield shown(
        "graph-layers/input-of-levels",
        "An input of 4 levels counts in quarters.",
        graph(
            {
                "in": entry(3, levels=4),
                "weights": linear(W),
                "out": integrate(4, threshold=0.90625),
                "end": end(4),
            }
        ),
        train([[t % 5 / 4, t % 4 / 4, t % 3 / 4] for t in range(12)]),
    )
    yield shown(
        "graph-layers/input-negative",
        "An input whose metadata says low = −1 takes values below 0, which inhibit.",
        graph(
            {
                "in": entry(3, low=-1, levels=4),
                "weights": linear(W),
                "out": integrate(4, threshold=0.90625),
                "end": end(4),
            }
        ),
        train([[(t % 7 - 2) / 4, (t % 4 - 1) / 4, (t % 9 - 4) / 4] for t in range(12)]),
    )
    yield shown(
        "graph-layers/input-above-one",
        "An input whose metadata says high = 4 takes values above 1.",
        graph(
            {
                "in": entry(3, high=4, levels=4),
                "weights": linear(W),
                "out": integrate(4, threshold=4.625),
                "end": end(4),
            }
        ),
        train([[t % 5, t % 4, t % 3] for t in range(12)]),
    )
    yield shown(
        "graph-layers/two-inputs",
        "Two inputs drive one population, each through its own weights.",
        graph(
            {
                "left": entry(3),
                "right": entry(2),
                "w_left": linear(W),
                "w_right": linear([[1, 0], [0, -1], [0.5, 0.5], [-0.25, 0.75]]),
                "out": integrate(4, threshold=0.875),
                "end": end(4),
            },
            ("left", "w_left"),
            ("right", "w_right"),
            ("w_left", "out"),
            ("w_right", "out"),
            ("out", "end"),
        ),
        {"left": RAMP, "right": RAMP[..., :0:-1]},
    )
    yield shown(
        "graph-layers/input-joins-late",
        "An input that joins at the second layer arrives with what the first gave in that step.",
        graph(
            {
                "in": entry(3),
                "w0": linear(W),
                "hidden": integrate(4, threshold=0.875),
                "w1": linear([[1, 0.5, 0, -0.5], [-0.5, 0.25, 1, 1]]),
                "late": entry(2),
                "w_late": linear([[1, -1], [0.5, 1]]),
                "out": integrate(2, threshold=1.125),
                "end": end(2),
            },
            ("in", "w0"),
            ("w0", "hidden"),
            ("hidden", "w1"),
            ("w1", "out"),
            ("late", "w_late"),
            ("w_late", "out"),
            ("out", "end"),
        ),
        {"in": RAMP, "late": RAMP[..., 1:]},
    )


def _exits() -> Iterator[Case]:
    yield shown(
        "graph-layers/two-outputs",
        "A hidden layer may be an Output too, and is read in its own step.",
        graph(
            {
                "in": entry(3),
                "w0": linear(W),
                "hidden": integrate(4, threshold=0.875),
                "seen": end(4),
                "w1": linear([[1, 0.5, 0, -0.5], [-0.5, 0.25, 1, 1]]),
                "out": integrate(2, threshold=1.125),
                "end": end(2),
            },
            ("in", "w0"),
            ("w0", "hidden"),
            ("hidden", "seen"),
            ("hidden", "w1"),
            ("w1", "out"),
            ("out", "end"),
        ),
        RAMP,
    )
    yield shown(
        "graph-layers/one-output-read-twice",
        "Two Outputs of one node see the same.",
        graph(
            {
                "in": entry(3),
                "weights": linear(W),
                "out": integrate(4, threshold=0.875),
                "end": end(4),
                "again": end(4),
            },
            ("in", "weights"),
            ("weights", "out"),
            ("out", "end"),
            ("out", "again"),
        ),
        RAMP,
    )


def _sums() -> Iterator[Case]:
    parts: dict[str, Any] = {
        "in": entry(3),
        "w0": linear(W),
        "first": integrate(4, threshold=0.875),
        "w1": linear(np.eye(4)[::-1]),
        "second": integrate(4, threshold=0.5),
    }
    edges = (("in", "w0"), ("w0", "first"), ("first", "w1"), ("w1", "second"))
    yield shown(
        "graph-layers/residual-sum",
        "A residual sum of two spikes is 2, and drives what follows twice as much.",
        graph(
            parts
            | {
                "w2": linear(np.eye(4) * 0.75),
                "out": lif(4, tau=1, threshold=1.125),
                "end": end(4),
            },
            *edges,
            ("first", "w2"),
            ("second", "w2"),
            ("w2", "out"),
            ("out", "end"),
        ),
        RAMP,
    )
    yield shown(
        "graph-layers/output-of-a-sum",
        "An Output that two nodes lead to is their sum, step by step.",
        graph(parts | {"end": end(4)}, *edges, ("first", "end"), ("second", "end")),
        RAMP,
    )
    yield shown(
        "graph-layers/output-without-neurons",
        "An Output behind a Linear is its result, of the same step, beside spikes.",
        graph(
            parts | {"w2": affine(W, [0.5, 0, -0.5, 0]), "end": end(4), "read": end(4)},
            *edges,
            ("second", "end"),
            ("in", "w2"),
            ("w2", "read"),
        ),
        RAMP,
    )
    yield shown(
        "graph-layers/shortcut-over-two-layers",
        "A shortcut past two layers arrives in the same step as what went through them.",
        graph(
            parts
            | {
                "w2": linear(np.eye(4)),
                "third": soft_if(4, threshold=0.625),
                "w3": linear(W),
                "out": integrate(4, threshold=1.375),
                "end": end(4),
            },
            *edges,
            ("second", "w2"),
            ("w2", "third"),
            ("third", "out"),
            ("in", "w3"),
            ("w3", "out"),
            ("out", "end"),
        ),
        RAMP,
    )
    yield shown(
        "graph-layers/same-weights-twice",
        "A Linear that leads to two nodes drives both in the same step.",
        graph(
            {
                "in": entry(3),
                "weights": linear(W),
                "hard": integrate(4, threshold=0.875),
                "soft": soft_if(4, threshold=0.875),
                "end": end(4),
                "other": end(4),
            },
            ("in", "weights"),
            ("weights", "hard"),
            ("weights", "soft"),
            ("hard", "end"),
            ("soft", "other"),
        ),
        RAMP,
    )


def _nested() -> Iterator[Case]:
    inner = graph(
        {
            "in": entry(4),
            "w": linear(np.eye(4)[::-1]),
            "if": soft_if(4, threshold=0.625),
            "out": end(4),
        },
        nested=True,
    )
    yield layer(
        "nested",
        "A graph within a graph is its nodes in their place.",
        {"weights": linear(W), "block": inner},
    )
    outer = graph(
        {"in": entry(4), "block": inner, "w": linear(np.eye(4) * 1.5), "out": end(4)}, nested=True
    )
    yield layer(
        "nested-twice",
        "A graph within a graph within a graph too.",
        {"weights": linear(W), "outer": outer, "before": integrate(4, threshold=2.25)},
    )
