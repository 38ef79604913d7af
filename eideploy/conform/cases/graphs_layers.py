"""Linear nodes of NIR and how they are wired, as graphs.

Weights are quarters, and thresholds lie an eighth beside them: no neuron comes near its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nir
import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build_graphs import (
    affine,
    cuba,
    end,
    entry,
    flatten,
    full,
    graph,
    integrate,
    lif,
    linear,
    shown,
    soft_if,
    spikes,
    train,
)

W = [[1, -0.5, 0.25], [-0.75, 0.5, 1], [0.5, 0.5, -1], [0.25, 1, 0.75]]
"""Weights of 4 neurons for 3 inputs."""

RAMP = train([[t & 1, t >> 1 & 1, t >> 2 & 1] for t in (7, 1, 2, 4, 3, 5, 6, 0, 7, 7)])


def cases() -> Iterator[Case]:
    """Linear nodes; then inputs and outputs; then sums and nested graphs."""
    yield from _linear()
    yield from _entries()
    yield from _sums()
    yield from _nested()


def _linear() -> Iterator[Case]:
    yield _layer(
        "linear",
        "Row o of a Linear are the weights onto neuron o.",
        {"weights": linear(W)},
    )
    yield _layer(
        "affine",
        "The bias of an Affine drives its neurons in every step, with and without input.",
        {"weights": affine(W, [0.5, -0.5, 0.25, 0])},
    )
    yield shown(
        "graph-layers/affine-into-a-current",
        "A bias goes through the synaptic filter of a CubaLIF, as all that comes in.",
        graph(
            {
                "in": entry(1),
                "weights": affine([[1], [0.5]], [0.25, 0.5]),
                "out": cuba(2, tau_syn=4, w_in=4, threshold=[1.96875, 2.6875]),
                "end": end(2),
            }
        ),
        train([1, 0, 0, 0, 1, 1, 0, 0, 0, 1]),
    )
    yield _layer(
        "scale-in-front",
        "A Scale in front of a Linear multiplies what each source gives.",
        {"scale": nir.Scale(full(3, [2, 0.5, -1])), "weights": linear(W)},
    )
    yield _layer(
        "scale-behind",
        "A Scale behind an Affine multiplies what arrives at each neuron, the bias too.",
        {
            "weights": affine(W, [0.5, 0.25, 0, -0.5]),
            "scale": nir.Scale(full(4, [2, -1, 1, 0.5])),
        },
        threshold=1.0625,
    )
    yield shown(
        "graph-layers/scale-alone",
        "A Scale between an input and neurons is a weight for each of them.",
        graph(
            {
                "in": entry(3),
                "scale": nir.Scale(full(3, [0.5, 1.25, 2])),
                "out": integrate(3, threshold=1.125),
                "end": end(3),
            }
        ),
        RAMP,
    )
    yield _layer(
        "linear-after-linear",
        "Two Linears one behind the other multiply, with no neuron in between.",
        {
            "first": affine([[1, 1, 0], [0, -1, 1]], [0.5, 0]),
            "weights": linear([[0.5, 0], [0.25, 0.25], [-0.5, 1], [0, 0.5]]),
        },
        threshold=0.9375,
    )
    yield shown(
        "graph-layers/no-weights",
        "Neurons right behind an input take each its own value, times 1.",
        graph({"in": entry(3), "out": integrate(3, threshold=[0.5, 1.5, 2.5]), "end": end(3)}),
        RAMP,
    )
    yield shown(
        "graph-layers/neurons-behind-neurons",
        "Spikes of one node go to another right behind it, in the same step.",
        graph(
            {
                "in": entry(3),
                "first": integrate(3, threshold=[0.5, 1.5, 0.5]),
                "out": integrate(3, threshold=[1.5, 0.5, 0.5]),
                "end": end(3),
            }
        ),
        RAMP,
    )
    yield shown(
        "graph-layers/two-layers",
        "Two layers of spiking neurons act in one step, one after the other.",
        graph(
            {
                "in": entry(3),
                "w0": linear(W),
                "hidden": lif(4, tau=1, threshold=0.625),
                "w1": linear([[1, -1, 0.5, 0.25], [0.5, 0.5, -0.25, -1], [0.25, 1, 1, 0.5]]),
                "out": integrate(3, threshold=0.875),
                "end": end(3),
            }
        ),
        RAMP,
    )
    yield shown(
        "graph-layers/flatten-order",
        "A Flatten counts channels first, then rows, then columns.",
        graph(
            {
                "in": entry(2, 2, 3),
                "flat": flatten(2, 2, 3),
                "weights": linear(
                    [[1 if n == 3 * o + 1 else 0 for n in range(12)] for o in range(4)]
                ),
                "out": integrate(4, threshold=0.5),
                "end": end(4),
            }
        ),
        np.eye(12).reshape(1, 12, 2, 2, 3),
    )
    yield shown(
        "graph-layers/flatten-some-axes",
        "A Flatten of the last two axes alone makes a line of each channel.",
        graph(
            {
                "in": entry(2, 2, 3),
                "flat": flatten(2, 2, 3, start=1, stop=2),
                "kernel": nir.Conv1d(
                    6, np.array([[[1.0, 0.5], [-0.5, 0.25]]]), 1, 0, 1, 1, np.zeros(1)
                ),
                "out": integrate((1, 5), threshold=0.875),
                "end": end(1, 5),
            }
        ),
        spikes("graph-layers/flatten-some-axes", 2, 2, 3),
    )


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
    yield _layer(
        "nested",
        "A graph within a graph is its nodes in their place.",
        {"weights": linear(W), "block": inner},
    )
    outer = graph(
        {"in": entry(4), "block": inner, "w": linear(np.eye(4) * 1.5), "out": end(4)}, nested=True
    )
    yield _layer(
        "nested-twice",
        "A graph within a graph within a graph too.",
        {"weights": linear(W), "outer": outer, "before": integrate(4, threshold=0.625)},
    )


def _layer(name: str, claim: str, nodes: dict[str, nir.NIRNode], threshold: float = 0.875) -> Case:
    """Nodes between 3 inputs and 4 neurons."""
    whole = {"in": entry(3), **nodes, "out": integrate(4, threshold=threshold), "end": end(4)}
    return shown(f"graph-layers/{name}", claim, graph(whole), RAMP)
