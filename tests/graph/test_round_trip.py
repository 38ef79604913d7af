"""What is written is what is read: every node type, every bit, all metadata."""

from __future__ import annotations

import dataclasses
import itertools
import struct

import h5py
import nir
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from eideploy import graph
from eideploy.graph.schema import NODE_TYPES

SETTINGS = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
DTYPES = st.sampled_from([np.dtype(code) for code in ("<f8", "<f4", "<f2", ">f8", ">f4", "<i4")])
NAMES = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="/\0"), min_size=1, max_size=8
).filter(lambda name: name != ".")


def identical(a, b, path="graph") -> None:
    """Fail unless a and b are the same in type, order and every bit."""
    if isinstance(a, nir.NIRNode):
        assert type(a) is type(b), path
        if isinstance(a, nir.NIRGraph):
            identical(list(a.edges), list(b.edges), f"{path}.edges")
        for field in dataclasses.fields(a):
            if field.name == "edges":
                continue
            if field.name in ("input_type", "output_type"):
                assert {k: list(v) for k, v in getattr(a, field.name).items()} == {
                    k: list(v) for k, v in getattr(b, field.name).items()
                }, path
            else:
                inside = f"{path}.{field.name}"
                identical(getattr(a, field.name), getattr(b, field.name), inside)
        return
    assert type(a) is type(b), f"{path}: {type(a)} and {type(b)}"
    if isinstance(a, dict):
        assert list(a) == list(b), path
        for key in a:
            identical(a[key], b[key], f"{path}[{key!r}]")
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), path
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            identical(x, y, f"{path}[{i}]")
    elif isinstance(a, (np.ndarray, np.generic)):
        assert (a.dtype.str, a.shape, a.tobytes()) == (b.dtype.str, b.shape, b.tobytes()), path
    elif isinstance(a, float):
        assert struct.pack("d", a) == struct.pack("d", b), path
    else:
        assert a == b, path


@st.composite
def arrays(draw, shape, low=-4.0):
    dtype = draw(DTYPES)
    seed = draw(st.integers(0, 2**32 - 1))
    return np.random.default_rng(seed).uniform(low, 4, shape).astype(dtype)


metadata_values = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)
    | st.lists(NAMES, min_size=1, max_size=3)
    | hnp.arrays(
        st.sampled_from([np.dtype(c) for c in ("<f8", ">f4", "<i8", "|u1", "?")]),
        hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=3),
    )
    | st.sampled_from([np.float32(0.1), np.int8(-3), np.uint64(2**64 - 1), np.float16(np.nan)]),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
metadata = st.dictionaries(NAMES, metadata_values, max_size=3)


def _neuron(draw, cls, shape):
    fields = [f.name for f in dataclasses.fields(cls) if f.name not in _BASE]
    return cls(**{name: draw(arrays(shape)) for name in fields})


_BASE = {"input_type", "output_type", "metadata"}
_NEURONS = (
    nir.I,
    nir.IF,
    nir.LI,
    nir.LIF,
    nir.CubaLI,
    nir.CubaLIF,
    nir.Scale,
    nir.Delay,
    nir.Threshold,
    graph.SoftResetLIF,
)


def _circuit(draw, n_e, tail):
    n_i = draw(st.integers(1, 2))
    return {
        "weight_ee": draw(arrays((n_e, *tail), 0)),
        "weight_ie": draw(arrays((n_i, *tail), 0)),
        "weight_ei": draw(arrays((n_e, n_i), 0)),
        "gain_i": draw(arrays(n_i, 0)),
        "gain_e": draw(arrays(n_e, 0)),
        "bias": draw(arrays(n_e)),
        "floor": draw(st.sampled_from([np.float32(0.1), np.float64(0.1), np.float16(2)])),
        "divisive": draw(st.booleans()),
    }


