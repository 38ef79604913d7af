"""The models that come with eideploy, and the registry that finds them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch
from eideploy_models import conv, mlp, zoo
from norse.torch import SequentialState

from eideploy.cells import LIF, EICircuit, EIConv2d, EILinear
from eideploy.errors import InputError, MissingComponentError
from eideploy.graph.export import node_names
from eideploy.train import list_models, list_recipes, load_recipe, override, train
from eideploy.train import zoo as registry


def test_zoo_is_found_by_its_entry_point() -> None:
    assert set(zoo) == {"mlp", "conv", "vgg", "resnet"} <= set(list_models())
    for name, builder in zoo.items():
        assert registry.find_builder(name) is builder


def test_importing_the_models_is_cheap() -> None:
    code = "import sys, eideploy_models; print('torch' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"


def test_mlp_is_circuits_and_neurons_in_turn() -> None:
    network = mlp((64,), 10, LIF, hidden=(20, 12, 8), ratio=2)
    assert isinstance(network, SequentialState)
    assert [name for name, _ in node_names(network)] == [
        "ei1",
        "lif1",
        "ei2",
        "lif2",
        "ei3",
        "lif3",
        "readout",
    ]
    circuits = [layer for layer in network if isinstance(layer, EILinear)]
    assert [tuple(c.weight_ei.shape) for c in circuits] == [(20, 10), (12, 6), (8, 4), (10, 5)]
    assert [c.divisive for c in circuits] == [True, True, True, False]
    assert network(torch.rand(5, 3, 64))[0].shape == (5, 3, 10)


def test_conv_strides_and_ends_in_a_readout() -> None:
    network = conv((1, 8, 8), 10, LIF, channels=(8, 12), strides=(1, 2))
    names = [name for name, _ in node_names(network)]
    assert names == ["ei1", "lif1", "ei2", "lif2", "flatten1", "readout"]
    assert isinstance(network[2], EIConv2d)
    assert network[2].stride == (2, 2)
    output, _ = network(torch.rand(5, 3, 1, 8, 8))
    assert output.shape == (5, 3, 10)
    assert network[5].in_features == 12 * 4 * 4


def test_conv_pools_where_it_is_told_to() -> None:
    network = conv((1, 9, 9), 10, LIF, channels=(8, 12, 8), strides=(1, 1, 1), pools=(2, 1, 3))
    names = [name for name, _ in node_names(network) if not name.startswith(("ei", "lif"))]
    assert names == ["pool1", "pool2", "flatten1", "readout"]
    assert network(torch.rand(5, 3, 1, 9, 9))[0].shape == (5, 3, 10)
    assert network[-1].in_features == 8


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"), [(8, 3, 2, 0), (9, 5, 3, 1), (7, 2, 2, 0)]
)
def test_conv_knows_how_large_its_layers_are(
    size: int, kernel: int, stride: int, padding: int
) -> None:
    network = conv(
        (2, size, size),
        3,
        LIF,
        channels=(4,),
        strides=(stride,),
        kernel_size=kernel,
        padding=padding,
    )
    assert network(torch.rand(2, 3, 2, size, size))[0].shape == (2, 3, 3)


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: mlp((1, 8, 8), 10, LIF), r"takes flat input.*\n.*data\.flat to true"),
        (lambda: conv((64,), 10, LIF), r"\[channels, height, width\].*\n.*data\.flat to false"),
        (lambda: conv((1, 8, 8), 10, LIF, strides=(1,)), "2 channels and 1 strides"),
        (lambda: conv((1, 8, 8), 10, LIF, pools=(2,)), "2 channels and 1 pools"),
        (lambda: conv((1, 8, 8), 10, LIF, pools=(2, 5)), "too small.*pools .2, 5."),
        (lambda: conv((1, 8, 8), 10, LIF, pools=(2, 0)), "pools are .2, 0."),
        (lambda: conv((1, 4, 4), 10, LIF, padding=0, strides=(2, 2)), "too small for 2 layers"),
    ],
)
def test_data_and_options_that_do_not_go_together(build: object, says: str) -> None:
    with pytest.raises(InputError, match=says):
        build()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (
            lambda **options: mlp((6,), 3, LIF, hidden=(8, 5), **options),
            ["linear1", "lif1", "linear2", "lif2", "readout"],
        ),
        (
            lambda **options: conv((2, 7, 6), 3, LIF, channels=(8, 5), **options),
            ["conv1", "lif1", "conv2", "lif2", "flatten1", "readout"],
        ),
    ],
)
def test_the_twin_is_the_same_without_inhibition(
    build: Callable[..., SequentialState], names: list[str]
) -> None:
    twin, network = build(inhibition=False), build()
    assert [name for name, _ in node_names(twin)] == names
    x = torch.rand(4, 3, *((6,) if names[0] == "linear1" else (2, 7, 6)))
    assert twin(x)[0].shape == network(x)[0].shape
    circuits = [m for m in network.modules() if isinstance(m, EICircuit)]
    # Weights as those of the E neurons, a scale and a shift for each, and a readout without bias.
    expected = sum(c.weight_ee.numel() for c in circuits) + 2 * (8 + 5)
    assert sum(p.numel() for p in twin.parameters()) == expected


def test_recipes_are_listed_with_what_they_are() -> None:
    rows = {row["name"]: row for row in list_recipes()}
    assert set(rows["digits_mlp"]) == {
        "name",
        "model",
        "data",
        "steps",
        "parameters",
        "synaptic_operations",
        "expected",
        "description",
        "error",
    }
    assert (rows["digits_mlp"]["model"], rows["digits_conv"]["model"]) == ("mlp", "conv")
    sizes = [(64, 256), (256, 128), (128, 10)]
    expected = sum(
        (n + max(1, n // 4)) * d + n * max(1, n // 4) + 2 * n + max(1, n // 4) for d, n in sizes
    )
    assert rows["digits_mlp"]["parameters"] == expected


def test_a_package_that_cannot_be_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("theirs", "no_such_package:zoo", registry.GROUP)
    monkeypatch.setattr(registry, "_entries", lambda: [broken])
    with pytest.raises(MissingComponentError, match=r"'theirs' .*cannot be imported"):
        list_models()


def test_a_third_party_model_brings_its_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_models.py").write_text(
        "from __future__ import annotations\n"
        "def tiny(input_shape, classes, neuron, *, width: int, leaky: bool = False): ...\n"
        "zoo = {'tiny': tiny}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    theirs = EntryPoint("theirs", "their_models:zoo", registry.GROUP)
    monkeypatch.setattr(registry, "_entries", lambda: [theirs])
    options = registry.options_model("tiny").model_validate_json('{"width": 3}')
    assert options.model_dump() == {"width": 3, "leaky": False}
    with pytest.raises(ValueError, match="width"):
        registry.options_model("tiny").model_validate_json("{}")


@pytest.mark.slow
@pytest.mark.parametrize("reset", ["zero", "subtract"])
@pytest.mark.parametrize("name", ["digits_mlp", "digits_conv"])
def test_recipes_reach_what_they_promise(name: str, reset: str, tmp_path: Path) -> None:
    recipe = override(load_recipe(name), [f"neuron.reset={reset}"])
    run = train(recipe, tmp_path / "run", progress=False)
    assert run.metrics["test_accuracy"] >= (97 if name == "digits_mlp" else 96)
    assert run.metrics["frozen_test_accuracy"] >= run.metrics["test_accuracy"] - 0.5
