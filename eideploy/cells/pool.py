"""Average pooling that keeps nothing for the backward pass.

torch's keeps its input, a whole map of spikes, though the gradient of a mean does not depend on it:
∂x = G / k² for each of the k × k places that a mean is over.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from eideploy.cells.circuit import channels_last


class AvgPool2d(nn.AvgPool2d):
    """Means over windows that do not overlap; [N, C, H, W] → [N, C, H // k, W // k].

    An odd row or column at the edge is dropped, as by `torch.nn.AvgPool2d`.

    Args:
        kernel_size: k, places along each side of a window.
    """

    def __init__(self, kernel_size: int) -> None:
        super().__init__(kernel_size)
        self.places = kernel_size

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # by hand it is faster
    def forward(self, x: Tensor) -> Tensor:
        """Pool a map.

        Args:
            x: [N, C, H, W].
        """
        pooled: Tensor = _AveragePool.apply(x, self.places)  # type: ignore[no-untyped-call]
        return pooled


class _AveragePool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, k: int) -> Tensor:
        ctx.shape, ctx.k = x.shape, k
        return functional.avg_pool2d(x, k)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> Any:
        k, (height, width) = ctx.k, gradient.shape[-2:]
        layout = torch.channels_last if channels_last(gradient) else torch.contiguous_format
        spread = torch.empty(
            ctx.shape, dtype=gradient.dtype, device=gradient.device, memory_format=layout
        )
        spread[:, :, height * k :] = 0
        spread[:, :, :, width * k :] = 0
        windows = spread[:, :, : height * k, : width * k]
        windows = windows.view(*ctx.shape[:2], height, k, width, k)
        windows.copy_((gradient / k**2)[:, :, :, None, :, None].expand_as(windows))
        return spread, None
