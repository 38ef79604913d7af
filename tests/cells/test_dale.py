"""Dale's law after any update."""

from __future__ import annotations

import torch
from norse.torch import SequentialState

from eideploy.cells import LIF, EIConv2d, EILinear, non_negative_parameters, project_


def network() -> SequentialState:
    return SequentialState(
        EIConv2d(1, 8, 3, padding=1),
        LIF(),
        torch.nn.Flatten(start_dim=2),
        EILinear(8 * 16, 5, divisive=False),
    )


def test_all_weights_and_gains_are_bound_and_biases_are_free() -> None:
    bound = {name for name, _ in non_negative_parameters(network())}
    free = {name for name, _ in network().named_parameters()} - bound
    assert free == {"0.bias", "3.bias"}
    assert len(bound) == 10
    assert {name for name, _ in non_negative_parameters(EILinear(3, 4))} == {
        "weight_ee",
        "weight_ie",
        "weight_ei",
        "gain_i",
        "gain_e",
    }


def test_projection_clamps_what_is_bound_and_touches_nothing_else() -> None:
    torch.manual_seed(0)
    net = network()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_()
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    bound = {name for name, _ in non_negative_parameters(net)}
    project_(net)
    for name, parameter in net.named_parameters():
        expected = before[name].clamp(min=0) if name in bound else before[name]
        assert torch.equal(parameter, expected)


def test_law_holds_at_every_forward_of_a_wild_training() -> None:
    torch.manual_seed(0)
    net = network()
    optimizer = torch.optim.SGD(net.parameters(), lr=5.0)
    x = torch.rand(3, 4, 1, 4, 4)
    for _ in range(10):
        optimizer.zero_grad()
        net(x)[0].square().mean().backward()
        optimizer.step()
        below = any(bool((p < 0).any()) for _, p in non_negative_parameters(net))
        project_(net)
        assert all(bool((p >= 0).all()) for _, p in non_negative_parameters(net))
        if below:
            return
    raise AssertionError("no step ever left the allowed region, so the projection was not tried")
