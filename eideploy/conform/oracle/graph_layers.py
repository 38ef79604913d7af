"""Nodes without memory: what comes out of them for what goes in, one neuron after the other.

A signal is its shape and its values in C order.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any, NamedTuple

Node = dict[str, Any]


class Signal(NamedTuple):
    """What a node gives in one step."""

    shape: tuple[int, ...]
    values: list[Fraction]

    def at(self, *place: int) -> Fraction:
        """The value at a place, 0 outside."""
        index = 0
        for position, extent in zip(place, self.shape, strict=True):
            if not 0 <= position < extent:
                return Fraction(0)
            index = index * extent + position
        return self.values[index]


def zeros(shape: Sequence[int]) -> Signal:
    """Silence."""
    return Signal(tuple(shape), [Fraction(0)] * prod(shape))


def total(signals: Sequence[Signal], shape: Sequence[int]) -> Signal:
    """What arrives at a node that takes `shape`: the sum of what its sources give."""
    values = zeros(shape).values
    for signal in signals:
        if signal.shape != tuple(shape):
            raise ValueError(f"a node that takes {tuple(shape)} was given {signal.shape}")
        values = [a + b for a, b in zip(values, signal.values, strict=True)]
    return Signal(tuple(shape), values)


def layer(node: Node, x: Signal) -> Signal:
    """What a node without memory makes of x."""
    kind = node["type"]
    if kind in ("Input", "Output", "Identity"):
        return x
    if kind == "Linear":
        return _dense(node["weight"], x, [Fraction(0)] * len(node["weight"]))
    if kind == "Affine":
        return _dense(node["weight"], x, node["bias"])
    if kind == "Scale":
        return Signal(x.shape, [s * v for s, v in zip(node["scale"], x.values, strict=True)])
    if kind == "Flatten":
        return Signal(_flattened(x.shape, node["start_dim"], node["end_dim"]), x.values)
    if kind == "Conv1d":
        return _row(_convolution(_tall(node), Signal((x.shape[0], 1, x.shape[1]), x.values)))
    if kind == "Conv2d":
        return _convolution(node, x)
    if kind in ("SumPool2d", "AvgPool2d"):
        return _pool(node, x, mean=kind == "AvgPool2d")
    if kind in ("EILinear", "EIConv2d"):
        return _circuit(node, x)
    raise ValueError(f"no node of type {kind!r} is known")


def _dense(weight: Any, x: Signal, bias: Sequence[Fraction]) -> Signal:
    values = [
        b + sum(w * v for w, v in zip(row, x.values, strict=True) if v)
        for row, b in zip(weight, bias, strict=True)
    ]
    return Signal((len(values),), values)


def _flattened(shape: tuple[int, ...], start: int, end: int) -> tuple[int, ...]:
    first, last = start % len(shape), end % len(shape)
    return (*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :])


def _tall(node: Node) -> Node:
    """A convolution over a line as one over an image of one row."""
    padding = node["padding"]
    return node | {
        "weight": [[[taps] for taps in channel] for channel in node["weight"]],
        "stride": [1, *node["stride"]],
        "dilation": [1, *node["dilation"]],
        "padding": padding if isinstance(padding, str) else [0, *padding],
    }


def _row(image: Signal) -> Signal:
    return Signal((image.shape[0], image.shape[2]), image.values)


def _convolution(node: Node, x: Signal) -> Signal:
    """y[o, i, j] = b[o] + Σ w[o, c, m, n] · x[c + first channel, i·s + m·d − p, j·s + n·d − p]."""
    weight, bias, groups = node["weight"], node["bias"], node["groups"]
    inside, window = len(weight[0]), (len(weight[0][0]), len(weight[0][0][0]))
    geometry = [
        _axis(extent, taps, stride, dilation, padding)
        for extent, taps, stride, dilation, padding in zip(
            x.shape[1:],
            window,
            node["stride"],
            node["dilation"],
            [node["padding"]] * 2 if isinstance(node["padding"], str) else node["padding"],
            strict=True,
        )
    ]
    (height, top), (width, left) = geometry
    (down, right), (apart_h, apart_w) = node["stride"], node["dilation"]
    values = []
    for o, i, j in product(range(len(weight)), range(height), range(width)):
        first = o // (len(weight) // groups) * inside
        y = bias[o]
        for c, m, n in product(range(inside), range(window[0]), range(window[1])):
            v = x.at(first + c, i * down + m * apart_h - top, j * right + n * apart_w - left)
            if v:
                y += weight[o][c][m][n] * v
        values.append(y)
    return Signal((len(weight), height, width), values)


def _axis(
    extent: int, taps: int, stride: int, dilation: int, padding: int | str
) -> tuple[int, int]:
    """How many places come out along an axis, and how many zeros stand in front of it.

    `same` keeps the extent; where that needs an odd number of zeros, the one more stands behind.
    """
    reach = dilation * (taps - 1)
    if padding == "same":
        before, zeros_added = reach // 2, reach
    else:
        before = 0 if isinstance(padding, str) else padding
        zeros_added = 2 * before
    return (extent + zeros_added - reach - 1) // stride + 1, before


def _pool(node: Node, x: Signal, mean: bool) -> Signal:
    """Sum over each window, of zeros where it reaches over the edge, or that over its size."""
    (kh, kw), (sh, sw), (ph, pw) = node["kernel_size"], node["stride"], node["padding"]
    channels, *extents = x.shape
    height, _ = _axis(extents[0], kh, sh, 1, ph)
    width, _ = _axis(extents[1], kw, sw, 1, pw)
    values = [
        sum(
            (x.at(c, i * sh + m - ph, j * sw + n - pw) for m in range(kh) for n in range(kw)),
            Fraction(0),
        )
        / (kh * kw if mean else 1)
        for c, i, j in product(range(channels), range(height), range(width))
    ]
    return Signal((channels, height, width), values)


def _circuit(node: Node, x: Signal) -> Signal:
    """g_E·B / max(S, s_min) + b, and B alone where the circuit does not divide."""
    excitation, inhibition = (_synapses(node, node[name], x) for name in ("weight_ee", "weight_ie"))
    n_e, n_i = len(node["weight_ei"]), len(node["weight_ei"][0])
    places = len(excitation.values) // n_e
    values = []
    for e, place in product(range(n_e), range(places)):
        balanced = excitation.values[e * places + place]
        shunt = Fraction(0)
        for i in range(n_i):
            current = node["weight_ei"][e][i] * inhibition.values[i * places + place]
            balanced -= current
            shunt += node["gain_i"][i] * current
        if node["divisive"]:
            divided = node["gain_e"][e] * balanced / max(shunt, node["floor"])
            values.append(divided + node["bias"][e])
        else:
            values.append(balanced)
    return Signal(excitation.shape, values)


def _synapses(node: Node, weight: Any, x: Signal) -> Signal:
    nothing = [Fraction(0)] * len(weight)
    if node["type"] == "EILinear":
        return _dense(weight, x, nothing)
    whole = {"weight": weight, "bias": nothing, "groups": 1, "dilation": [1, 1]}
    return _convolution(node | whole, x)
