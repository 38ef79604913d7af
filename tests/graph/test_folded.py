"""The folded form: plain NIR that other tools read, and how it approximates the circuits."""

from __future__ import annotations

import nir
import nirtorch
import norse.torch
import numpy as np
import pytest
import torch

from eideploy import cells, graph
from eideploy.errors import GraphError, InputError
from eideploy.graph.export import calibrate_shunt_means, export

DT = 1e-3
needs_nirtorch_load = pytest.mark.filterwarnings(
    "ignore:nirtorch.load is being deprecated:DeprecationWarning"
)


def _stimulus(*shape):
    return torch.from_numpy(np.random.default_rng(3).integers(0, 17, shape) / 16)


def _folded(network, stimulus, **options):
    return export(
        network,
        input_shape=stimulus.shape[2:],
        dt=DT,
        form="folded",
        shunt_means=calibrate_shunt_means(network, stimulus),
        **options,
    )


def _run(module, stimulus):
    """Step a stateful module through [T, …]."""
    state, outputs = None, []
    for x in stimulus:
        output, state = module(x, state)
        outputs.append(output.detach().numpy())
    return np.array(outputs)


def test_shunt_means_are_means_of_the_stabilized_divisor(dense_network):
    network = dense_network()
    stimulus = _stimulus(20, 3, 24)
    means = calibrate_shunt_means(network, stimulus)
    x = stimulus.reshape(-1, 24).numpy()
    circuit = {name: p.detach().numpy() for name, p in network[0].named_parameters()}
    divisor = (x @ circuit["weight_ie"].T * circuit["gain_i"]) @ circuit["weight_ei"].T
    assert means.keys() == {"ei1", "ei2"}
    np.testing.assert_allclose(means["ei1"], np.maximum(divisor, 0.25).mean(0), rtol=1e-12)
    assert means["ei2"].shape == (12,)


def test_shunt_means_of_a_convolution_are_per_channel(conv_network):
    network = conv_network()
    stimulus = _stimulus(5, 2, 2, 6, 8)
    _, divisor = network[0].components(stimulus.reshape(-1, 2, 6, 8))
    expected = np.maximum(divisor.detach().numpy(), 0.25).mean((0, 2, 3))
    means = calibrate_shunt_means(network, stimulus)
    np.testing.assert_allclose(means["ei1"], expected, rtol=1e-12)


def test_adaptive_rows_of_zeros_do_not_enter_the_mean():
    network = torch.nn.Sequential(cells.EILinear(6, 4), cells.LIF()).double()
    stimulus = torch.zeros(4, 1, 6, dtype=torch.float64)
    stimulus[1] = 0.5
    with pytest.raises(InputError, match="node 'ei1': saw no input"):
        calibrate_shunt_means(network[:1] + network[1:], torch.zeros_like(stimulus))
    means = calibrate_shunt_means(network, stimulus)
    np.testing.assert_allclose(means["ei1"], calibrate_shunt_means(network, stimulus[1:2])["ei1"])


def test_layers_hold_the_signed_kernel_over_the_mean(dense_network, tmp_path):
    network = dense_network()
    stimulus = _stimulus(20, 3, 24)
    means = calibrate_shunt_means(network, stimulus)
    folded = _folded(network, stimulus)
    circuit = {name: p.detach().numpy() for name, p in network[2].named_parameters()}
    signed = circuit["weight_ee"] - circuit["weight_ei"] @ circuit["weight_ie"]
    gain = circuit["gain_e"] / means["ei2"]
    # The LIF behind has tau = R = 3 steps; R went into the layer.
    layer = folded.nodes["ei2"]
    np.testing.assert_allclose(layer.weight, 3 * gain[:, None] * signed, rtol=1e-12)
    np.testing.assert_allclose(layer.bias, 3 * circuit["bias"], rtol=1e-12)
    np.testing.assert_array_equal(folded.nodes["lif2"].r, 1)
    assert isinstance(folded.nodes["readout"], nir.Linear)
    assert folded.metadata["form"] == "folded"


def test_folding_is_exact_where_the_divisor_is_constant(dense_network, interpret):
    """With a floor that always bites, the mean is the divisor and nothing is approximated."""
    network = dense_network()
    for position in (0, 2):
        network[position].floor.fill_(50.0)
        network[position].gain_e.data.mul_(200.0)
    stimulus = _stimulus(20, 3, 24)
    folded = _folded(network, stimulus)
    exact = export(network, input_shape=(24,), dt=DT)
    for sample in range(3):
        x = stimulus[:, sample].numpy()
        expected, found = interpret(exact, x, DT), interpret(folded, x, DT)
        assert 0.05 < expected["lif2"].mean() < 0.95
        np.testing.assert_array_equal(found["lif1"], expected["lif1"])
        np.testing.assert_array_equal(found["lif2"], expected["lif2"])
        np.testing.assert_allclose(found["readout"], expected["readout"], rtol=1e-9, atol=1e-12)


