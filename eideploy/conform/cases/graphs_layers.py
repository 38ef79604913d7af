"""Linear nodes of NIR, as graphs.

Weights are quarters, and thresholds lie an eighth beside them: no neuron comes near its own.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    spikes,
    train,
)

W = [[1, -0.5, 0.25], [-0.75, 0.5, 1], [0.5, 0.5, -1], [0.25, 1, 0.75]]
"""Weights of 4 neurons for 3 inputs."""

RAMP = train([[t & 1, t >> 1 & 1, t >> 2 & 1] for t in (7, 1, 2, 4, 3, 5, 6, 0, 7, 7)])


def cases() -> Iterator[Case]:
    """Matrices and scales; then nodes without weights, and flattened ones."""
    yield from _linear()
    yield from _without_weights()


def _linear() -> Iterator[Case]:
    yield layer(
        "linear",
        "Row o of a Linear are the weights onto neuron o.",
        {"weights": linear(W)},
    )
    yield layer(
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
    yield layer(
        "scale-in-front",
        "A Scale in front of a Linear multiplies what each source gives.",
        {"scale": nir.Scale(full(3, [2, 0.5, -1])), "weights": linear(W)},
    )
    yield layer(
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
    yield layer(
        "linear-after-linear",
        "Two Linears one behind the other multiply, with no neuron in between.",
        {
            "first": affine([[1, 1, 0], [0, -1, 1]], [0.5, 0]),
            "weights": linear([[0.5, 0], [0.25, 0.25], [-0.5, 1], [0, 0.5]]),
        },
        threshold=0.9375,
    )


def _without_weights() -> Iterator[Case]:
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


def layer(name: str, claim: str, nodes: dict[str, nir.NIRNode], threshold: float = 0.875) -> Case:
    """Nodes between 3 inputs and 4 neurons."""
    whole = {"in": entry(3), **nodes, "out": integrate(4, threshold=threshold), "end": end(4)}
    return shown(f"graph-layers/{name}", claim, graph(whole), RAMP)
