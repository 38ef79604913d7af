"""E-I Init."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from norse.torch import SequentialState

from eideploy.cells import (
    LIF,
    EILinear,
    InputStatistics,
    ei_init_,
    ei_init_network_,
    input_statistics,
)
from eideploy.errors import InputError


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network() -> SequentialState:
    return SequentialState(
        EILinear(20, 64), LIF(), EILinear(64, 32), LIF(), EILinear(32, 5, divisive=False)
    )


def test_statistics_are_those_of_numpy() -> None:
    x = torch.rand(9, 4, 3, generator=generator())
    found, values = input_statistics(x), x.double().numpy()
    assert found.mean == pytest.approx(values.mean())
    assert found.mean_square == pytest.approx((values**2).mean())
    assert found.variance == pytest.approx(np.var(values, axis=0, ddof=1).mean())


def test_weights_and_gains_are_the_equations() -> None:
    layer = EILinear(300, 200)
    ei_init_(
        layer, InputStatistics(mean=0.2, variance=0.05, mean_square=0.1), generator=generator()
    )
    scale = math.sqrt(0.05 / (300 * 0.15))
    for weight in (layer.weight_ee.detach(), layer.weight_ie.detach()):
        assert float(weight.mean()) == pytest.approx(scale, rel=0.03)
        assert float(weight.std()) == pytest.approx(scale, rel=0.05)
        assert float(weight.min()) >= 0
        # An exponential distribution, not just one with its mean and deviation.
        assert float((weight > scale).float().mean()) == pytest.approx(math.exp(-1), abs=0.01)
    assert torch.equal(layer.weight_ei, torch.full((200, 50), 1 / 50))
    gain = math.sqrt(0.15) / (math.sqrt(300) * 0.2)
    torch.testing.assert_close(layer.gain_i.detach(), torch.full((50,), gain))
    assert torch.equal(layer.gain_e, torch.ones(200))
    assert torch.equal(layer.bias, torch.zeros(200))


def test_currents_begin_at_mean_0_and_deviation_1() -> None:
    """What E-I Init is for: W_EE x − W_EI W_IE x has mean 0, and S divides by its deviation."""
    x = (torch.rand(400, 200, generator=generator()) < 0.3).float()
    layer = EILinear(200, 100)
    ei_init_(layer, input_statistics(x), generator=generator(1))
    current = layer(x).detach()
    assert abs(float(current.mean())) < 0.2
    assert float(current.var(0).mean()) == pytest.approx(0.5, abs=0.35)


def test_network_is_initialized_layer_by_layer_on_what_comes_through() -> None:
    x = torch.rand(4, 8, 20, generator=generator())
    net = network()
    seen = ei_init_network_(net, x, generator=generator(1))
    assert list(seen) == ["0", "2", "4"]
    # Run again: every layer now sees what it was initialized on.
    inputs = {}
    for path in seen:
        layer = net.get_submodule(path)
        layer.register_forward_pre_hook(
            lambda module, args, path=path: inputs.update({path: module.merge(args[0])})
        )
    net(x)
    for path, statistics in seen.items():
        assert input_statistics(inputs[path]) == statistics
        layer = net.get_submodule(path)
        e2v = statistics.mean_square + statistics.variance
        gain = math.sqrt(e2v) / (math.sqrt(layer.fan_in) * statistics.mean)
        assert layer.gain_i[0].item() == pytest.approx(gain)


def test_initialization_leaves_no_hooks_and_depends_on_the_generator_alone() -> None:
    x = torch.rand(4, 8, 20, generator=generator())
    nets = [network() for _ in range(3)]
    for net, seed in zip(nets, (1, 1, 2), strict=True):
        ei_init_network_(net, x, generator=generator(seed))
    states = [net.state_dict() for net in nets]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert not torch.equal(states[0]["0.weight_ee"], states[2]["0.weight_ee"])
    before = states[0]["0.weight_ee"].clone()
    nets[0](x)
    assert torch.equal(nets[0].state_dict()["0.weight_ee"], before)


def test_dead_batch_names_the_layer() -> None:
    net = SequentialState(EILinear(20, 64), LIF(threshold=1e6), EILinear(64, 5, divisive=False))
    x = torch.rand(4, 8, 20)
    with pytest.raises(InputError, match=r"dead at layer 2: its input has mean 0"):
        ei_init_network_(net, x)
    names = {net[0]: "ei1", net[2]: "readout"}
    with pytest.raises(InputError, match="dead at layer readout"):
        ei_init_network_(net, x, names=names)


@pytest.mark.parametrize(
    "x", [torch.zeros(6, 20), torch.ones(6, 20), torch.rand(1, 20), torch.full((6, 20), torch.nan)]
)
def test_batches_without_mean_or_variance_are_dead(x: torch.Tensor) -> None:
    layer = EILinear(20, 8)
    before = layer.weight_ee.detach().clone()
    with pytest.raises(InputError, match="E-I Init: the first batch is dead"):
        ei_init_(layer, input_statistics(x))
    assert torch.equal(layer.weight_ee, before)
