"""Files of other tools: the good are read, the broken repaired aloud or refused clearly."""

from __future__ import annotations

import warnings
from itertools import pairwise

import h5py
import nir
import numpy as np
import pytest

from eideploy import graph
from eideploy.errors import GraphError


def _read_aloud(path):
    """The graph and what its repairs say."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read = graph.read(path)
    assert all(issubclass(warning.category, graph.GraphWarning) for warning in caught)
    assert all(str(warning.message).startswith(f"{path}: node ") for warning in caught)
    return read, [str(warning.message).removeprefix(f"{path}: ") for warning in caught]


def _same_parameters(read: nir.NIRGraph, other: nir.NIRGraph) -> None:
    assert read.nodes.keys() == other.nodes.keys()
    assert set(read.edges) == set(other.edges)
    for name, node in read.nodes.items():
        assert type(node) is type(other.nodes[name])
        for field, value in vars(node).items():
            if isinstance(value, np.ndarray):
                found = getattr(other.nodes[name], field)
                assert value.dtype == found.dtype
                np.testing.assert_array_equal(value, found, err_msg=f"{name}.{field}")


@pytest.mark.parametrize("name", ["feedback_graph", "scnn_mnist", "two_lif_neurons"])
def test_good_files_are_read_as_nir_reads_them(name, shared_data):
    path = shared_data / "nir" / "good" / f"{name}.nir"
    read, notes = _read_aloud(path)
    assert notes == []
    _same_parameters(read, nir.read(path))


def test_recorded_neuron_is_read(shared_data):
    read = graph.read(shared_data / "loihi2" / "lif_norse.nir")
    assert read.edges == [("input", "0"), ("0", "1"), ("1", "output")]
    assert read.nodes["1"].tau == np.float32(0.0025)
    assert graph.check(read, dt=1e-4) == ()


def test_absent_bias_is_read_as_zeros(shared_data):
    read, notes = _read_aloud(shared_data / "nir" / "good" / "srnn.nir")
    assert [note.split(":")[0] for note in notes] == [
        "node 'affine1'",
        "node 'affine2'",
        "node 'affine_rec'",
    ]
    assert read.nodes["affine1"].bias.tolist() == [0.0, 0.0]
    assert read.nodes["cu1"].tau_mem.tolist() == pytest.approx([-1.27593078, 1.47511896])
    with pytest.raises(GraphError, match=r"node 'cu1': tau_syn is -1\.27593 s in 1 of 2 neurons"):
        graph.check(read, dt=1e-3)


@pytest.mark.parametrize("name", ["feedback_graph", "scnn_mnist", "two_lif_neurons"])
def test_rewritten_files_mean_the_same(name, shared_data, tmp_path):
    path = shared_data / "nir" / "good" / f"{name}.nir"
    graph.write(tmp_path / "again.nir", graph.read(path))
    _same_parameters(nir.read(tmp_path / "again.nir"), nir.read(path))


def test_batch_axis_and_missing_input_shape_are_repaired(shared_data):
    """The broken file is the good one, with a batch axis and without input shapes."""
    read, notes = _read_aloud(shared_data / "nir" / "broken" / "conv_without_input_shape.nir")
    assert notes == [
        "node 'input': has a batch axis of 1; dropped it from every shape of the graph",
        "node '0': has no input_shape; took (34, 34) from its input",
        "node '2': has no input_shape; took (16, 16) from its input",
        "node '5': has no input_shape; took (8, 8) from its input",
    ]
    meant = graph.read(shared_data / "nir" / "good" / "scnn_mnist.nir")
    _same_parameters(read, meant)
    assert graph.describe(read).nodes == graph.describe(meant).nodes
    assert read.nodes["8"].start_dim == meant.nodes["8"].start_dim == 0


def test_single_parameters_are_spread(shared_data):
    path = shared_data / "nir" / "broken" / "parameter_shapes_differ.nir"
    read, notes = _read_aloud(path)
    assert notes == ["node '1': spread the single r, v_leak over shape [1]"]
    assert (read.nodes["1"].r.shape, read.nodes["1"].r.dtype) == ((1,), np.float32)
    assert read.nodes["1"].tau == np.float32(0.0025)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("not_hdf5", "is not an HDF5 file, as a .nir file must be"),
        (
            "output_shape_mismatch",
            "edge '1_LIFNeuronTorch' → 'output': '1_LIFNeuronTorch' (LIF) gives shape [1], "
            "'output' (Output) takes [1, 1, 1]",
        ),
        (
            "edge_to_missing_node",
            "node 'hidden': edge 'input' → 'lif': 'input' (Input) gives shape [12], "
            "'lif' (CubaLIF) takes [38]",
        ),
    ],
)
def test_what_has_no_one_reading_is_refused(name, message, shared_data):
    path = shared_data / "nir" / "broken" / f"{name}.nir"
    with pytest.raises(GraphError) as caught:
        graph.read(path)
    assert str(caught.value).startswith(f"{path}: {message}\n")


def _write(path, lif, **linear):
    """A small file that nir would not write."""
    text = h5py.string_dtype()
    with h5py.File(path, "w") as file:
        file.create_dataset("node/type", data="NIRGraph", dtype=text)
        edges = [["input", "linear"], ["linear", "lif"], ["lif", "output"]]
        file.create_dataset("node/edges", data=edges, dtype=text)
        fields = {
            "input": {"type": "Input", "shape": [2]},
            "linear": {"type": "Affine", "weight": np.ones((3, 2)), **linear},
            "lif": {"type": "LIF", **lif},
            "output": {"type": "Output", "shape": [3]},
        }
        for name, node in fields.items():
            for field, value in node.items():
                dtype = text if isinstance(value, str) else None
                file.create_dataset(f"node/nodes/{name}/{field}", data=value, dtype=dtype)


LIF = {"tau": np.full(3, 0.01), "r": np.ones(3), "v_leak": np.zeros(3), "v_threshold": np.ones(3)}


def test_single_values_beside_arrays_are_spread(tmp_path):
    path = tmp_path / "a.nir"
    _write(path, {**LIF, "tau": 0.02, "r": np.float32([[2]])}, bias=np.float32(0.5))
    read, notes = _read_aloud(path)
    assert notes == [
        "node 'linear': spread the single bias 0.5 over shape [3]",
        "node 'lif': spread the single tau, r over shape [3]",
    ]
    assert read.nodes["lif"].tau.tolist() == [0.02] * 3
    assert read.nodes["lif"].r.dtype == np.float32
    assert read.nodes["lif"].v_reset.tolist() == [0] * 3
    assert read.nodes["linear"].bias.tolist() == [0.5] * 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lif": {**LIF, "tau": np.ones(2)}, "bias": np.zeros(3)}, "fields do not fit together"),
        ({"lif": LIF, "bias": True}, "field bias is"),
        ({"lif": LIF, "bias": np.zeros(2)}, r"bias has shape \(2,\), expected \(3,\)"),
    ],
)
def test_what_is_not_single_is_not_spread(fields, message, tmp_path):
    _write(tmp_path / "a.nir", **fields)
    with pytest.raises(GraphError, match=message):
        graph.read(tmp_path / "a.nir")


def test_batch_axis_is_kept_without_a_convolution(tmp_path):
    """[1, 3] may be meant; only a convolution proves the first axis to be a batch."""
    original = nir.NIRGraph.from_list(nir.Scale(np.ones((1, 3))))
    graph.write(tmp_path / "a.nir", original)
    assert graph.read(tmp_path / "a.nir").nodes["scale"].scale.shape == (1, 3)


def _neuron(values: np.ndarray) -> nir.LIF:
    return nir.LIF(tau=values / 100, r=values, v_leak=0 * values, v_threshold=values)


def _behind(layer: nir.NIRNode, neuron: nir.NIRNode, taken, given) -> nir.NIRGraph:
    nodes = {
        "input": nir.Input({"input": np.array(taken, dtype=int)}),
        "layer": layer,
        "neuron": neuron,
        "output": nir.Output({"output": np.array(given, dtype=int)}),
    }
    names = list(nodes)
    return nir.NIRGraph(nodes, list(pairwise(names)), type_check=False)


def _from_nir(tmp_path, original: nir.NIRGraph):
    nir.write(tmp_path / "a.nir", original, compression=None)
    return _read_aloud(tmp_path / "a.nir")


@pytest.mark.parametrize("values", [np.ones(()), np.ones(1), np.ones((1, 1)), np.ones((1, 5))])
def test_values_for_all_neurons_are_spread_over_what_drives_them(values, tmp_path):
    linear = nir.Linear(np.ones((5, 2)))
    read, notes = _from_nir(tmp_path, _behind(linear, _neuron(2 * values), [2], [5]))
    assert notes == [
        f"node 'neuron': spread its parameters of shape {list(values.shape)} over shape [5], that "
        "of 'layer'"
    ]
    assert read.nodes["neuron"].r.tolist() == [2] * 5
    assert read.nodes["neuron"].v_reset.tolist() == [0] * 5
    assert graph.describe(read).nodes[2].output_shape == (5,)


def test_one_value_per_channel_is_spread_over_the_pixels(tmp_path):
    values = np.array([1.0, 2.0, 3.0]).reshape(3, 1, 1)
    conv = nir.Conv2d((4, 5), np.ones((3, 1, 3, 3)), 1, 1, 1, 1, np.zeros(3))
    read, notes = _from_nir(tmp_path, _behind(conv, _neuron(values), [1, 4, 5], [3, 4, 5]))
    assert len(notes) == 1
    np.testing.assert_array_equal(read.nodes["neuron"].r, values * np.ones((3, 4, 5)))


def test_scalar_ports_are_one_long_where_their_neighbours_are(tmp_path):
    layer, neuron = nir.Linear(np.ones((1, 1))), _neuron(np.ones((1, 1)))
    read, notes = _from_nir(tmp_path, _behind(layer, neuron, [], []))
    assert [note.split(":")[0] for note in notes] == [
        "node 'input'",
        "node 'neuron'",
        "node 'output'",
    ]
    assert [node.output_shape for node in graph.describe(read).nodes] == [(1,)] * 4


@pytest.mark.parametrize(
    ("values", "remedy"),
    [(np.ones(3), "Make the two"), (np.ones((3, 4)), "Make the two"), (np.ones(60), "nir.Flatten")],
)
def test_what_may_mean_several_things_is_not_spread(values, remedy, tmp_path):
    """Three values may be meant for three channels or for a layer of another graph."""
    conv = nir.Conv2d((4, 5), np.ones((3, 1, 3, 3)), 1, 1, 1, 1, np.zeros(3))
    original = _behind(conv, _neuron(values), [1, 4, 5], [3, 4, 5])
    nir.write(tmp_path / "a.nir", original)
    with pytest.raises(GraphError, match=f"'layer' → 'neuron'(.|\n)*{remedy}"):
        graph.read(tmp_path / "a.nir")
