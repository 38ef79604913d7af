"""Circuits of E and I neurons, as graphs, in both mappings where the mapping has a say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nir
import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build_graphs import (
    end,
    entry,
    flatten,
    graph,
    integrate,
    lif,
    linear,
    shown,
    soft_lif,
    spikes,
)
from eideploy.graph import EIConv2d, EILinear
from eideploy.program import Array

MAPPINGS = ("fused", "explicit")


def cases() -> Iterator[Case]:
    """Dense circuits, convolutional ones, and networks of them."""
    yield from _dense()
    yield from _kernels()
    yield from _networks()


def _dense() -> Iterator[Case]:
    yield from _both(
        "dense",
        "A dense circuit subtracts W_EI·I and divides by W_EI·(g_I ⊙ I) what excites.",
        {"circuit": _circuit(), "out": lif(4, threshold=[1.25, 0.75, 1.15625, 1.3125])},
    )
    yield from _both(
        "dense-soft-reset",
        "A soft reset takes θ from the potential that the quotients have built up.",
        {"circuit": _circuit(), "out": soft_lif(4, threshold=[1.1875, 1.1875, 1.15625, 1.1875])},
    )
    yield from _both(
        "dense-bias",
        "The bias is added after the division, and acts where B is 0.",
        {
            "circuit": _circuit(bias=[0.25, -0.25, 0.5, 0]),
            "out": lif(4, threshold=1.40625),
        },
    )
    yield from _both(
        "dense-gain",
        "g_E multiplies the quotient, neuron by neuron.",
        {
            "circuit": _circuit(gain_e=[0.5, 2, 1, 0]),
            "out": lif(4, threshold=[0.53125, 0.5, 1.15625, 1]),
        },
    )
    yield from _both(
        "dense-floor",
        "A floor above all that the shunt can reach divides everything.",
        {
            "circuit": _circuit(floor=2),
            "out": lif(4, threshold=[0.3125, 0.40625, 0.375, 0.71875]),
        },
    )
    yield from _both(
        "dense-without-shunt",
        "With g_I = 0 there is no shunt, and the floor divides.",
        {
            "circuit": _circuit(gain_i=[0, 0], floor=0.5),
            "out": lif(4, threshold=[1.40625, 0.875, 0.46875, 1.6875]),
        },
    )
    yield from _both(
        "dense-balanced",
        "Where W_EE is W_EI·W_IE, B is 0 whatever comes in, and so is the quotient.",
        {
            "circuit": _circuit(balanced=True, bias=[0.75, 0.625, 0.5, -0.5]),
            "out": lif(4, threshold=[0.9375, 1, 0.625, 1]),
        },
    )
    yield from _both(
        "readout",
        "The last circuit gives B alone, without a division; neurons may read it.",
        {
            "circuit": _circuit(divisive=False),
            "out": integrate(4, threshold=0.90625),
        },
    )


def _kernels() -> Iterator[Case]:
    yield from _both(
        "kernels",
        "In a circuit of kernels S shrinks with B at the border, where windows reach over it.",
        {
            "circuit": _image((1, 4, 5), padding=(1, 0)),
            "out": lif((4, 5, 3), tau=1, threshold=_channels(0.71875, 0.8125, 1.75, 0.78125)),
        },
        shape=(1, 4, 5),
    )
    yield from _both(
        "kernels-stride",
        "W_EE and W_IE have one stride, W_EI mixes channels pixel by pixel.",
        {
            "circuit": _image((2, 5, 5), stride=(2, 1)),
            "out": lif((4, 2, 3), tau=1, threshold=_channels(1.5, 2.0625, 1.59375, 2.46875)),
        },
        shape=(2, 5, 5),
    )
    yield from _both(
        "kernels-behind-a-pool",
        "A mean in front of a circuit of kernels scales B and S alike.",
        {
            "pool": nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
            "circuit": _image((1, 3, 3)),
            "out": lif((4, 2, 1), tau=1, threshold=_channels(1.59375, 2.03125, 4.40625, 1.71875)),
        },
        shape=(1, 6, 6),
    )


def _networks() -> Iterator[Case]:
    yield from _both(
        "two-circuits",
        "Two circuits one behind the other, with neurons in between.",
        {
            "first": _circuit(),
            "hidden": lif(4, threshold=[1.25, 0.75, 1.625, 1.3125]),
            "second": _circuit(),
            "out": lif(4, threshold=[0.9375, 0.96875, 1.1875, 1.3125]),
        },
    )
    yield from _both(
        "kernels-to-dense",
        "A circuit of kernels, a Flatten, and a dense readout.",
        {
            "first": _image((1, 3, 3)),
            "hidden": lif((4, 2, 1), tau=1, threshold=_channels(0.71875, 1.65625, 1.75, 0.78125)),
            "flat": flatten(4, 2, 1),
            "second": _circuit(n_in=8, divisive=False),
            "out": integrate(4, threshold=0.90625),
        },
        shape=(1, 3, 3),
    )
    for mapping in MAPPINGS:
        yield shown(
            f"graph-circuits/drives-itself-{mapping}",
            "Spikes of the last step join the input of a circuit, and are divided with it.",
            graph(
                {
                    "in": entry(4),
                    "circuit": _circuit(),
                    "out": lif(4, threshold=[1.34375, 1.5625, 1.15625, 2.8125]),
                    "end": end(4),
                },
                ("in", "circuit"),
                ("circuit", "out"),
                ("out", "circuit"),
                ("out", "end"),
            ),
            spikes("graph-circuits/drives-itself", 4, rate=0.3),
            mapping=mapping,
        )
        yield shown(
            f"graph-circuits/sum-of-two-layers-{mapping}",
            "A circuit takes the sum of two layers: spikes of both count.",
            graph(
                {
                    "in": entry(4),
                    "w0": linear(np.eye(4)),
                    "first": integrate(4, threshold=0.5),
                    "w1": linear(np.eye(4)[::-1]),
                    "second": integrate(4, threshold=1.5),
                    "circuit": _circuit(),
                    "out": lif(4, threshold=[0.4375, 1.71875, 2.03125, 1.3125]),
                    "end": end(4),
                },
                ("in", "w0"),
                ("w0", "first"),
                ("first", "w1"),
                ("w1", "second"),
                ("first", "circuit"),
                ("second", "circuit"),
                ("circuit", "out"),
                ("out", "end"),
            ),
            spikes("graph-circuits/sum-of-two-layers", 4),
            mapping=mapping,
        )


def _both(
    name: str, claim: str, nodes: dict[str, nir.NIRNode], shape: tuple[int, ...] = (4,)
) -> Iterator[Case]:
    """Nodes behind an input, compiled in one mapping and in the other."""
    out = [int(n) for n in nodes["out"].output_type["output"]]
    whole = {"in": entry(*shape), **nodes, "end": end(*out)}
    values = spikes(f"graph-circuits/{name}", *shape, rate=0.4)
    for mapping in MAPPINGS:
        yield shown(
            f"graph-circuits/{name}-{mapping}", claim, graph(whole), values, mapping=mapping
        )


def _eighths(most: int, *shape: int) -> Array:
    """Weights of 0…most eighths, by a rule without symmetry."""
    n = np.arange(int(np.prod(shape)))
    return ((5 * n + n * n // 2) % (most + 1)).reshape(shape) / 8


def _channels(*values: float) -> Array:
    """A number for each channel."""
    return np.array(values)[:, None, None]


def _weights(*fan_in: int, balanced: bool = False) -> dict[str, Any]:
    """Four E and two I neurons."""
    weight_ie = _eighths(3, 2, *fan_in)
    weight_ei = np.array([[0.5, 0.25], [0.25, 0.75], [1.0, 0.25], [0.25, 0.25]])
    weight_ee = _eighths(8, 4, *fan_in)
    if balanced:
        weight_ee = np.tensordot(weight_ei, weight_ie, 1)
    return {"weight_ee": weight_ee, "weight_ie": weight_ie, "weight_ei": weight_ei}


def _rest(
    *,
    gain_i: Any = (1, 1.5),
    gain_e: Any = 1,
    bias: Any = 0,
    floor: float = 0.25,
    divisive: bool = True,
) -> dict[str, Any]:
    return {
        "gain_i": np.array(gain_i, dtype=np.float64),
        "gain_e": np.broadcast_to(np.array(gain_e, dtype=np.float64), 4).copy(),
        "bias": np.broadcast_to(np.array(bias, dtype=np.float64), 4).copy(),
        "floor": floor,
        "divisive": divisive,
    }


def _circuit(n_in: int = 4, *, balanced: bool = False, **changes: Any) -> EILinear:
    """A dense circuit of 4 E and 2 I neurons."""
    return EILinear(**_weights(n_in, balanced=balanced), **_rest(**changes))


def _image(shape: tuple[int, int, int], **geometry: Any) -> EIConv2d:
    """A circuit of kernels of 2×3 places, 4 E and 2 I channels."""
    return EIConv2d(shape[1:], **_weights(shape[0], 2, 3), **_rest(), **geometry)
