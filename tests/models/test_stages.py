"""A VGG of stages of one's own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from eideploy_models import vgg

from eideploy.cells import LIF, EIConv2d
from eideploy.errors import InputError, RecipeError
from eideploy.graph.export import node_names
from eideploy.train import build_network, parse_recipe

RECIPE = "name: own\nmodel: {name: vgg, stages: [[8], [12, 12]]}\ndata: {name: digits}\n"


def test_stages_take_the_place_of_a_depth() -> None:
    network = vgg((1, 13, 9), 4, LIF, stages=((8,), (12, 16)), ratio=2)
    names = [name for name, _ in node_names(network)]
    assert names == [
        *("ei1", "lif1", "pool1"),
        *("ei2", "lif2", "ei3", "lif3", "pool2"),
        *("flatten1", "readout"),
    ]
    assert [c.out_channels for c in network if isinstance(c, EIConv2d)] == [8, 12, 16]
    assert network(torch.rand(2, 3, 1, 13, 9))[0].shape == (2, 3, 4)
    assert network[-1].in_features == 16 * 3 * 2


def test_a_recipe_can_have_them() -> None:
    recipe = parse_recipe(RECIPE, "own")
    assert recipe.model.options["stages"] == [[8], [12, 12]]
    assert parse_recipe(recipe.to_yaml(), "again") == recipe
    assert build_network(recipe)[-1].in_features == 12 * 2 * 2
    with pytest.raises(RecipeError, match=r"model\.stages.*8"):
        parse_recipe(RECIPE.replace("[8]", "8"), "flat")


@pytest.mark.parametrize(
    ("shape", "stages", "says"),
    [
        ((1, 8, 8), (), r"stages are \[\]"),
        ((1, 8, 8), ((8,), ()), r"stages are \[\[8\], \[\]\]"),
        ((1, 8, 7), ((8,), (8,), (8,)), r"at least 8×8, the data have \[1, 8, 7\]"),
        ((1, 8, 8), ((0,),), "sizes and ratio must be at least 1"),
    ],
)
def test_stages_that_cannot_be(shape: Any, stages: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        vgg(shape, 4, LIF, stages=stages)
