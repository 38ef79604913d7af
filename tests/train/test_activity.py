"""What layers do, against values written out by hand."""

from __future__ import annotations

import pytest
import torch
from eideploy_models.layers import Merged
from norse.torch import SequentialState
from torch import nn

from eideploy.cells import LIF, EILinear
from eideploy.train.activity import layer_activity


@pytest.fixture
def network() -> SequentialState:
    """Two E neurons and one I: B = x₀ + x₁ and S = x₁ in the first, 0 and 2 x₁ in the second.

    With x = (1, 1) currents are 2 and 0: τ = 1 makes the first neuron spike in every step.
    """
    circuit = EILinear(2, 2, ratio=2)
    with torch.no_grad():
        circuit.weight_ie.copy_(torch.tensor([[0.0, 1.0]]))
        circuit.weight_ei.copy_(torch.tensor([[1.0], [2.0]]))
        circuit.weight_ee.copy_(torch.tensor([[1.0, 2.0], [0.0, 2.0]]))
        circuit.gain_i.fill_(1.0)
    return SequentialState(circuit, LIF(tau=1.0), EILinear(2, 3, divisive=False))


def test_rate_shunt_and_share_of_zero_divisors(network: SequentialState) -> None:
    x = torch.tensor([[1.0, 1.0], [1.0, 0.0]])  # the second sample has no shunt at all
    seen = layer_activity(network, x.expand(5, 2, 2))
    assert list(seen) == ["ei1", "lif1"]
    assert seen["ei1"] == pytest.approx({"shunt": (1 + 2 + 0 + 0) / 4, "replaced": 0.5})
    # In the second sample all divisors are 0, so that currents are the bias, 0.
    assert seen["lif1"] == {"rate": 0.25}


def test_it_looks_in_inference_and_leaves_no_trace() -> None:
    layer, norm = nn.Linear(2, 2), nn.BatchNorm1d(2)
    norm.running_mean += 10  # in training a batch of ones would be its own mean
    with torch.no_grad():
        layer.weight.fill_(10.0)
    twin = SequentialState(Merged(nn.Sequential(layer, norm)), LIF(tau=1.0)).train()
    before = {name: value.clone() for name, value in twin.state_dict().items()}
    assert layer_activity(twin, torch.ones(3, 4, 2)) == {"lif1": {"rate": 1.0}}
    assert twin.training
    assert norm.training
    assert all(torch.equal(value, before[name]) for name, value in twin.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in twin.modules())
