"""Weighted sums of integers, exact on the way forward and differentiable on the way back.

Values are integers held in float32, which has all of those below 2²⁴. Where Σ|weight|·|input| stays
below that, so does every partial sum in every order, and a product of matrices in float32 gives the
integer itself; else the sum is taken in float64. Convolutions are products with unfolded patches,
because those of libraries may transform their operands and round.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import unfold
from torch.nn.grad import conv2d_input, conv2d_weight

from eideploy.errors import UnsupportedError
from eideploy.program import Conv2d, Dense, Identity, Operator, planar

_EXACT = 2.0**24
_PATCHES = 1 << 22
"""Values of unfolded patches that are alive at a time: 16 MB in float32."""


def weighted_sum(operator: Operator, weight: Tensor, x: Tensor) -> Tensor:
    """Σ weight·x over the synapses of each target.

    Args:
        operator: geometry; its own weights are not used.
        weight: integers in float32, shaped as the operator's weights but for the number of rows.
        x: integers in float32, [N, *shape of the source].

    Returns:
        Integers in float32, exact as long as they stay below 2²⁴, [N, *shape of the target]; dense
        targets are flat.

    Raises:
        UnsupportedError: the operator has another geometry than `Dense`, `Conv2d` and `Identity`.
    """
    match operator:
        case Identity():
            total: Tensor = (weight * x.flatten(1)).view_as(x)
        case Dense():
            total = _Dense.apply(x.flatten(1), weight)  # type: ignore[no-untyped-call]
        case Conv2d():
            image = x.reshape(len(x), *planar(tuple(x.shape[1:])))
            total = _Convolution.apply(image, weight, operator)  # type: ignore[no-untyped-call]
        case other:
            raise UnsupportedError(f"no gradient is known for {type(other).__name__}")
    return total


class _Dense(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        dtype = _exact_type(weight, x)
        return (x.to(dtype) @ weight.to(dtype).mT).float()

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        wanted_x, wanted_weight = ctx.needs_input_grad
        return (
            gradient @ weight if wanted_x else None,
            gradient.mT @ x if wanted_weight else None,
        )


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, operator: Conv2d) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.operator = operator
        dtype = _exact_type(weight, x)
        height, width = operator.output_shape(tuple(x.shape[1:]))[-2:]
        rows = weight.to(dtype).reshape(operator.groups, len(weight) // operator.groups, -1)
        at_once = max(1, _PATCHES // (rows.shape[0] * rows.shape[2] * height * width))
        return torch.cat(
            [
                _product(rows, part.to(dtype), operator).reshape(-1, len(weight), height, width)
                for part in torch.split(x, at_once)
            ]
        )

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        operator = ctx.operator
        geometry = (operator.stride, operator.padding, operator.dilation, operator.groups)
        wanted_x, wanted_weight, _ = ctx.needs_input_grad
        gradient = gradient.contiguous()
        d_x = d_weight = None
        if wanted_x:
            d_x = conv2d_input(x.shape, weight, gradient, *geometry)  # type: ignore[no-untyped-call]
        if wanted_weight:
            d_weight = conv2d_weight(  # type: ignore[no-untyped-call]
                x, weight.shape, gradient, *geometry
            )
        return d_x, d_weight, None


def _product(rows: Tensor, x: Tensor, operator: Conv2d) -> Tensor:
    """Rows [groups, channels, K] times the patches of x, [N, groups, channels, places]."""
    size = operator.weight.shape[2:]
    patches = unfold(x, size, operator.dilation, operator.padding, operator.stride)
    return (rows @ patches.reshape(len(x), operator.groups, -1, patches.shape[-1])).float()


def _exact_type(weight: Tensor, x: Tensor) -> torch.dtype:
    """The narrowest type in which no partial sum is rounded."""
    reach = weight.abs().flatten(1).sum(1).max() * x.abs().max().clamp(min=1)
    return torch.float32 if reach < _EXACT else torch.float64
