"""The least that a training step of a network can take: its convolutions, and nothing else.

Of every E-I convolution the kernels of E and I together, forward and backward in the memory layout
that the shipped cells choose, on random input. No gain in the rest of a step gets below this.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from eideploy.cells import EIConv2d, layout


class Convolutions(nn.Module):
    """The convolutions of a network that was called with `x`, side by side."""

    def __init__(self, network: nn.Module, x: Tensor) -> None:
        super().__init__()
        self.layers: list[tuple[EIConv2d, Tensor, Tensor]] = []
        handles = [
            layer.register_forward_pre_hook(self._note)
            for layer in network.modules()
            if isinstance(layer, EIConv2d)
        ]
        with torch.no_grad():
            network(x)
        for handle in handles:
            handle.remove()

    def _note(self, layer: EIConv2d, inputs: tuple[Tensor, ...]) -> None:
        (x,) = inputs
        once = x[0] if x.stride(0) == 0 else x
        weight = torch.cat([layer.weight_ee, layer.weight_ie]).detach().requires_grad_()
        x = layout.for_convolution(torch.rand_like(layer.merge(once)))
        self.layers.append((layer, x.requires_grad_(bool(self.layers)), weight))

    def step(self) -> None:
        """Forward and backward; the input of the first has no gradient."""
        for layer, x, weight in self.layers:
            current = functional.conv2d(x, weight, stride=layer.stride, padding=layer.padding)
            wanted = [tensor for tensor in (x, weight) if tensor.requires_grad]
            torch.autograd.grad(current, wanted, torch.ones_like(current))