@st.composite
def layers(draw, shape, dialect):
    """A node that takes `shape`."""
    neurons = _NEURONS if dialect else _NEURONS[:-1]
    kinds = ["neuron", "neuron"]
    if len(shape) == 1:
        kinds += ["linear", "affine"] + ["ei"] * dialect
    elif len(shape) == 2:
        kinds += ["conv1d", "flatten"]
    else:
        kinds += ["conv2d", "sum", "avg", "flatten"] + ["ei"] * dialect
    kind = draw(st.sampled_from(kinds))
    n = draw(st.integers(1, 4))
    if kind == "neuron":
        return _neuron(draw, draw(st.sampled_from(neurons)), shape)
    if kind == "linear":
        return nir.Linear(draw(arrays((n, *shape))))
    if kind == "affine":
        return nir.Affine(draw(arrays((n, *shape))), draw(arrays(n)))
    if kind == "ei" and len(shape) == 1:
        return graph.EILinear(**_circuit(draw, n, shape))
    if kind == "ei":
        kernel = draw(st.tuples(st.integers(1, shape[1]), st.integers(1, shape[2])))
        return graph.EIConv2d(
            input_shape=shape[1:],
            **_circuit(draw, n, (shape[0], *kernel)),
            stride=draw(st.tuples(st.integers(1, 2), st.integers(1, 3))),
            padding=draw(st.tuples(st.integers(0, 2), st.integers(0, 2))),
        )
    if kind == "flatten":
        return nir.Flatten({"input": np.array(shape)}, 0, -1)
    if kind == "conv1d":
        weight = draw(arrays((n, shape[0], draw(st.integers(1, shape[1])))))
        return nir.Conv1d(
            shape[1], weight, 1, draw(st.sampled_from([0, "valid"])), 1, 1, weight[:, 0, 0]
        )
    if kind == "conv2d":
        side = draw(st.integers(1, min(shape[1:])))
        padding = draw(st.sampled_from(["same", "valid", (0, 1), (1, 1)]))
        stride = (1, 1) if padding == "same" else (2, 1)
        weight = draw(arrays((n, shape[0], side, side)))
        bias = draw(arrays(n))
        return nir.Conv2d(shape[1:], weight, stride, padding, (1, 1), 1, bias)
    pool = nir.SumPool2d if kind == "sum" else nir.AvgPool2d
    return pool(np.array([1, 2]), np.array([1, 1]), np.array([0, 1]))


@st.composite
def graphs(draw, dialect=True):
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=4))
    nodes = [nir.Input({"input": np.array(shape)})]
    for _ in range(draw(st.integers(0, 4))):
        nodes.append(draw(layers(shape, dialect)))
        chain = nir.NIRGraph.from_list(*nodes)
        shape = tuple(int(n) for n in chain.nodes["output"].input_type["input"])
    nodes.append(nir.Output({"output": np.array(shape)}))
    for node in nodes:
        node.metadata = draw(metadata)
    names = draw(st.lists(NAMES, min_size=len(nodes), max_size=len(nodes), unique=True))
    return nir.NIRGraph(
        dict(zip(names, nodes, strict=True)),
        list(itertools.pairwise(names)),
        metadata=draw(metadata),
    )


@SETTINGS
@given(original=graphs())
def test_every_bit_comes_back(original, tmp_path):
    graph.write(tmp_path / "a.nir", original)
    read = graph.read(tmp_path / "a.nir")
    identical(original, read)
    graph.write(tmp_path / "b.nir", read)
    assert (tmp_path / "a.nir").read_bytes() == (tmp_path / "b.nir").read_bytes()


@SETTINGS
@given(original=graphs(dialect=False))
def test_nir_reads_standard_graphs(original, tmp_path):
    graph.write(tmp_path / "a.nir", original)
    read = nir.read(tmp_path / "a.nir")
    assert read.edges == original.edges
    assert list(read.nodes) == list(original.nodes)
    for name, node in original.nodes.items():
        assert type(read.nodes[name]) is type(node)
        for field in NODE_TYPES[type(node).__name__].parameters:
            identical(
                np.asarray(getattr(node, field)), np.asarray(getattr(read.nodes[name], field))
            )
        assert read.nodes[name].metadata.keys() == node.metadata.keys()


