"""NIR's linear nodes and E-I circuits as operators."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import nir
import numpy as np

from eideploy.errors import UnsupportedError
from eideploy.graph import EIConv2d, EILinear
from eideploy.program import Array, Conv2d, Dense, Operator, Projection

CIRCUIT_NODES = (EILinear, EIConv2d)
POOL_NODES = (nir.AvgPool2d, nir.SumPool2d)
LINEAR_NODES = (nir.Linear, nir.Affine, nir.Conv2d, *POOL_NODES, *CIRCUIT_NODES)
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
    if isinstance(node, nir.Conv2d):
        return Conv2d(
            _double(node.weight),
            stride=_pair(node.stride),
            padding=_symmetric_padding(name, node),
            dilation=_pair(node.dilation),
            groups=int(node.groups),
        )
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


def linear_bias(node: nir.NIRNode, shape: tuple[int, ...]) -> Array:
    """Constant input of a linear node, in a form that broadcasts to `shape`."""
    if isinstance(node, nir.Affine):
        return _double(node.bias).reshape(shape)
    if isinstance(node, nir.Conv2d) and node.bias is not None:
        return _double(node.bias).reshape(-1, 1, 1)
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
class Synapses:
    """One operator of a circuit; `source` or `target` None stand for the circuit's own."""

    source: str | None
    target: str | None
    port: str
    operator: Operator

    def projections(
        self, sources: list[str], target: str, ports: tuple[str, ...]
    ) -> list[Projection]:
        """From each of the populations `sources`, which add up, to `target`, which has `ports`."""
        begin = [self.source] if self.source else sources
        # A circuit without division drives a neuron that has a single port.
        port = self.port if self.target or self.port in ports else "input"
        first = signed(Projection(begin[0], self.target or target, self.operator, port))
        return [replace(first, source=source) for source in begin]


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


def _symmetric_padding(name: str, node: nir.Conv2d) -> tuple[int, int]:
    if not isinstance(node.padding, str):
        return _pair(node.padding)
    if node.padding == "valid":
        return (0, 0)
    reach = [
        int(d) * (k - 1) for d, k in zip(_pair(node.dilation), node.weight.shape[2:], strict=True)
    ]
    if any(total % 2 for total in reach):
        raise UnsupportedError(
            f"node {name!r}: padding 'same' with a kernel of even reach pads one side more than "
            "the other, which is not supported",
            "Give the padding in numbers, or use an odd kernel.",
        )
    return (reach[0] // 2, reach[1] // 2)


def _pair(value: Any) -> tuple[int, int]:
    first, second = np.broadcast_to(np.asarray(value), (2,)).tolist()
    return int(first), int(second)


def _double(value: Any) -> Array:
    return np.asarray(value, dtype=np.float64)
