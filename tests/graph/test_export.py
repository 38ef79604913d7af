"""An exported graph, read back and executed by other code, is the network it came from."""

from __future__ import annotations

import itertools

import nir
import norse.torch
import numpy as np
import pytest
import torch

import eideploy
from eideploy import cells, graph
from eideploy.errors import GraphError, InputError, UnsupportedError
from eideploy.graph.export import export, node_names

DT = 1e-3
CASES = list(itertools.product(("dense", "conv"), ("zero", "subtract")))


def _levels(shape, seed=0):
    """Inputs k/16 with whole k, as an encoder makes them."""
    return np.random.default_rng(seed).integers(0, 17, shape) / 16


def _torch_outputs(network, stimulus):
    """Output of every named module, [T, B, …]."""
    outputs = {}
    handles = [
        module.register_forward_hook(
            lambda _, __, output, name=name: outputs.__setitem__(
                name, (output[0] if isinstance(output, tuple) else output).detach().numpy()
            )
        )
        for name, module in node_names(network)
    ]
    network(torch.from_numpy(stimulus))
    for handle in handles:
        handle.remove()
    return outputs


@pytest.mark.parametrize(("kind", "reset"), CASES)
def test_graph_does_what_the_network_does(
    kind, reset, dense_network, conv_network, interpret, tmp_path
):
    shape = (24,) if kind == "dense" else (2, 6, 8)
    network = (dense_network if kind == "dense" else conv_network)(reset=reset)
    exported = export(network, input_shape=shape, dt=DT, high=1.0, levels=16)
    graph.write(tmp_path / "net.nir", exported)
    read = graph.read(tmp_path / "net.nir")

    stimulus = _levels((30, 4, *shape))
    expected = _torch_outputs(network, stimulus)
    for name in ("lif1", "lif2"):
        assert 0.1 < expected[name].mean() < 0.9
    for sample in range(stimulus.shape[1]):
        found = interpret(read, stimulus[:, sample], DT)
        for name, values in expected.items():
            # Pooling runs inside Lift, one step at a time.
            if name.startswith("lif"):
                np.testing.assert_array_equal(found[name], values[:, sample], err_msg=name)
            elif not name.startswith("pool"):
                np.testing.assert_allclose(found[name], values[:, sample], 1e-9, 1e-12, name)


def test_nodes_types_and_metadata(conv_network):
    exported = export(
        conv_network("subtract"),
        input_shape=(2, 6, 8),
        dt=2e-3,
        high=1.0,
        levels=16,
        metadata={"model": "digits_conv", "steps": 8},
    )
    assert {name: type(node) for name, node in exported.nodes.items()} == {
        "input": nir.Input,
        "ei1": graph.EIConv2d,
        "lif1": graph.SoftResetLIF,
        "pool1": nir.AvgPool2d,
        "flatten1": nir.Flatten,
        "ei2": graph.EILinear,
        "lif2": graph.SoftResetLIF,
        "readout": graph.EILinear,
        "output": nir.Output,
    }
    assert exported.edges == list(itertools.pairwise(exported.nodes))
    assert exported.metadata == {
        "model": "digits_conv",
        "steps": 8,
        "dt": 2e-3,
        "form": "ei",
        "decode": "mean",
        "eideploy_version": eideploy.__version__,
    }
    assert exported.nodes["input"].metadata == {"high": 1.0, "levels": 16}
    assert not exported.nodes["readout"].divisive
    assert exported.nodes["lif1"].tau.shape == (8, 6, 4)
    np.testing.assert_allclose(exported.nodes["lif2"].tau, 3e-3)
    assert graph.check(exported) == ()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_weights_keep_their_dtype_and_bits(dtype, dense_network):
    network = dense_network().to(dtype)
    exported = export(network, input_shape=(24,), dt=DT)
    for name, module in node_names(network):
        if isinstance(module, cells.EICircuit):
            node = exported.nodes[name]
            for field in ("weight_ee", "weight_ie", "weight_ei", "gain_i", "gain_e", "bias"):
                written, trained = getattr(node, field), getattr(module, field).detach().numpy()
                assert written.dtype == trained.dtype
                assert written.tobytes() == trained.tobytes()
            assert node.floor == module.floor.item()
            assert np.asarray(node.floor).dtype == module.floor.numpy().dtype
    assert exported.nodes["lif1"].tau.dtype == np.float64


