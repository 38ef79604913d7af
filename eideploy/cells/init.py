"""E-I Init: weights and gains from the statistics of what a layer sees in the first batch.

E1 = mean x,  E2 = mean x²,  V = mean over features of the unbiased variance over rows,  d = fan-in
W_EE, W_IE ~ Exponential(scale = √(V / (d (E2 + V)))),  W_EI = 1/I,
g_I = √(E2 + V) / (√d E1),  g_E = 1,  b = 0

Source: Liu, Ding, Yu, ICLR 2026.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from eideploy.cells.layer import EICircuit
from eideploy.errors import InputError


@dataclass(frozen=True)
class InputStatistics:
    """What E-I Init knows of a layer's input.

    Attributes:
        mean: E1.
        variance: V, the variance over rows averaged over features.
        mean_square: E2.
    """

    mean: float
    variance: float
    mean_square: float


def input_statistics(x: Tensor) -> InputStatistics:
    """Statistics of merged input [N, …]; the variance is NaN where N = 1."""
    x = x.detach().double()
    variance = x.var(0).mean().item() if len(x) > 1 else math.nan
    return InputStatistics(x.mean().item(), variance, x.square().mean().item())


def ei_init_(
    layer: EICircuit,
    statistics: InputStatistics,
    *,
    name: str = "",
    generator: torch.Generator | None = None,
) -> None:
    """Initialize one layer in place.

    Args:
        layer: the layer.
        statistics: of its input.
        name: what to call the layer in an error.
        generator: source of random numbers; torch's global one if not given.

    Raises:
        InputError: the batch is dead, that is, it has no mean or no variance to divide by.
    """
    e1, v, e2 = statistics.mean, statistics.variance, statistics.mean_square
    if not (e1 > 0 and v > 0 and math.isfinite(e2 + v)):
        raise InputError(
            f"E-I Init: the first batch is dead at layer {name or layer}: its input has mean "
            f"{e1:g} and variance {v:g} over samples and steps, and both must be positive",
            "Check the data, take a larger batch, or lower the threshold of the layer before.",
        )
    scale = math.sqrt(v / (layer.fan_in * (e2 + v)))
    layer.reset_parameters(scale, math.sqrt(e2 + v) / (math.sqrt(layer.fan_in) * e1), generator)


@torch.no_grad()
def ei_init_network_(
    network: nn.Module,
    x: Tensor,
    *,
    names: Mapping[nn.Module, str] | None = None,
    generator: torch.Generator | None = None,
) -> dict[str, InputStatistics]:
    """Initialize every E-I circuit of a network in place, each on what those before it let through.

    Args:
        network: called once with `x`.
        x: the first batch, as the network takes it.
        names: what to call the layers; their paths in the network if not given.
        generator: source of random numbers; torch's global one if not given.

    Returns:
        The statistics that each layer saw, by name.

    Raises:
        InputError: the batch is dead at some layer.
    """
    seen: dict[str, InputStatistics] = {}
    handles = []
    for path, layer in network.named_modules():
        if isinstance(layer, EICircuit):
            name = names[layer] if names else path

            def initialize(module: EICircuit, inputs: tuple[Any, ...], name: str = name) -> None:
                seen[name] = input_statistics(module.merge(inputs[0]))
                ei_init_(module, seen[name], name=name, generator=generator)

            handles.append(layer.register_forward_pre_hook(initialize))
    try:
        network(x)
    finally:
        for handle in handles:
            handle.remove()
    return seen
