"""Layers without inhibition, their BatchNorm folded in, as standard nodes."""

from __future__ import annotations

from typing import Any, TypeAlias

import nir
import numpy as np
import torch

from eideploy.errors import GraphError, UnsupportedError
from eideploy.graph.codec import Shape
from eideploy.graph.export.naming import is_normalized
from eideploy.graph.numbers import Array

PlainNode: TypeAlias = nir.Linear | nir.Affine | nir.Conv2d


def plain_layer(module: torch.nn.Module, shape: Shape) -> PlainNode:
    """A Linear or Conv2d, with or without the BatchNorm behind it, as one node.

    In inference a BatchNorm is γ ⊙ (y − μ) / √(σ² + ε) + β with the running mean μ and variance σ²,
    so that with y = W x + c and s = γ / √(σ² + ε) the two are

        (s ⊙ W) x + s ⊙ (c − μ) + β

    This is exact but for rounding, and computed and kept in float64: rounded to float32 again it
    would be a slightly different network, and spikes could differ. Without a BatchNorm weights keep
    their dtype.

    Args:
        module: `torch.nn.Linear` or `Conv2d`, or a `torch.nn.Sequential` of it and a BatchNorm.
        shape: of one sample of the input of one step.

    Returns:
        Conv2d for a convolution, else Affine, or Linear where there is no bias.

    Raises:
        UnsupportedError: the convolution pads with something else than zeros, or the BatchNorm
            keeps no running statistics.
        GraphError: a convolution gets input that is not [channels, height, width].
    """
    weight, bias = _folded(module) if is_normalized(module) else _stored(module)
    layer: Any = module[0] if is_normalized(module) else module  # type: ignore[index]
    if isinstance(layer, torch.nn.Linear):
        return nir.Linear(weight) if bias is None else nir.Affine(weight, bias)
    if layer.padding_mode != "zeros":
        raise UnsupportedError(
            f"a Conv2d with padding_mode={layer.padding_mode!r} cannot be expressed in NIR",
            "Pad with zeros.",
        )
    if len(shape) != 3:
        raise GraphError(
            f"takes [channels, height, width], gets shape {list(shape)}",
            "Check input_shape and the order of the modules.",
        )
    return nir.Conv2d(
        input_shape=(shape[1], shape[2]),
        weight=weight,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        groups=layer.groups,
        bias=np.zeros(len(weight), weight.dtype) if bias is None else bias,
    )


def _stored(layer: Any) -> tuple[Array, Array | None]:
    """Weight and bias of a layer, as copies."""
    return _array(layer.weight), None if layer.bias is None else _array(layer.bias)


def _folded(pair: Any) -> tuple[Array, Array]:
    """Weight and bias of a layer and its BatchNorm, float64."""
    layer, norm = pair
    if norm.running_mean is None or norm.running_var is None:
        raise UnsupportedError(
            f"{norm} keeps no running statistics, so that in inference it depends on the batch",
            "Train it with track_running_stats=True.",
        )
    weight, bias = _stored(layer)
    scale = 1 / np.sqrt(_double(norm.running_var) + norm.eps)
    shift = np.zeros(len(scale))
    if norm.affine:
        scale, shift = scale * _double(norm.weight), _double(norm.bias)
    constant = (0.0 if bias is None else bias.astype(np.float64)) - _double(norm.running_mean)
    rows = (-1, *[1] * (weight.ndim - 1))
    return weight * scale.reshape(rows), constant * scale + shift


def _array(tensor: torch.Tensor) -> Array:
    array: Array = tensor.detach().cpu().numpy().copy()
    return array


def _double(tensor: torch.Tensor) -> Array:
    return _array(tensor).astype(np.float64)
