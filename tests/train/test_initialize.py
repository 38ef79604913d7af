"""What a network starts from, by its recipe."""

from __future__ import annotations

import pytest
import torch

from eideploy.cells import EICircuit, ei_init_network_, he_init_network_
from eideploy.train import build_network, load_recipe, override
from eideploy.train.initialize import initialize_


@pytest.mark.parametrize("ei_init", [True, False])
def test_the_recipe_says_which_draw(ei_init: bool) -> None:
    recipe = override(load_recipe("digits_mlp"), [f"training.ei_init={str(ei_init).lower()}"])
    network, expected = build_network(recipe), build_network(recipe)
    x = torch.rand(2, 8, 64, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(2)
    initialize_(network, recipe, x)
    torch.manual_seed(2)
    if ei_init:
        ei_init_network_(expected, x)
    else:
        he_init_network_(expected)
    found = network.state_dict()
    assert all(torch.equal(values, found[key]) for key, values in expected.state_dict().items())


def test_a_network_without_circuits_is_left_alone() -> None:
    network = torch.nn.Sequential(torch.nn.BatchNorm1d(4))
    initialize_(network, load_recipe("digits_mlp"), torch.rand(8, 4))
    assert torch.equal(network[0].running_mean, torch.zeros(4))


def test_ablations_reach_every_circuit() -> None:
    changes = ["stabilizer=none", "straight_through=false", "gradient_scaling=false"]
    recipe = override(load_recipe("digits_mlp"), [f"training.{change}" for change in changes])
    circuits = [m for m in build_network(recipe).modules() if isinstance(m, EICircuit)]
    assert len(circuits) == 3
    for circuit in circuits:
        assert circuit.stabilizer == "none"
        assert not circuit.straight_through
        assert not circuit.gradient_scaling
