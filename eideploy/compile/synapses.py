"""NIR's linear nodes and E-I circuits as operators."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import nir
import numpy as np

from eideploy.errors import UnsupportedError
from eideploy.graph import EIConv2d, EILinear
from eideploy.program import Array, Conv2d, Dense, Identity, Operator, Projection

CIRCUIT_NODES = (EILinear, EIConv2d)
POOL_NODES = (nir.AvgPool2d, nir.SumPool2d)
SPATIAL_NODES = (nir.Conv1d, nir.Conv2d, EIConv2d, *POOL_NODES)
"""Nodes that have a kernel, and so depend on how their input is laid out."""
LINEAR_NODES = (nir.Linear, nir.Affine, nir.Scale, EILinear, *SPATIAL_NODES)
"""Nodes that become operators of projections: linear maps without state."""


def linear_operator(name: str, node: nir.NIRNode, taken: tuple[int, ...]) -> Operator:
    """The operator of a linear node that is no circuit, without its bias.

    Args:
        name: of the node, for messages.
        node: the node.
        taken: shape of its input.
    """
    if isinstance(node, POOL_NODES):
        return _pool(node, channels=taken[0])
    if isinstance(node, (nir.Conv1d, nir.Conv2d)):
        return _convolution(node)
    if isinstance(node, nir.Scale):
        factors = _double(node.scale).ravel()
        return Identity(factors[0] if np.all(factors == factors[0]) else factors)
    if node.weight.ndim != 2:
        raise UnsupportedError(
            f"node {name!r}: weights of rank {node.weight.ndim}; only rank 2 is supported"
        )
    return Dense(_double(node.weight))


def _pool(node: nir.NIRNode, channels: int) -> Conv2d:
    """A pool as a convolution of each channel by itself; in a mean, zeros of the padding count."""
    window = _pair(node.kernel_size)
    tap = 1 / math.prod(window) if isinstance(node, nir.AvgPool2d) else 1.0
    weight = np.full((channels, 1, *window), tap)
    return Conv2d(weight, _pair(node.stride), _pair(node.padding), groups=channels)


def _convolution(node: nir.NIRNode) -> Conv2d:
    """A convolution; one over a sequence has a kernel of height 1, see `planar`."""
    weight, stride, dilation = _double(node.weight), _pair(node.stride), _pair(node.dilation)
    flat = isinstance(node, nir.Conv1d)
    if flat:
        weight, stride, dilation = weight[:, :, None], (1, stride[1]), (1, dilation[1])
    if not isinstance(node.padding, str):
        padding = (0, _pair(node.padding)[1]) if flat else _pair(node.padding)
    elif node.padding == "valid":
        padding = (0, 0)
    else:
        weight, padding, dilation = _same(weight, dilation)
    return Conv2d(weight, stride, padding, dilation, int(node.groups))


def _same(
    weight: Array, dilation: tuple[int, int]
) -> tuple[Array, tuple[int, int], tuple[int, int]]:
    """Weight, padding and dilation of a convolution that keeps the size of its input.

    Where the kernel reaches over an odd number of places, one more of the zeros is behind the input
    than in front of it, as in torch: a tap of 0 in front of the kernel makes up for it.
    """
    padding, apart = [0, 0], list(dilation)
    for axis in (0, 1):
        reach = dilation[axis] * (weight.shape[2 + axis] - 1)
        padding[axis] = (reach + 1) // 2
        if reach % 2:
            shape = list(weight.shape)
            shape[2 + axis] = 1 + reach + 1
            grown = np.zeros(shape)
            places = slice(1, None, dilation[axis])
            grown[(..., places, slice(None)) if axis == 0 else (..., places)] = weight
            weight, apart[axis] = grown, 1
    return weight, (padding[0], padding[1]), (apart[0], apart[1])


def linear_bias(node: nir.NIRNode, shape: tuple[int, ...]) -> Array:
    """Constant input of a linear node, in a form that broadcasts to `shape`."""
    if isinstance(node, nir.Affine):
        return _double(node.bias).reshape(shape)
    if isinstance(node, (nir.Conv1d, nir.Conv2d)) and node.bias is not None:
        return _double(node.bias).reshape(-1, *[1] * (node.weight.ndim - 2))
    return np.zeros(())


def circuit_operators(node: nir.NIRNode, mapping: str, inhibitory: str) -> list[Synapses]:
    """The projections of an E-I circuit: what runs from where to which port.

    In the `fused` mapping one mixed kernel W_B = W_EE − W_EI·W_IE drives `balanced` and one
    excitatory kernel W_S = W_EI·diag(g_I)·W_IE drives `shunt`. In the `explicit` mapping the I
    population `inhibitory` relays W_IE·x, and each projection has one sign.

    Args:
        node: the circuit.
        mapping: `fused` or `explicit`.
        inhibitory: name of the I population.
    """
    ee, ie = _double(node.weight_ee), _double(node.weight_ie)
    mix, gain_i = _double(node.weight_ei), _double(node.gain_i)
    if mapping == "explicit":
        synapses = [
            Synapses(None, None, "balanced", _over_input(node, ee)),
            Synapses(None, inhibitory, "input", _over_input(node, ie)),
            Synapses(inhibitory, None, "balanced", _over_channels(node, -mix)),
        ]
        if node.divisive:
            synapses.append(Synapses(inhibitory, None, "shunt", _over_channels(node, mix * gain_i)))
        return synapses
    fused = [Synapses(None, None, "balanced", _over_input(node, ee - np.tensordot(mix, ie, 1)))]
    if node.divisive:
        shunt = np.tensordot(mix * gain_i, ie, 1)
        fused.append(Synapses(None, None, "shunt", _over_input(node, shunt)))
    return fused


@dataclass(frozen=True)
class Route:
    """A population that a node receives from, and how many logical steps later it does."""

    source: str
    lag: int = 0


@dataclass(frozen=True)
class Synapses:
    """One operator of a circuit; `source` or `target` None stand for the circuit's own."""

    source: str | None
    target: str | None
    port: str
    operator: Operator

    def projections(
        self, routes: list[Route], target: str, ports: tuple[str, ...], lag: int
    ) -> list[Projection]:
        """Projections into the circuit and from it to `target`.

        Args:
            routes: populations that the circuit receives from; they add up.
            target: population that it drives.
            ports: those of the target. A circuit without division drives one that has a single one.
            lag: logical steps between the circuit and the target.
        """
        begin = [Route(self.source)] if self.source else routes
        end, more = (self.target, 0) if self.target else (target, lag)
        port = self.port if self.target or self.port in ports else ports[0]
        first = signed(Projection(begin[0].source, end, self.operator, port))
        return [replace(first, source=r.source, delay=r.lag + more) for r in begin]


def signed(projection: Projection) -> Projection:
    """The projection with its sign set to what its weights are."""
    weight = projection.operator.weight
    if np.all(weight >= 0):
        return replace(projection, sign="excitatory")
    return replace(projection, sign="inhibitory" if np.all(weight <= 0) else "mixed")


def _over_input(node: nir.NIRNode, weight: Array) -> Operator:
    if isinstance(node, EIConv2d):
        return Conv2d(weight, stride=_pair(node.stride), padding=_pair(node.padding))
    return Dense(weight)


def _over_channels(node: nir.NIRNode, weight: Array) -> Operator:
    return Conv2d(weight[:, :, None, None]) if isinstance(node, EIConv2d) else Dense(weight)


def _pair(value: Any) -> tuple[int, int]:
    first, second = np.broadcast_to(np.asarray(value), (2,)).tolist()
    return int(first), int(second)


def _double(value: Any) -> Array:
    return np.asarray(value, dtype=np.float64)
