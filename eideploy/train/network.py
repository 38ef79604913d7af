"""From a recipe to the network that it describes."""

from __future__ import annotations

from functools import partial

import torch
from norse.torch import SequentialState

from eideploy.cells import LIF, EICircuit
from eideploy.train.data import DatasetSpec, find_dataset
from eideploy.train.recipe import Recipe
from eideploy.train.zoo import find_builder, options_model


def dataset_of(recipe: Recipe) -> DatasetSpec:
    """The data set of a recipe: flat if it says so, and as many samples as it says.

    Raises:
        RecipeError: it is not known.
    """
    data = recipe.data
    return find_dataset(data.name, flat=data.flat).limited(data.train_samples, data.test_samples)


def build_network(recipe: Recipe) -> SequentialState:
    """The network of a recipe, with the parameters that its layers draw for the recipe's seed.

    The caller's random numbers stay as they are.

    Raises:
        RecipeError: the model is not known.
        InputError: the model's options and the data do not go together.
    """
    data, model = dataset_of(recipe), recipe.model
    options = options_model(model.name).model_validate_json(model.model_dump_json(exclude={"name"}))
    neuron = partial(LIF, **recipe.neuron.model_dump())
    build = find_builder(model.name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = build(data.shape, data.classes, neuron, **dict(options))
    for layer in network.modules():
        if isinstance(layer, EICircuit):
            layer.stabilizer = recipe.training.stabilizer
            layer.straight_through = recipe.training.straight_through
            layer.gradient_scaling = recipe.training.gradient_scaling
    return network
