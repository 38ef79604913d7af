"""The deep models: their size, what a block computes, and how they start."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from eideploy_models import resnet, vgg
from eideploy_models.layers import Layers, Merged
from norse.torch import Lift, SequentialState

from eideploy.cells import (
    LIF,
    EICircuit,
    EIConv2d,
    EILinear,
    ResidualBlock,
    ei_init_network_,
    non_negative_parameters,
    project_,
)
from eideploy.errors import InputError, RecipeError
from eideploy.graph import check, read, write
from eideploy.graph.export import export, node_names
from eideploy.train import build_network, freeze_network, override, parse_recipe

Build = Callable[..., SequentialState]

MODELS: dict[str, Build] = {
    **{f"vgg{depth}": partial(vgg, depth=depth) for depth in (8, 11, 16, 19)},
    "resnet18": resnet,
}
RECIPE = "{name: deep, steps: 2, model: {name: resnet}, data: {name: digits}}"


def build(name: str, channels: int = 3, size: int = 32, **options: object) -> SequentialState:
    torch.manual_seed(0)
    return MODELS[name]((channels, size, size), 10, LIF, **options)


def images(steps: int = 2, batch: int = 2, channels: int = 3, size: int = 32) -> torch.Tensor:
    """Random images in [0, 1], shown as constant currents."""
    generator = torch.Generator().manual_seed(1)
    return torch.rand(batch, channels, size, size, generator=generator).expand(
        steps, -1, -1, -1, -1
    )


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@torch.no_grad()
def firing_rates(network: SequentialState, x: torch.Tensor) -> list[float]:
    rates: list[float] = []
    neurons = [module for module in network.modules() if isinstance(module, LIF)]
    handles = [
        neuron.register_forward_hook(lambda _, __, output: rates.append(output[0].mean().item()))
        for neuron in neurons
    ]
    network(x)
    for handle in handles:
        handle.remove()
    assert len(rates) == len(neurons)
    return rates


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vgg8", 5_048_714),
        ("vgg11", 11_834_570),
        ("vgg16", 18_856_378),
        ("vgg19", 25_642_234),
        ("resnet18", 14_401_226),
    ],
)
def test_parameters_to_the_last_one(name: str, expected: int) -> None:
    assert parameters(build(name)) == expected


def test_ratio_sets_the_inhibitory_channels() -> None:
    for name in ("vgg8", "resnet18"):
        circuits = [m for m in build(name, ratio=8).modules() if isinstance(m, EICircuit)]
        assert [c.weight_ei.shape[1] for c in circuits] == [
            max(1, c.weight_ei.shape[0] // 8) for c in circuits
        ]


@pytest.mark.parametrize("inhibition", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_logits_for_every_step(name: str, inhibition: bool) -> None:
    with torch.no_grad():
        output, _ = build(name, inhibition=inhibition)(images(steps=3))
    assert output.shape == (3, 2, 10)


@pytest.mark.parametrize(("name", "size"), [("vgg8", 48), ("vgg8", 64), ("resnet18", 13)])
def test_other_sizes(name: str, size: int) -> None:
    with torch.no_grad():
        output, _ = build(name, channels=2, size=size)(images(channels=2, size=size))
    assert output.shape == (2, 2, 10)


def test_vgg_pools_spikes_and_ends_in_one_linear_circuit() -> None:
    names = [name for name, _ in node_names(build("vgg11"))]
    stages = [1, 1, 2, 2, 2]
    expected: list[str] = []
    for stage, depth in enumerate(stages, start=1):
        first = sum(stages[: stage - 1]) + 1
        for layer in range(first, first + depth):
            expected += [f"ei{layer}", f"lif{layer}"]
        expected.append(f"pool{stage}")
    assert names == [*expected, "flatten1", "readout"]


def test_resnet_changes_shape_in_three_blocks() -> None:
    network = build("resnet18")
    blocks = [layer for layer in network if isinstance(layer, ResidualBlock)]
    assert [len(block.shortcut) for block in blocks] == [0, 0, 2, 0, 2, 0, 2, 0]
    assert [
        (block.shortcut[0].kernel_size, block.shortcut[0].stride) for block in blocks[2::2]
    ] == [((1, 1), (2, 2))] * 3
    x = torch.rand(1, 2, 3, 32, 32)
    shapes = []
    for layer in network:
        output = layer(x)
        x = output[0] if isinstance(output, tuple) else output
        if isinstance(layer, ResidualBlock):
            shapes.append(tuple(x.shape[2:]))
    assert shapes[1::2] == [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4)]


def test_a_resnet_of_other_stages() -> None:
    network = resnet((2, 7, 6), 3, LIF, stages=((8, 1), (12, 2)))
    blocks = [layer for layer in network if isinstance(layer, ResidualBlock)]
    assert [len(block.shortcut) for block in blocks] == [0, 2, 0]
    assert network(torch.rand(4, 2, 2, 7, 6))[0].shape == (4, 2, 3)


def test_the_identity_is_added_to_spikes() -> None:
    network = build("resnet18", size=8)
    x = images(steps=3, size=8)
    ei_init_network_(network, x)
    with torch.no_grad():
        spikes, _ = network[1](network[0](x))
        first, fire, second, fire_again = network[2].body
        own, _ = fire_again(second(fire(first(spikes))[0]))
        output, _ = network[2](spikes)
    assert own.unique().tolist() == [0, 1]
    torch.testing.assert_close(output, own + spikes, rtol=0, atol=0)
    assert output.unique().tolist() == [0, 1, 2]


def test_where_the_shape_changes_the_shortcut_spikes_too() -> None:
    network = build("resnet18", size=8)
    x = images(steps=3, size=8)
    ei_init_network_(network, x)
    with torch.no_grad():
        before, _ = SequentialState(*list(network)[:4])(x)
        first, fire, second, fire_again = network[4].body
        project, fire_short = network[4].shortcut
        own, _ = fire_again(second(fire(first(before))[0]))
        passed, _ = fire_short(project(before))
        output, _ = network[4](before)
    assert passed.unique().tolist() == [0, 1]
    torch.testing.assert_close(output, own + passed, rtol=0, atol=0)


@pytest.mark.parametrize("name", ["vgg8", "resnet18"])
def test_a_sequence_can_be_cut_in_two(name: str) -> None:
    network, x = build(name), images(steps=4)
    ei_init_network_(network, x)
    with torch.no_grad():
        whole, _ = network(x)
        early, state = network(x[:2])
        late, _ = network(x[2:], state)
        from_rest, _ = network(x[2:])
    torch.testing.assert_close(torch.cat([early, late]), whole)
    assert not torch.allclose(late, from_rest)


@pytest.mark.parametrize("name", ["vgg8", "vgg16", "resnet18"])
def test_every_layer_fires_after_ei_init(name: str) -> None:
    network = build(name)
    seen = ei_init_network_(network, images(batch=8))
    assert list(seen) == [n for n, m in network.named_modules() if isinstance(m, EICircuit)]
    fresh = torch.rand(8, 3, 32, 32).expand(2, -1, -1, -1, -1)
    rates = firing_rates(network, fresh)
    assert min(rates) > 0.01
    assert max(rates) < 0.6


def test_gradients_and_dales_law_reach_into_blocks() -> None:
    network, x = build("resnet18", size=8), images(batch=4, size=8)
    ei_init_network_(network, x)
    optimizer = torch.optim.SGD(network.parameters(), lr=100.0)
    network(x)[0].mean(0).logsumexp(1).sum().backward()
    unused = {"gain_i", "gain_e", "bias"}  # of the readout, which is B alone
    for name, parameter in network.named_parameters():
        path, _, own = name.rpartition(".")
        if isinstance(network.get_submodule(path), EILinear) and own in unused:
            assert parameter.grad is None
        else:
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all()
            assert parameter.grad.abs().max() > 0, name
    optimizer.step()
    block = network[2].body[0].weight_ee
    assert block.min() < 0
    project_(network)
    assert all(bound.min() >= 0 for _, bound in non_negative_parameters(network))
    assert block.max() > 0


def test_vgg_is_exported_and_read_back(tmp_path: Path) -> None:
    network, x = build("vgg8"), images()
    ei_init_network_(network, x)
    freeze_network(network, x.transpose(0, 1).numpy())
    write(tmp_path / "vgg8.nir", export(network, input_shape=(3, 32, 32), dt=1e-3))
    graph = read(tmp_path / "vgg8.nir")
    assert check(graph) == ()
    named = node_names(network)
    assert list(graph.nodes) == ["input", *(name for name, _ in named), "output"]
    for name, module in named:
        if isinstance(module, EICircuit):
            written = torch.from_numpy(graph.nodes[name].weight_ee)
            assert torch.equal(written, module.weight_ee.detach())
    shapes = [graph.nodes[f"lif{i}"].tau.shape for i in range(1, 6)]
    assert shapes == [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (512, 2, 2)]
    assert [graph.nodes[f"pool{i}"].kernel_size.tolist() for i in range(1, 6)] == [[2, 2]] * 5


def test_circuits_of_blocks_are_named_body_first() -> None:
    network = build("resnet18")
    names = {module: name for name, module in node_names(network)}
    assert [names[m] for m in network[4].body] == ["ei6", "lif6", "ei7", "lif7"]
    assert [names[m] for m in network[4].shortcut] == ["ei8", "lif8"]
    neurons = [m for m in network.modules() if isinstance(m, LIF)]
    assert [names[m] for m in neurons] == [f"lif{i}" for i in range(1, 21)]
    assert list(names.values())[-3:] == ["pool1", "flatten1", "readout"]
    twin = [name for name, _ in node_names(build("resnet18", inhibition=False))]
    assert twin == [
        name.replace("ei", "conv", 1) if name.startswith("ei") else name for name in names.values()
    ]


@pytest.mark.parametrize("name", ["vgg8", "resnet18"])
def test_the_twin_has_the_same_layers_and_no_inhibition(name: str) -> None:
    network, twin = build(name), build(name, inhibition=False)
    assert not any(isinstance(module, EICircuit) for module in twin.modules())
    weighted = (torch.nn.Conv2d, torch.nn.Linear)
    circuits = [m for m in network.modules() if isinstance(m, EICircuit)]
    plain = [m for m in twin.modules() if isinstance(m, weighted)]
    assert [c.weight_ee.shape for c in circuits] == [p.weight.shape for p in plain]
    convs = [m for m in network.modules() if isinstance(m, EIConv2d)]
    assert [(c.kernel_size, c.stride, c.padding) for c in convs] == [
        (p.kernel_size, p.stride, p.padding) for p in plain[:-1]
    ]
    assert all(p.bias is None for p in plain)  # BatchNorm shifts, and the readout is B alone
    norms = [m for m in twin.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert [n.num_features for n in norms] == [p.out_channels for p in plain[:-1]]
    # Weights, one scale and one shift for each channel: nothing else.
    expected = sum(c.weight_ee.numel() for c in circuits) + sum(2 * c.out_channels for c in convs)
    assert parameters(twin) == expected
    rates = firing_rates(twin, images(batch=8))
    assert min(rates) > 0.01
    assert max(rates) < 0.6


def test_the_twin_normalizes_over_steps_and_samples_together() -> None:
    x = torch.rand(4, 3, 2, 6, 6) * torch.arange(1, 5).view(4, 1, 1, 1, 1)
    current = Layers(inhibition=False, ratio=4).conv(2, 8)(x)
    torch.testing.assert_close(current.mean((0, 1, 3, 4)), torch.zeros(8), rtol=0, atol=1e-5)
    torch.testing.assert_close(
        current.var((0, 1, 3, 4), correction=0), torch.ones(8), rtol=1e-3, atol=0
    )
    assert current[0].var() < current[3].var() / 4  # steps are not normalized one by one


def test_merged_is_lift_in_one_call() -> None:
    calls: list[int] = []
    pool = torch.nn.AvgPool2d(2)
    x = torch.rand(3, 2, 4, 7, 6)
    expected = Lift(pool)(x)
    pool.register_forward_hook(lambda *_: calls.append(1))
    assert torch.equal(Merged(pool)(x), expected)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: vgg((3, 32, 32), 10, LIF, depth=12), "no depth 12.*\n.*8, 11, 16, 19"),  # type: ignore[arg-type]
        (lambda: resnet((3, 32, 32), 10, LIF, depth=34), "no depth 34.*\n.*18"),  # type: ignore[arg-type]
        (lambda: vgg((1, 28, 28), 10, LIF), r"at least 32×32, the data have \[1, 28, 28\]"),
        (lambda: vgg((3072,), 10, LIF), r"takes \[channels, height, width\]"),
        (lambda: resnet((3, 32, 32), 10, LIF, stages=()), r"stages are \[\].*\n.*blocks"),
        (lambda: resnet((3, 32, 32), 10, LIF, stages=((8, 0),)), r"stages are \[\[8, 0\]\]"),
        (lambda: resnet((3072,), 10, LIF), r"takes \[channels, height, width\].*\n.*data\.flat"),
        (lambda: vgg((3, 32, 32), 10, LIF, ratio=0), "ratio must be at least 1|ratio 0"),
    ],
)
def test_what_cannot_be_built(make: Callable[[], SequentialState], says: str) -> None:
    with pytest.raises(InputError, match=says):
        make()


def test_a_recipe_builds_one_with_its_options() -> None:
    recipe = override(
        parse_recipe(RECIPE, "deep"),
        ["model.ratio=8", "neuron.tau=3.0", "training.gradient_scaling=false"],
    )
    assert recipe.model.options == {
        "depth": 18,
        "stages": None,
        "inhibition": True,
        "ratio": 8,
    }
    layers = list(build_network(recipe).modules())
    circuits = [layer for layer in layers if isinstance(layer, EICircuit)]
    assert {(circuit.ratio, circuit.gradient_scaling) for circuit in circuits} == {(8, False)}
    assert {layer.tau for layer in layers if isinstance(layer, LIF)} == {3.0}
    twin = build_network(override(recipe, ["model.inhibition=false"]))
    assert not any(isinstance(layer, EICircuit) for layer in twin.modules())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("model.inhibitions=false", "unknown key 'model.inhibitions'\n.*'inhibition'"),
        ("model.deph=18", "unknown key 'model.deph'\n.*'depth'"),
        ("model.depth=34", "model.depth: .*18.*got 34"),
        ("model.inhibition=2", "model.inhibition: .*boolean.*got 2"),
        ("model.name=resnett", "no model is named 'resnett'\n.*'resnet'"),
    ],
)
def test_a_recipe_with_a_wrong_option(change: str, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        override(parse_recipe(RECIPE, "deep"), [change])
