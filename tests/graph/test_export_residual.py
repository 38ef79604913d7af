"""Residual blocks become branches of the graph, and a BatchNorm part of the layer before it."""

from __future__ import annotations

import itertools

import nir
import nirtorch
import norse.torch
import numpy as np
import pytest
import torch

from eideploy import cells, graph
from eideploy.errors import UnsupportedError
from eideploy.graph.describe import describe
from eideploy.graph.export import calibrate_shunt_means, export, node_names

DT = 1e-3
SHAPE = (2, 6, 4)

BRANCHES = {
    "ei2": ["lif1"],
    "ei3": ["lif2"],
    "ei4": ["lif3", "lif1"],  # the identity of the first block
    "ei5": ["lif4"],
    "ei6": ["lif3", "lif1"],  # the shortcut of the second
    "ei7": ["lif5", "lif6"],
    "ei8": ["lif7"],
    "pool1": ["lif8", "lif5", "lif6"],
}
"""Where the inputs of a layer come from, if not from the one before."""


def _stimulus(samples: int = 3, steps: int = 12) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 17, (steps, samples, *SHAPE)) / 16


def _spikes(network: torch.nn.Module, stimulus: np.ndarray) -> dict[str, np.ndarray]:
    """Output of every LIF and of the readout, [T, B, …]."""
    outputs: dict[str, np.ndarray] = {}
    handles = [
        module.register_forward_hook(
            lambda _, __, output, name=name: outputs.__setitem__(
                name, (output[0] if isinstance(output, tuple) else output).detach().numpy()
            )
        )
        for name, module in node_names(network)
        if name.startswith("lif") or name == "readout"
    ]
    network(torch.from_numpy(stimulus))
    for handle in handles:
        handle.remove()
    return outputs


def _compare(found: dict[str, np.ndarray], expected: dict[str, np.ndarray], sample: int) -> None:
    for name, values in expected.items():
        if name == "readout":
            np.testing.assert_allclose(found[name], values[:, sample], rtol=1e-9, atol=1e-12)
        else:
            np.testing.assert_array_equal(found[name], values[:, sample], err_msg=name)


@pytest.mark.parametrize("inhibition", [True, False])
@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_a_residual_graph_does_what_the_network_does(
    reset, inhibition, residual_network, interpret, tmp_path
):
    network = residual_network(reset, inhibition)
    graph.write(tmp_path / "net.nir", export(network, input_shape=SHAPE, dt=DT))
    read = graph.read(tmp_path / "net.nir")
    assert graph.check(read) == ()
    stimulus = _stimulus()
    expected = _spikes(network, stimulus)
    assert len(expected) == 9
    for name, values in expected.items():
        if name != "readout":
            assert 0.05 < values.mean() < 0.95, name
    for sample in range(stimulus.shape[1]):
        _compare(interpret(read, stimulus[:, sample], DT), expected, sample)


@pytest.mark.parametrize("inhibition", [True, False])
def test_edges_are_the_branches(inhibition, residual_network):
    exported = export(residual_network(inhibition=inhibition), input_shape=SHAPE, dt=DT)
    kind = "ei" if inhibition else "conv"
    branches = {name.replace("ei", kind): sources for name, sources in BRANCHES.items()}
    names = list(exported.nodes)
    expected = {name: branches.get(name, [before]) for before, name in itertools.pairwise(names)}
    found = {
        name: [source for source, target in exported.edges if target == name] for name in names[1:]
    }
    assert found == expected
    described = describe(exported)
    assert described.edges == tuple(exported.edges)
    shapes = {node.name: node.output_shape for node in described.nodes}
    assert (shapes["lif3"], shapes["lif6"], shapes["readout"]) == ((8, 6, 4), (12, 3, 2), (3,))


def test_blocks_may_stand_in_blocks(residual_network, interpret):
    sequence = norse.torch.SequentialState
    inner = cells.ResidualBlock(sequence(cells.EILinear(6, 6), cells.LIF()), sequence())
    outer = cells.ResidualBlock(sequence(inner, cells.EILinear(6, 6), cells.LIF()), sequence())
    network = sequence(cells.EILinear(4, 6), cells.LIF(), outer)
    for module in network.modules():
        if isinstance(module, cells.EICircuit):
            module.floor.fill_(0.1)
            module.stabilizer = "floor"
            module.bias.data = torch.linspace(0.3, 0.8, 6)
    exported = export(network.double(), input_shape=(4,), dt=DT)
    assert [edge for edge in exported.edges if edge[1] in ("ei3", "output")] == [
        ("lif2", "ei3"),
        ("lif1", "ei3"),
        ("lif3", "output"),
        ("lif1", "output"),
    ]
    x = np.random.default_rng(0).random((20, 1, 4))
    output, _ = network(torch.from_numpy(x))
    counts = interpret(exported, x[:, 0], DT)["output"]
    assert counts.max() == 2
    np.testing.assert_array_equal(counts, output[:, 0].detach().numpy())


def test_a_block_that_adds_its_input_to_itself_is_refused():
    sequence = norse.torch.SequentialState
    network = sequence(
        cells.EILinear(4, 6),
        cells.LIF(),
        cells.ResidualBlock(sequence(torch.nn.Dropout()), sequence()),
    )
    with pytest.raises(UnsupportedError, match="ResidualBlock with an empty body"):
        node_names(network)


