"""How maps lie in memory: the channels of a place side by side wherever that is faster."""

from __future__ import annotations

import torch
from torch import Tensor

TINY = 16
"""Places below which oneDNN convolves faster with each channel's map in one piece."""


def for_convolution(x: Tensor) -> Tensor:
    """A map [N, C, H, W] as a convolution takes it fastest."""
    tiny = x.device.type == "cpu" and x.shape[-2] * x.shape[-1] < TINY
    return x.contiguous() if tiny else between_layers(x)


def between_layers(x: Tensor) -> Tensor:
    """A map [N, C, H, W] as mixing of channels takes it fastest."""
    on_cpu = x.device.type == "cpu"
    return x.contiguous(memory_format=torch.channels_last) if on_cpu else x
