"""What a trained network is made of, and what goes on in it, layer by layer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from norse.torch import SequentialState
from torch import Tensor, nn

from eideploy.cells import LIF, EICircuit
from eideploy.graph.export import node_names
from eideploy.train.data import Array
from eideploy.train.plots.histogram import Accumulator, Histogram

Progress = Callable[[int, int], None]

_BATCH = 8
_SYMBOLS = {
    "weight_ee": "W_EE",
    "weight_ie": "W_IE",
    "weight_ei": "W_EI",
    "gain_i": "g_I",
    "gain_e": "g_E",
    "bias": "b",
}


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer with synapses, and the LIF that it drives.

    Attributes:
        name: its node name.
        parameters: how many numbers training adapts.
        weights: distribution of each of its parameters by symbol.
        neuron: node name of the LIF behind it; None for a readout.
        threshold: θ of that LIF.
        tau: τ of that LIF, in steps.
    """

    name: str
    parameters: int
    weights: Mapping[str, Histogram]
    neuron: str | None
    threshold: float | None
    tau: float | None

    @property
    def zero_share(self) -> float:
        """Share of its synaptic weights, those named W, that are exactly 0, 0 … 1."""
        synapses = [values for symbol, values in self.weights.items() if symbol.startswith("W")]
        return sum(values.zeros for values in synapses) / sum(values.total for values in synapses)


@dataclass(frozen=True, eq=False)
class Activity:
    """What went on in a layer while samples were shown.

    Attributes:
        currents: distribution over neurons, steps and samples of I, and of an E-I circuit B and S
            (before its stabilizer), by symbol.
        rates: spikes of the LIF by neuron, per step, 0 … 1, […]; None for a readout.
    """

    currents: Mapping[str, Histogram]
    rates: Array | None


def layers_of(network: SequentialState) -> list[Layer]:
    """The layers of a network in the order of execution.

    Raises:
        UnsupportedError: a module of the network has no node.
    """
    nodes = node_names(network)
    followers = [*nodes[1:], ("", nn.Identity())]
    return [
        _layer(name, module, follower)
        for (name, module), follower in zip(nodes, followers, strict=True)
        if any(True for _ in module.parameters())
    ]


def _layer(name: str, module: nn.Module, follower: tuple[str, nn.Module]) -> Layer:
    neuron, lif = follower
    weights: dict[str, Histogram] = {}
    for symbol, value in _parameters(module):
        weights[symbol] = Accumulator().add(value).histogram()
    parameters = sum(p.numel() for p in module.parameters())
    if isinstance(lif, LIF):
        return Layer(name, parameters, weights, neuron, lif.threshold, lif.tau)
    return Layer(name, parameters, weights, None, None, None)


def _parameters(module: nn.Module) -> list[tuple[str, Tensor]]:
    """Parameters that have an effect, by symbol."""
    if isinstance(module, EICircuit):
        unused = () if module.divisive else ("gain_i", "gain_e", "bias")
        return [(s, getattr(module, name)) for name, s in _SYMBOLS.items() if name not in unused]
    found: list[tuple[str, Tensor]] = []
    for layer in module.modules():
        normalizes = isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d))
        symbols = {"weight": "γ", "bias": "β"} if normalizes else {"weight": "W", "bias": "b"}
        found += [(symbols[name], value) for name, value in layer.named_parameters(recurse=False)]
    return found


@dataclass
class _Watch:
    currents: dict[str, Accumulator] = field(default_factory=lambda: defaultdict(Accumulator))
    spikes: Tensor | float = 0.0
    bins: int = 0


@torch.no_grad()
def activity_of(
    network: SequentialState,
    layers: Sequence[Layer],
    stimulus: Array,
    progress: Progress | None = None,
) -> dict[str, Activity]:
    """Show samples to a network, a few at a time, and look at every layer.

    Args:
        network: over sequences [T, B, …], in inference.
        layers: of this network.
        stimulus: [sample, step, *input_shape].
        progress: told how many samples are done, of how many.

    Returns:
        By the name of the layer.
    """
    modules = dict(node_names(network))
    watches = {layer.name: _Watch() for layer in layers}
    handles = []
    for layer in layers:
        watch = watches[layer.name]
        handles.append(modules[layer.name].register_forward_hook(_look_at_currents(watch)))
        if layer.neuron is not None:
            handles.append(modules[layer.neuron].register_forward_hook(_count_spikes(watch)))
    try:
        for start in range(0, len(stimulus), _BATCH):
            batch = np.ascontiguousarray(stimulus[start : start + _BATCH])
            network(torch.as_tensor(batch).transpose(0, 1))
            if progress is not None:
                progress(min(start + _BATCH, len(stimulus)), len(stimulus))
    finally:
        for handle in handles:
            handle.remove()
    return {name: _activity(watch) for name, watch in watches.items()}


def _look_at_currents(watch: _Watch) -> Callable[..., None]:
    def look(module: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if not isinstance(module, EICircuit):
            watch.currents["I"].add(output)
            return
        balanced, shunt = module.components(module.merge(inputs[0]))
        watch.currents["B"].add(balanced)
        if module.divisive:
            watch.currents["I"].add(output)
            watch.currents["S"].add(shunt)

    return look


def _count_spikes(watch: _Watch) -> Callable[..., None]:
    def count(lif: Any, inputs: Any, output: tuple[Tensor, Any]) -> None:
        spikes = output[0]
        watch.spikes = watch.spikes + spikes.sum((0, 1), dtype=torch.float64)
        watch.bins += len(spikes) * spikes.shape[1]

    return count


def _activity(watch: _Watch) -> Activity:
    currents = {symbol: counted.histogram() for symbol, counted in watch.currents.items()}
    if not isinstance(watch.spikes, Tensor):
        return Activity(currents, None)
    return Activity(currents, (watch.spikes / watch.bins).cpu().numpy())
