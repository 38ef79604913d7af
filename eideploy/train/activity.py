"""What the layers of a network do: how often they fire, and what divides them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from eideploy.cells import LIF, EICircuit
from eideploy.graph.export import node_names

Activity = dict[str, dict[str, float]]
"""By node name: of a LIF `rate`, of a divisive circuit `shunt` and `replaced`."""


@torch.no_grad()
def layer_activity(network: nn.Module, sequence: Tensor) -> Activity:
    """Look at every LIF and every divisive circuit while the network runs, in inference.

    Args:
        network: over sequences [T, B, …]; its mode is put back.
        sequence: what to show it, [T, B, …].

    Returns:
        By node name, of a LIF the `rate` (spikes per neuron and step, 0 … 1), of a divisive circuit
        the mean `shunt` S ≥ 0 before its stabilizer and the share `replaced` of divisors that are
        exactly 0, which the adaptive stabilizer replaces.

    Raises:
        UnsupportedError: a module of the network has no node.
    """
    seen: Activity = {}

    def watch_neurons(name: str) -> Callable[..., None]:
        def look(lif: Any, inputs: Any, output: tuple[Tensor, Any]) -> None:
            seen[name] = {"rate": output[0].mean().item()}

        return look

    def watch_circuit(name: str) -> Callable[..., None]:
        def look(circuit: EICircuit, inputs: tuple[Tensor, ...]) -> None:
            _, shunt = circuit.components(circuit.merge(inputs[0]))
            replaced = (shunt == 0).float().mean()
            seen[name] = {"shunt": shunt.mean().item(), "replaced": replaced.item()}

        return look

    handles = []
    for name, layer in node_names(network):
        if isinstance(layer, LIF):
            handles.append(layer.register_forward_hook(watch_neurons(name)))
        elif isinstance(layer, EICircuit) and layer.divisive:
            handles.append(layer.register_forward_pre_hook(watch_circuit(name)))
    training = network.training
    try:
        network.eval()(sequence)
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return seen