@SETTINGS
@given(original=graphs(dialect=False))
def test_what_nir_writes_is_read(original, tmp_path):
    for node in (original, *original.nodes.values()):
        node.metadata = {"dt": 1e-3, "nested": {"a": np.arange(3)}, "note": "µ"}
    nir.write(tmp_path / "a.nir", original)
    read = graph.read(tmp_path / "a.nir")
    read.nodes = {name: read.nodes[name] for name in original.nodes}  # nir sorts them by name
    identical(original, read)


def _chain(**changes):
    nodes = {
        "input": nir.Input({"input": np.array([2])}),
        "lif": nir.LIF(*(np.ones(2) for _ in range(5))),
        "output": nir.Output({"output": np.array([2])}),
    }
    nodes.update(changes)
    return nir.NIRGraph(nodes, [("input", "lif"), ("lif", "output")], type_check=False)


def test_nested_graphs_and_loops_come_back(tmp_path):
    inner = _chain()
    inner.nodes["back"] = nir.Linear(np.eye(2, dtype=np.float32))
    inner.edges += [("lif", "back"), ("back", "lif")]
    inner.metadata["loop"] = True
    outer = _chain(lif=inner)
    graph.write(tmp_path / "a.nir", outer)
    read = graph.read(tmp_path / "a.nir")
    identical(outer.nodes["lif"].nodes["back"].weight, read.nodes["lif"].nodes["back"].weight)
    assert read.nodes["lif"].edges == inner.edges
    assert read.nodes["lif"].metadata == {"loop": True}


def test_shapes_left_to_the_graph_are_written(tmp_path):
    """So that nir reads what nir itself could not write."""
    nodes = {
        "input": nir.Input({"input": np.array([1, 4, 4])}),
        "conv": nir.Conv2d(None, np.ones((2, 1, 3, 3)), (1, 1), (0, 0), (1, 1), 1, np.zeros(2)),
        "pool": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "flat": nir.Flatten(None, 0, -1),
        "output": nir.Output({"output": np.array([2])}),
    }
    names = list(nodes)
    original = nir.NIRGraph(nodes, list(itertools.pairwise(names)), type_check=False)
    graph.write(tmp_path / "a.nir", original)
    assert original.nodes["conv"].input_shape is None
    for read in (graph.read(tmp_path / "a.nir"), nir.read(tmp_path / "a.nir")):
        assert tuple(read.nodes["conv"].input_shape) == (4, 4)
        assert read.nodes["flat"].input_type["input"].tolist() == [2, 1, 1]


def test_wide_kernels_and_groups_get_their_shapes(tmp_path):
    conv = nir.Conv2d(None, np.ones((4, 1, 1, 3)), (1, 1), (0, 0), (1, 2), 2, np.zeros(4))
    nodes = {
        "input": nir.Input({"input": np.array([2, 5, 6])}),
        "lif": conv,
        "output": nir.Output({"output": np.array([4, 5, 2])}),
    }
    graph.write(tmp_path / "a.nir", _chain(**nodes))
    read = graph.read(tmp_path / "a.nir").nodes["lif"]
    assert read.input_type["input"].tolist() == [2, 5, 6]
    assert read.output_type["output"].tolist() == [4, 5, 2]


def test_lists_of_numbers_in_metadata_become_arrays(tmp_path):
    original = _chain()
    original.metadata = {"pair": (1, 2), "zero": np.array(2.5), "empty": {}}
    graph.write(tmp_path / "a.nir", original)
    expected = {"pair": np.array([1, 2]), "zero": 2.5, "empty": {}}
    identical(expected, graph.read(tmp_path / "a.nir").metadata)


def test_large_arrays_are_compressed_like_those_of_nir(tmp_path):
    graph.write(tmp_path / "a.nir", _chain(lif=nir.Linear(np.zeros((2, 2)))))
    with h5py.File(tmp_path / "a.nir") as file:
        assert file["node/nodes/lif/weight"].compression == "gzip"
        assert file["version"][()].decode() == nir.version
