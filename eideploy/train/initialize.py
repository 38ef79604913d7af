"""What a network starts from: E-I Init on the first batch, or the draw it is compared with."""

from __future__ import annotations

from torch import Tensor, nn

from eideploy.cells import EICircuit, ei_init_network_, he_init_network_
from eideploy.graph.export import node_names
from eideploy.train.recipe import Recipe


def initialize_(network: nn.Module, recipe: Recipe, sequence: Tensor) -> None:
    """Draw the parameters of every E-I circuit in place, from torch's global random numbers.

    A network without circuits, as a BatchNorm twin, stays as it is.

    Args:
        network: over sequences [T, B, …].
        recipe: `training.ei_init` says which draw.
        sequence: the first batch [T, B, …], which E-I Init looks at.

    Raises:
        InputError: the batch is dead at some layer.
    """
    if not recipe.training.ei_init:
        he_init_network_(network)
    elif any(isinstance(layer, EICircuit) for layer in network.modules()):
        names = {layer: name for name, layer in node_names(network)}
        ei_init_network_(network, sequence, names=names)