@pytest.mark.parametrize("tau", [1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 20.0, 33.3])
@pytest.mark.parametrize("dt", [1e-3, 1e-4, 5e-3])
def test_time_constants_discretize_back_to_steps(tau, dt):
    network = norse.torch.SequentialState(cells.LIF(tau=tau))
    lif = export(network, input_shape=(1,), dt=dt).nodes["lif1"]
    decay = dt / lif.tau
    np.testing.assert_allclose(decay, 1 / tau, rtol=2e-16)
    np.testing.assert_allclose(decay * lif.r, 1.0, rtol=3e-16)


def test_exported_arrays_are_copies(dense_network):
    network = dense_network()
    exported = export(network, input_shape=(24,), dt=DT)
    before = exported.nodes["ei1"].weight_ee.copy()
    with torch.no_grad():
        network[0].weight_ee.zero_()
    np.testing.assert_array_equal(exported.nodes["ei1"].weight_ee, before)


def test_cells_and_dropout_are_understood():
    network = norse.torch.SequentialState(
        cells.EILinear(4, 8), torch.nn.Dropout(), cells.LIFCell(), torch.nn.Identity()
    )
    assert [name for name, _ in node_names(network)] == ["ei1", "lif1"]


def test_nested_sequences_are_named_through():
    block = torch.nn.Sequential(cells.EILinear(4, 8), cells.LIF())
    network = norse.torch.SequentialState(block, cells.EILinear(8, 2, divisive=False))
    assert [name for name, _ in node_names(network)] == ["ei1", "lif1", "readout"]


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ([torch.nn.Bilinear(4, 4, 8), cells.LIF()], "module 0 .* is a Bilinear"),
        ([cells.EILinear(4, 8), torch.nn.BatchNorm1d(8), cells.LIF()], "module 1 .* BatchNorm1d"),
        ([cells.EILinear(4, 8), cells.EILinear(8, 8), cells.LIF()], "module 1 .* second 'ei1'"),
        ([cells.EILinear(4, 8), cells.LIF(), cells.EILinear(8, 2)], "divides and drives no LIF"),
    ],
)
def test_unknown_modules_and_orders_are_named(modules, message):
    with pytest.raises(UnsupportedError, match=message):
        export(norse.torch.SequentialState(*modules), input_shape=(4,), dt=DT)


@pytest.mark.parametrize(
    "pool",
    [
        torch.nn.AvgPool2d(2, ceil_mode=True),
        torch.nn.AvgPool2d(2, divisor_override=3),
        torch.nn.AvgPool2d(2, padding=1, count_include_pad=False),
    ],
)
def test_pooling_that_nir_cannot_say_is_refused(pool):
    with pytest.raises(UnsupportedError, match=r"node 'pool1'.*AvgPool2d"):
        export(torch.nn.Sequential(pool), input_shape=(1, 4, 4), dt=DT)


def test_partial_flatten_is_refused():
    with pytest.raises(UnsupportedError, match=r"node 'flatten1': Flatten\(3, -1\)"):
        export(torch.nn.Sequential(torch.nn.Flatten(3)), input_shape=(2, 4, 4), dt=DT)


def test_uncalibrated_floor_is_named(dense_network):
    network = dense_network()
    network[2].floor.zero_()
    with pytest.raises(GraphError, match="node 'ei2': EILinear: floor is 0, expected > 0"):
        export(network, input_shape=(24,), dt=DT)


def test_dale_violation_is_named(dense_network):
    network = dense_network()
    with torch.no_grad():
        network[0].weight_ie[0, :3] = torch.tensor([-0.5, -0.25, -0.125])
    with pytest.raises(GraphError, match=r"node 'ei1'.*weight_ie has 3 negative of 120 .*-0\.5"):
        export(network, input_shape=(24,), dt=DT)


def test_wrong_input_shape_is_named(dense_network, conv_network):
    with pytest.raises(GraphError, match=r"edge 'input' → 'ei1'.*23.*24"):
        export(dense_network(), input_shape=(23,), dt=DT)
    with pytest.raises(GraphError, match=r"node 'ei1': takes \[channels, height, width\]"):
        export(conv_network(), input_shape=(96,), dt=DT)


@pytest.mark.parametrize("dt", [0.0, -1e-3, float("nan"), float("inf")])
def test_bad_dt_and_form(dt, dense_network):
    with pytest.raises(InputError, match="dt is"):
        export(dense_network(), input_shape=(24,), dt=dt)
    with pytest.raises(InputError, match="unknown form 'flat'"):
        export(dense_network(), input_shape=(24,), dt=DT, form="flat")