def test_folding_is_exact_where_the_divisors_are_constant(residual_network, interpret):
    network = residual_network()
    for module in network.modules():
        if isinstance(module, cells.EICircuit) and module.divisive:
            module.floor.fill_(50.0)
            module.gain_e.data.mul_(150.0)
    stimulus = _stimulus(samples=2)
    means = calibrate_shunt_means(network, torch.from_numpy(stimulus))
    folded = export(network, input_shape=SHAPE, dt=DT, form="folded", shunt_means=means)
    assert {type(node).__module__.split(".")[0] for node in folded.nodes.values()} == {"nir"}
    assert all((node.r == 1).all() for node in folded.nodes.values() if isinstance(node, nir.LIF))
    expected = _spikes(network, stimulus)
    assert 0.05 < expected["lif8"].mean() < 0.95
    for sample in range(2):
        _compare(interpret(folded, stimulus[:, sample], DT), expected, sample)


def test_another_tool_adds_up_the_branches_too(residual_network, tmp_path, nirtorch_modules):
    network = residual_network(inhibition=False)
    graph.write(tmp_path / "net.nir", export(network, input_shape=SHAPE, dt=DT, form="folded"))
    module = nirtorch.nir_to_torch(nir.read(tmp_path / "net.nir"), nirtorch_modules).double()
    stimulus = _stimulus(samples=2)
    expected = _spikes(network, stimulus)
    for sample in range(2):
        state, outputs = None, []
        for x in torch.from_numpy(stimulus[:, sample]):
            output, state = module(x, state)
            outputs.append(output.detach().numpy())
        np.testing.assert_allclose(outputs, expected["readout"][:, sample], rtol=1e-9, atol=1e-12)


def test_a_batchnorm_of_a_float32_network_is_folded_without_rounding(residual_network, interpret):
    """Spikes of the graph are those of the same float32 parameters, computed with in float64."""
    network = residual_network(inhibition=False).float()
    exported = export(network, input_shape=SHAPE, dt=DT)
    assert exported.nodes["conv1"].weight.dtype == np.float64
    assert exported.nodes["readout"].weight.dtype == np.float32
    stimulus = _stimulus()
    expected = _spikes(network.double(), stimulus)
    for sample in range(stimulus.shape[1]):
        _compare(interpret(exported, stimulus[:, sample], DT), expected, sample)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
def test_a_batchnorm_behind_a_dense_layer(affine, bias):
    torch.manual_seed(0)
    linear = torch.nn.Linear(5, 4, bias=bias)
    norm = torch.nn.BatchNorm1d(4, affine=affine)
    pair = torch.nn.Sequential(linear, norm)
    pair(3 * torch.randn(50, 5))  # running statistics
    pair = pair.double().eval()
    network = norse.torch.SequentialState(norse.torch.Lift(pair), cells.LIF())
    assert node_names(network)[0] == ("linear1", pair)
    node = export(network, input_shape=(5,), dt=DT).nodes["linear1"]
    x = torch.randn(7, 5, dtype=torch.float64)
    np.testing.assert_allclose(
        x.numpy() @ node.weight.T + node.bias, pair(x).detach().numpy(), rtol=1e-12, atol=1e-12
    )


def test_plain_layers_keep_their_dtype_and_bits():
    conv = torch.nn.Conv2d(2, 4, (3, 1), (2, 1), (1, 0), dilation=(1, 2), groups=2)
    linear = torch.nn.Linear(4 * 3 * 4, 5, bias=False)
    network = norse.torch.SequentialState(
        norse.torch.Lift(conv), cells.LIF(), torch.nn.Flatten(2), linear
    )
    exported = export(network, input_shape=SHAPE, dt=DT)
    node = exported.nodes["conv1"]
    for written, trained in ((node.weight, conv.weight), (node.bias, conv.bias)):
        assert written.tobytes() == trained.detach().numpy().tobytes()
        assert written.dtype == np.float32
    assert (node.groups, tuple(node.stride), tuple(node.dilation)) == (2, (2, 1), (1, 2))
    assert exported.nodes["lif1"].tau.shape == (4, 3, 4)
    assert type(exported.nodes["readout"]) is nir.Linear


def test_resistance_stays_where_no_single_layer_can_take_it(interpret):
    """A LIF behind a sum, and two LIF behind one layer, keep their R in the folded form."""
    sequence = norse.torch.SequentialState
    split = cells.ResidualBlock(sequence(cells.LIF(2.0)), sequence(cells.LIF(3.0)))
    network = sequence(torch.nn.Linear(4, 6), split, cells.LIF(4.0)).double()
    folded = export(network, input_shape=(4,), dt=DT, form="folded")
    assert [folded.nodes[f"lif{i}"].r[0] for i in (1, 2, 3)] == [2, 3, 4]
    x = 4 * np.random.default_rng(0).random((20, 1, 4))
    output, _ = network(torch.from_numpy(x))
    assert 0 < output.mean() < 1
    np.testing.assert_array_equal(
        interpret(folded, x[:, 0], DT)["output"], output[:, 0].detach().numpy()
    )


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            torch.nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect"),
            "node 'conv1'.*padding_mode='reflect'",
        ),
        (
            torch.nn.Sequential(
                torch.nn.Conv2d(2, 4, 3), torch.nn.BatchNorm2d(4, track_running_stats=False)
            ),
            "node 'conv1'.*keeps no running statistics",
        ),
        (torch.nn.BatchNorm2d(2), r"module 0 .* is a BatchNorm2d.*\n.*Sequential\(.*BatchNorm\)"),
    ],
)
def test_layers_that_nir_cannot_say_are_refused(layer, message):
    network = norse.torch.SequentialState(norse.torch.Lift(layer), cells.LIF())
    with pytest.raises(UnsupportedError, match=message):
        export(network, input_shape=SHAPE, dt=DT)