@needs_nirtorch_load
def test_norse_runs_the_dense_folded_graph(dense_network, interpret, tmp_path):
    network = dense_network().float()
    stimulus = _stimulus(20, 3, 24).float()
    graph.write(tmp_path / "net.nir", _folded(network, stimulus))
    plain = nir.read(tmp_path / "net.nir")
    outputs = _run(norse.torch.from_nir(plain, dt=DT), stimulus)
    for sample in range(3):
        expected = interpret(plain, stimulus[:, sample].double().numpy(), DT)
        assert 0.05 < expected["lif1"].mean() < 0.95
        assert 0.05 < expected["lif2"].mean() < 0.95
        # The readout is linear in the spikes of lif2, so a single other spike would show.
        np.testing.assert_allclose(outputs[:, sample], expected["readout"], rtol=1e-4, atol=1e-5)


@needs_nirtorch_load
def test_norse_runs_the_conv_folded_graph_sample_by_sample(conv_network, interpret, tmp_path):
    # Norse 1.1 has no AvgPool2d, and flattens the batch too, since a node counts no batch axis.
    network = conv_network(kernel=3, padding=1, pool=False).float()
    stimulus = _stimulus(20, 3, 2, 6, 8).float()
    graph.write(tmp_path / "net.nir", _folded(network, stimulus))
    plain = nir.read(tmp_path / "net.nir")
    for sample in range(3):
        x = stimulus[:, sample]
        expected = interpret(plain, x.double().numpy(), DT)
        assert 0.05 < expected["lif1"].mean() < 0.95
        assert 0.05 < expected["lif2"].mean() < 0.95
        outputs = _run(norse.torch.from_nir(plain, dt=DT), x)
        np.testing.assert_allclose(outputs, expected["readout"], rtol=1e-4, atol=1e-5)


def test_nirtorch_runs_the_folded_graph(conv_network, interpret, tmp_path, nirtorch_modules):
    # nir 1.0.8 infers the wrong shape where a kernel is not square.
    network = conv_network(kernel=3, padding=1).float()
    stimulus = _stimulus(20, 3, 2, 6, 8).float()
    graph.write(tmp_path / "net.nir", _folded(network, stimulus))
    plain = nir.read(tmp_path / "net.nir")
    module = nirtorch.nir_to_torch(plain, nirtorch_modules)
    for sample in range(3):
        x = stimulus[:, sample]
        expected = interpret(plain, x.double().numpy(), DT)
        assert 0.05 < expected["lif2"].mean() < 0.95
        np.testing.assert_allclose(_run(module, x), expected["readout"], rtol=1e-4, atol=1e-5)


def test_soft_reset_stays_dialect_and_says_so(dense_network, tmp_path):
    network = dense_network(reset="subtract")
    stimulus = _stimulus(5, 2, 24)
    with pytest.warns(graph.GraphWarning, match="'lif1', 'lif2': soft reset is not part of"):
        folded = _folded(network, stimulus)
    assert isinstance(folded.nodes["lif1"], graph.SoftResetLIF)
    assert isinstance(folded.nodes["ei1"], nir.Affine)
    np.testing.assert_array_equal(folded.nodes["lif2"].r, 1)


def test_other_tools_refuse_the_dialect(dense_network, tmp_path):
    graph.write(tmp_path / "net.nir", export(dense_network(), input_shape=(24,), dt=DT))
    with pytest.raises(AssertionError):
        nir.read(tmp_path / "net.nir")


@pytest.mark.parametrize(
    ("means", "message"),
    [
        (None, "node 'ei1': shunt_means has no mean divisor"),
        (
            {"ei1": np.ones(20), "ei2": np.ones(11)},
            r"node 'ei2': its mean divisor has shape \(11,\), expected \(12,\)",
        ),
        ({"ei1": np.ones(20), "ei2": np.zeros(12)}, "node 'ei2': .* not positive"),
        ({"ei1": np.ones(20), "ei2": np.full(12, np.nan)}, "node 'ei2': .* not positive"),
    ],
)
def test_bad_shunt_means_are_named(means, message, dense_network):
    with pytest.raises(GraphError, match=message):
        export(dense_network(), input_shape=(24,), dt=DT, form="folded", shunt_means=means)
