"""The folded form: every circuit as one signed layer, the divisor a constant.

    y = g_E ⊙ (W_EE − W_EI W_IE) x / s̄ + b            s̄ = mean of stab(S), per neuron or channel

Plain NIR can say this. It is an approximation: S depends on the input, s̄ does not.
"""

from __future__ import annotations

from collections.abc import Mapping

import nir
import numpy as np
import torch
from numpy.typing import ArrayLike

from eideploy.cells import EICircuit
from eideploy.cells.circuit import adaptive_stabilizer, floor_stabilizer
from eideploy.errors import GraphError, InputError
from eideploy.graph.context import within
from eideploy.graph.dialect import Array, EIConv2d, EILinear, SoftResetLIF
from eideploy.graph.export.naming import node_names


@torch.no_grad()
def calibrate_shunt_means(network: torch.nn.Module, stimulus: torch.Tensor) -> dict[str, Array]:
    """Mean divisor of every divisive circuit on data.

    Args:
        network: as `node_names` takes it, with the stabilizers of the network to approximate.
        stimulus: calibration data, as the network takes them.

    Returns:
        By node name the mean of stab(S) for each neuron (dense) or channel (conv), [n_e], float64.
        Rows in which nothing came in, whose adaptive divisor is infinite, are left out.

    Raises:
        InputError: a circuit saw no input at all, or its floor is in use and not calibrated.
        UnsupportedError: as `node_names`.
    """
    means: dict[str, Array] = {}
    handles = []
    for name, module in node_names(network):
        if isinstance(module, EICircuit) and module.divisive:

            def measure(
                circuit: EICircuit, inputs: tuple[torch.Tensor, ...], name: str = name
            ) -> None:
                means[name] = _mean_divisor(circuit, inputs[0])

            handles.append(module.register_forward_pre_hook(measure))
    try:
        network(stimulus)
    finally:
        for handle in handles:
            handle.remove()
    for name, mean in means.items():
        if not np.isfinite(mean).all():
            raise InputError(
                f"node {name!r}: saw no input on the calibration data, so it has no mean divisor",
                "Calibrate on more, or other, data.",
            )
    return means


def fold(
    nodes: dict[str, nir.NIRNode], shunt_means: Mapping[str, ArrayLike]
) -> dict[str, nir.NIRNode]:
    """Replace the circuits of a chain of nodes by plain layers.

    R of a LIF goes into the layer in front of it and becomes 1, since not every tool heeds it.

    Args:
        nodes: the chain, in order; the R of each LIF is the same in all its neurons.
        shunt_means: s̄ of each divisive circuit, [n_e], > 0.

    Returns:
        The chain with Affine, Linear and Conv2d in place of circuits, other nodes as they were.

    Raises:
        GraphError: a mean divisor is missing, of the wrong shape or not positive.
    """
    folded: dict[str, nir.NIRNode] = {}
    resistance = 1.0
    for name, node in reversed(nodes.items()):
        if isinstance(node, (nir.LIF, SoftResetLIF)):
            resistance = float(node.r.flat[0])
            folded[name] = _with_unit_resistance(node)
        elif isinstance(node, (EILinear, EIConv2d)):
            with within(f"node {name!r}"):
                folded[name] = _layer(node, shunt_means.get(name), resistance)
            resistance = 1.0
        else:
            folded[name] = node
    return dict(reversed(folded.items()))


def _mean_divisor(circuit: EICircuit, x: torch.Tensor) -> Array:
    _, shunt = circuit.components(circuit.merge(x))
    if circuit.stabilizer == "floor":
        divisor = floor_stabilizer(shunt, circuit.floor).double()
    else:
        divisor = adaptive_stabilizer(shunt).double()
    finite = divisor.isfinite()
    axes = (0, *range(2, divisor.dim()))
    total = divisor.where(finite, torch.zeros_like(divisor)).sum(axes)
    mean: Array = (total / finite.sum(axes)).cpu().numpy()
    return mean


def _layer(
    node: EILinear | EIConv2d, mean: ArrayLike | None, resistance: float
) -> nir.Affine | nir.Linear | nir.Conv2d:
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
