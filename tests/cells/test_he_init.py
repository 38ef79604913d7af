"""He initialization beside E-I Init: the draw, and what it does to firing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from eideploy_models import resnet, vgg
from norse.torch import SequentialState

from eideploy.cells import LIF, EILinear, ei_init_network_, he_init_network_


def test_weights_are_folded_normal_and_the_rest_is_plain() -> None:
    layer = EILinear(300, 200)
    he_init_network_(layer, generator=torch.Generator().manual_seed(0))
    for weight in (layer.weight_ee.detach(), layer.weight_ie.detach()):
        assert weight.min() >= 0
        # Of |N(0, s²)|: the mean square is s², and 68.3 % lie below s.
        assert float(weight.square().mean()) == pytest.approx(2 / 300, rel=0.05)
        below = float((weight < (2 / 300) ** 0.5).float().mean())
        assert below == pytest.approx(0.683, abs=0.01)
    assert torch.equal(layer.weight_ei, torch.full((200, 50), 1 / 50))
    for ones in (layer.gain_i, layer.gain_e):
        assert torch.equal(ones, torch.ones_like(ones))
    assert torch.equal(layer.bias, torch.zeros(200))


def test_every_circuit_is_drawn_and_the_generator_alone_decides() -> None:
    nets = [SequentialState(EILinear(9, 8), LIF(), EILinear(8, 3)) for _ in range(2)]
    for net in nets:
        he_init_network_(net, generator=torch.Generator().manual_seed(4))
    first, second = (net.state_dict() for net in nets)
    assert all(torch.equal(first[key], second[key]) for key in first)


@torch.no_grad()
def firing_rates(network: SequentialState, x: torch.Tensor) -> list[float]:
    rates: list[float] = []
    for neuron in network.modules():
        if isinstance(neuron, LIF):
            neuron.register_forward_hook(lambda _, __, out: rates.append(out[0].mean().item()))
    network(x)
    return rates


@pytest.mark.parametrize(("model", "options"), [(vgg, {"depth": 16}), (resnet, {"depth": 18})])
def test_deep_networks_fire_everywhere_after_ei_init_alone(
    model: Callable[..., SequentialState], options: dict[str, int]
) -> None:
    """Between 1 and 60 % of the steps in every layer; without E-I Init below 1 % in most."""
    torch.manual_seed(0)
    images = torch.rand(4, 3, 32, 32).expand(4, -1, -1, -1, -1)
    rates = {}
    for method in ("E-I", "He"):
        network = model((3, 32, 32), 10, lambda: LIF(reset="subtract"), **options)
        if method == "E-I":
            ei_init_network_(network, images)
        else:
            he_init_network_(network)
        rates[method] = firing_rates(network, images)
    assert all(0.01 < rate < 0.6 for rate in rates["E-I"]), rates["E-I"]
    assert sum(rate < 0.01 for rate in rates["He"]) > len(rates["He"]) / 2, rates["He"]
