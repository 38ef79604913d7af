"""What a network costs, counted from its shape: parameters, and synaptic operations of one step.

A synaptic operation is one multiply-accumulate of a synaptic weight. Counted are those of one step
of one sample in which every input is active: the dense count, the most that event-driven hardware
has to do. Of W_EE and W_IE it does the share that the rate of a layer's input is; what inhibitory
neurons send is graded and seldom 0. With P places of the output (1 where it is dense) a layer has

E-I circuit       P · (|W_EE| + |W_IE| + 2 |W_EI|), as W_EI serves both B and S
E-I readout       P · (|W_EE| + |W_IE| + |W_EI|), since B is all that it computes
conv, linear      P · |W|

A weight that meets the zeros around an image counts as any other. Gains, biases, BatchNorm, pools
and neurons have no synapses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from eideploy.cells import EICircuit
from eideploy.train.network import build_network, dataset_of
from eideploy.train.recipe import Recipe

_PLAIN = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


@dataclass(frozen=True)
class Cost:
    """What a network costs.

    Attributes:
        parameters: how many numbers training adapts.
        operations: synaptic operations of one step of one sample by layer, under the layers' paths
            in the network.
    """

    parameters: int
    operations: Mapping[str, int]

    @property
    def synaptic_operations(self) -> int:
        """Synaptic operations of one step of one sample."""
        return sum(self.operations.values())


@torch.no_grad()
def cost_of(recipe: Recipe) -> Cost:
    """Count parameters and synaptic operations of the network of a recipe.

    Nothing is computed and no data are read: the network is built on torch's meta device, where
    tensors have a shape and no values.

    Raises:
        RecipeError: the model or the data set is not known.
        InputError: the model's options and the data do not go together.
    """
    with torch.device("meta"):
        network = build_network(recipe).eval()
        x = torch.empty(1, 1, *dataset_of(recipe).shape)  # [T, B, …], one step of one sample
    operations: dict[str, int] = {}
    for path, layer in network.named_modules():
        if isinstance(layer, (EICircuit, *_PLAIN)):
            layer.register_forward_hook(_counter(operations, path, _weights(layer)))
        if isinstance(layer, EICircuit):
            layer.forward = _shape(layer)
    network(x)
    return Cost(sum(p.numel() for p in network.parameters()), operations)


def _shape(circuit: EICircuit) -> Callable[[Tensor], Tensor]:
    """A forward pass that gives I_EE, which has the shape of I; to divide would ask for values."""

    def forward(x: Tensor) -> Tensor:
        current = circuit.drive(circuit.merge(x), circuit.weight_ee)
        return current.reshape(*x.shape[: x.dim() - circuit.input_dims], *current.shape[1:])

    return forward


def _weights(layer: nn.Module) -> int:
    """Synaptic weights that one place of the output of a layer takes, of all its channels."""
    if isinstance(layer, EICircuit):
        mixings = 2 if layer.divisive else 1
        feed_forward = layer.weight_ee.numel() + layer.weight_ie.numel()
        return feed_forward + mixings * layer.weight_ei.numel()
    weight: Any = layer.weight
    return int(weight.numel())


def _counter(operations: dict[str, int], path: str, weights: int) -> Callable[..., None]:
    """A forward hook that adds up the operations of a layer of so many weights."""

    def count(layer: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        channels = len(layer.weight_ee if isinstance(layer, EICircuit) else layer.weight)
        places = output.numel() // channels
        operations[path] = operations.get(path, 0) + weights * places

    return count
