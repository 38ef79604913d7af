"""The folded form: every circuit as one signed layer, the divisor a constant.

    y = g_E ⊙ (W_EE − W_EI W_IE) x / s̄ + b            s̄ = mean of stab(S), per neuron or channel

Plain NIR can say this. It is an approximation: S depends on the input, s̄ does not.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence

import nir
import numpy as np
import torch
from numpy.typing import ArrayLike

from eideploy.cells import EICircuit
from eideploy.cells.circuit import adaptive_stabilizer, floor_stabilizer
from eideploy.errors import GraphError, InputError
from eideploy.graph.context import within
from eideploy.graph.dialect import EIConv2d, EILinear
from eideploy.graph.export.layers import PlainNode
from eideploy.graph.export.naming import node_names
from eideploy.graph.numbers import Array
from eideploy.graph.repair import Edge
from eideploy.graph.soft_reset import SoftResetLIF

_NEURONS = (nir.LIF, SoftResetLIF)
_LAYERS = (EILinear, EIConv2d, nir.Linear, nir.Affine, nir.Conv2d)
_LINEAR = (nir.AvgPool2d, nir.Flatten)
"""Nodes that R can be moved past."""


@torch.no_grad()
def calibrate_shunt_means(
    network: torch.nn.Module, stimulus: torch.Tensor | Iterable[torch.Tensor]
) -> dict[str, Array]:
    """Mean divisor of every divisive circuit on data.

    Args:
        network: as `node_names` takes it, with the stabilizers of the network to approximate.
        stimulus: calibration data, as the network takes them, at once or batch by batch.

    Returns:
        By node name the mean of stab(S) for each neuron (dense) or channel (conv), [n_e], float64.
        Rows in which nothing came in, whose adaptive divisor is infinite, are left out.

    Raises:
        InputError: a circuit saw no input at all, or its floor is in use and not calibrated.
        UnsupportedError: as `node_names`.
    """
    totals: dict[str, Array] = {}
    counts: dict[str, Array] = {}
    handles = []
    for name, module in node_names(network):
        if isinstance(module, EICircuit) and module.divisive:
            totals[name], counts[name] = np.zeros((2, len(module.gain_e)))

            def measure(
                circuit: EICircuit, inputs: tuple[torch.Tensor, ...], name: str = name
            ) -> None:
                total, count = _divisors(circuit, inputs[0])
                totals[name] += total
                counts[name] += count

            handles.append(module.register_forward_pre_hook(measure))
    try:
        for batch in [stimulus] if isinstance(stimulus, torch.Tensor) else stimulus:
            network(batch)
    finally:
        for handle in handles:
            handle.remove()
    for name, count in counts.items():
        if not count.all():
            raise InputError(
                f"node {name!r}: saw no input on the calibration data, so it has no mean divisor",
                "Calibrate on more, or other, data.",
            )
    return {name: total / counts[name] for name, total in totals.items()}


def fold(
    nodes: Mapping[str, nir.NIRNode],
    edges: Sequence[Edge],
    shunt_means: Mapping[str, ArrayLike],
) -> dict[str, nir.NIRNode]:
    """Replace the circuits of a graph by plain layers.

    R of a LIF goes into the layer that alone drives it and becomes 1, since not every tool heeds
    it.

    Args:
        nodes: by name; the R of each LIF is the same in all its neurons.
        edges: how they are joined.
        shunt_means: s̄ of each divisive circuit, [n_e], > 0.

    Returns:
        The nodes with Affine, Linear and Conv2d in place of circuits, others as they were.

    Raises:
        GraphError: a mean divisor is missing, of the wrong shape or not positive.
    """
    folded = dict(nodes)
    resistance: dict[str, float] = {}
    for name, node in nodes.items():
        layer = _driver(name, nodes, edges) if isinstance(node, _NEURONS) else None
        if layer is not None:
            resistance[layer] = float(node.r.flat[0])
            folded[name] = _with_unit_resistance(node)
    for name, node in nodes.items():
        if isinstance(node, (EILinear, EIConv2d)):
            with within(f"node {name!r}"):
                folded[name] = _layer(node, shunt_means.get(name), resistance.get(name, 1.0))
        elif name in resistance:
            folded[name] = _scaled(node, resistance[name])
    return folded


def _driver(name: str, nodes: Mapping[str, nir.NIRNode], edges: Sequence[Edge]) -> str | None:
    """The layer that drives a neuron, if it drives it alone and nothing else."""
    while True:
        before = [source for source, target in edges if target == name]
        if len(before) != 1 or sum(source == before[0] for source, _ in edges) != 1:
            return None
        (name,) = before
        if isinstance(nodes[name], _LAYERS):
            return name
        if not isinstance(nodes[name], _LINEAR):
            return None


def _divisors(circuit: EICircuit, x: torch.Tensor) -> tuple[Array, Array]:
    """Sum and number of the finite divisors of each neuron or channel, both [n_e]."""
    _, shunt = circuit.components(circuit.merge(x))
    if circuit.stabilizer == "floor":
        divisor = floor_stabilizer(shunt, circuit.floor).double()
    else:
        divisor = adaptive_stabilizer(shunt).double()
    finite = divisor.isfinite()
    axes = (0, *range(2, divisor.dim()))
    total = divisor.where(finite, torch.zeros_like(divisor)).sum(axes)
    return total.cpu().numpy(), finite.sum(axes).cpu().numpy()


def _layer(node: EILinear | EIConv2d, mean: ArrayLike | None, resistance: float) -> PlainNode:
    """One circuit as a plain layer in the dtype of its weights."""
    dtype = node.weight_ee.dtype
    inhibition = np.tensordot(node.weight_ei.astype(float), node.weight_ie.astype(float), axes=1)
    scale, bias = np.full(len(inhibition), resistance), np.zeros(len(inhibition))
    if node.divisive:
        scale = scale * node.gain_e / _checked_mean(mean, node.gain_e.shape)
        bias = resistance * node.bias
    channels = (-1, *[1] * (inhibition.ndim - 1))
    weight = (scale.reshape(channels) * (node.weight_ee - inhibition)).astype(dtype)
    if isinstance(node, EIConv2d):
        return nir.Conv2d(
            input_shape=node.input_shape,
            weight=weight,
            stride=node.stride,
            padding=node.padding,
            dilation=(1, 1),
            groups=1,
            bias=bias.astype(dtype),
        )
    return nir.Affine(weight, bias.astype(dtype)) if node.divisive else nir.Linear(weight)


def _scaled(node: PlainNode, factor: float) -> PlainNode:
    """A plain layer whose output is multiplied."""
    scaled = copy.copy(node)
    scaled.weight = factor * node.weight
    if not isinstance(node, nir.Linear):
        scaled.bias = factor * node.bias
    return scaled


def _with_unit_resistance(node: nir.LIF | SoftResetLIF) -> nir.LIF | SoftResetLIF:
    r = np.ones_like(node.r)
    if isinstance(node, SoftResetLIF):
        return SoftResetLIF(node.tau, r, node.v_leak, node.v_threshold)
    return nir.LIF(node.tau, r, node.v_leak, node.v_threshold, node.v_reset)


def _checked_mean(mean: ArrayLike | None, shape: tuple[int, ...]) -> Array:
    remedy = "Take shunt_means from calibrate_shunt_means for the same network."
    if mean is None:
        raise GraphError("shunt_means has no mean divisor for it", remedy)
    values: Array = np.asarray(mean, dtype=float)
    if values.shape != shape:
        raise GraphError(f"its mean divisor has shape {values.shape}, expected {shape}", remedy)
    if not (np.isfinite(values) & (values > 0)).all():
        raise GraphError("its mean divisor holds numbers that are not positive", remedy)
    return values
