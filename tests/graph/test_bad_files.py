"""Every bad file gives a GraphError of a few lines that says where and why."""

from __future__ import annotations

import itertools
import re
import shutil

import h5py
import nir
import numpy as np
import pytest

from eideploy import graph
from eideploy.errors import GraphError


def _graph() -> nir.NIRGraph:
    rng = np.random.default_rng(0)
    nodes = {
        "input": nir.Input({"input": np.array([2, 5, 5])}, metadata={"levels": 16}),
        "conv": nir.Conv2d(
            (5, 5), rng.normal(size=(3, 2, 3, 3)), (1, 1), (1, 1), (1, 1), 1, np.zeros(3)
        ),
        "pool": nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "flat": nir.Flatten({"input": np.array([3, 2, 2])}, 0, -1),
        "ei": graph.EILinear(
            rng.random((4, 12)),
            rng.random((2, 12)),
            rng.random((4, 2)),
            rng.random(2),
            rng.random(4),
            rng.random(4),
            floor=0.5,
        ),
        "lif": nir.LIF(*(rng.random(4) for _ in range(5))),
        "last": nir.Affine(rng.random((2, 4)), rng.random(2)),
        "output": nir.Output({"output": np.array([2])}),
    }
    names = list(nodes)
    edges = list(itertools.pairwise(names))
    return nir.NIRGraph(nodes, edges, metadata={"dt": 1e-3}, type_check=False)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "good.nir"
    graph.write(path, _graph())
    return path


@pytest.fixture
def refused(good, tmp_path):
    """Damage a copy of a good file; return the error that reading it gives."""

    def read(damage) -> str:
        path = tmp_path / "bad.nir"
        shutil.copy(good, path)
        with h5py.File(path, "r+") as file:
            damage(file["node"])
        with pytest.raises(GraphError) as caught:
            graph.read(path)
        message = str(caught.value)
        assert message.startswith(f"{path}: ")
        assert len(message.splitlines()) <= 3
        assert caught.value.exit_code == 2
        return message

    return read


def _set(where, value, **options):
    """A damage that replaces one dataset."""

    def damage(node):
        if where in node:
            del node[where]
        node.create_dataset(where, data=value, **options)

    return damage


def _remove(where):
    return lambda node: node.__delitem__(where)


def _edges(*changes):
    def damage(node):
        edges = [[a.decode(), b.decode()] for a, b in node["edges"][()]]
        _set("edges", [*edges, *map(list, changes)], dtype=h5py.string_dtype())(node)

    return damage


TEXT = {"dtype": h5py.string_dtype()}

DAMAGES = {
    "unknown type": (
        _set("nodes/lif/type", "Izhikevich", **TEXT),
        r"node 'lif': unknown node type 'Izhikevich'\nKnown are: Input, .*SoftResetLIF, NIRGraph",
    ),
    "no type": (_remove("nodes/lif/type"), "node 'lif': has no type"),
    "number as type": (_set("nodes/lif/type", 3), "node 'lif': its type is .*, expected text"),
    "node is a value": (_set("nodes/lif", 3), "node 'lif': is a value, expected a group"),
    "missing field": (_remove("nodes/lif/tau"), "node 'lif': LIF: field tau is missing"),
    "missing circuit": (_remove("nodes/ei/floor"), "node 'ei': EILinear: field floor is missing"),
    "unknown field": (_set("nodes/lif/delay", 3), "node 'lif': LIF: unknown field delay"),
    "NaN": (
        _set("nodes/lif/r", [1, np.nan, 1, 1]),
        "node 'lif': LIF: r holds 1 NaN or infinite of 4 values",
    ),
    "infinite": (
        _set("nodes/last/weight", np.full((2, 4), np.inf)),
        "node 'last': Affine: weight holds 8 NaN or infinite of 8 values",
    ),
    "negative circuit": (
        _set("nodes/ei/gain_i", [0.5, -0.25]),
        r"node 'ei': EILinear: gain_i has 1 negative of 2 values \(worst -0\.25\)",
    ),
    "floor of 0": (_set("nodes/ei/floor", 0.0), "node 'ei': EILinear: floor is 0, expected > 0"),
    "flag as number": (
        _set("nodes/ei/divisive", 1),
        r"node 'ei': EILinear: field divisive is 1 \(dtype int64\), expected true or false",
    ),
    "text as number": (
        _set("nodes/lif/tau", "long", **TEXT),
        "node 'lif': LIF: field tau is 'long', expected an array of real numbers",
    ),
    "group as number": (
        lambda node: (_remove("nodes/lif/tau")(node), node.create_group("nodes/lif/tau")),
        "node 'lif': LIF: field tau is a dict, expected an array",
    ),
    "complex": (
        _set("nodes/lif/tau", np.ones(4, complex)),
        "/node/nodes/lif/tau: has dtype .*, expected numbers or text",
    ),
    "fractional shape": (
        _set("nodes/input/shape", [2.0, 5.0, 5.0]),
        r"node 'input': Input: field shape is .* \(dtype float64\), expected a list of",
    ),
    "shape of zeros": (_set("nodes/input/shape", [2, 0, 5]), "node 'input': .*shape is .2, 0, 5."),
    "neurons differ": (
        _set("nodes/lif/tau", np.ones(3)),
        r"node 'lif': LIF: fields do not fit together .*: r \(4,\), .*, tau \(3,\)",
    ),
    "bias differs": (
        _set("nodes/last/bias", np.ones(3)),
        r"node 'last': Affine: bias has shape \(3,\), expected \(2,\)",
    ),
    "circuit differs": (
        _set("nodes/ei/weight_ie", np.ones((2, 11))),
        r"node 'ei': EILinear: weight_ie has shape \(2, 11\), expected \(2, 12\)",
    ),
    "flat convolution": (_set("nodes/conv/weight", np.ones((3, 2))), "node 'conv': Conv2d"),
    "groups": (_set("nodes/conv/groups", 2), "node 'conv': Conv2d: groups is 2"),
    "stride of 0": (
        _set("nodes/conv/stride", [0, 1]),
        "node 'conv': Conv2d: field stride is .0, 1.",
    ),
    "padding": (_set("nodes/conv/padding", "full", **TEXT), "padding is 'full', expected one or"),
    "pool of 0": (
        _set("nodes/pool/stride", [0, 1]),
        "node 'pool': AvgPool2d: field stride is .0, 1.",
    ),
    "large pool": (
        _set("nodes/pool/kernel_size", [7, 7]),
        r"node 'pool': AvgPool2d: the window \[7, 7\] is larger than the input \[5, 5\]",
    ),
    "flatten": (_set("nodes/flat/start_dim", 5), "node 'flat': Flatten: start_dim 5"),
    "empty array": (
        _set("nodes/last/bias", np.empty(0)),
        r"node 'last': Affine: bias has shape \(0,\), no numbers",
    ),
    "edge to nothing": (
        _edges(("lif", "lost")),
        "edge 'lif' → 'lost': there is no node 'lost'\nThere are: 'input', 'conv'",
    ),
    "edge from nothing": (_edges(("lost", "lif")), "edge 'lost' → 'lif': there is no node 'lost'"),
    "edge twice": (_edges(("lif", "last")), "edge 'lif' → 'last': is there twice"),
    "edge from Output": (_edges(("output", "lif")), "edge 'output' → 'lif': leaves an Output"),
    "edge to Input": (_edges(("lif", "input")), "edge 'lif' → 'input': enters an Input"),
    "edge between shapes": (
        _edges(("input", "lif")),
        r"edge 'input' → 'lif': 'input' \(Input\) gives shape \[2, 5, 5\], "
        r"'lif' \(LIF\) takes \[4\]",
    ),
    "triples as edges": (
        _set("edges", [["a", "b", "c"]], **TEXT),
        "NIRGraph: field edges is no list of pairs",
    ),
    "numbers as edges": (_set("edges", [[1, 2]]), "NIRGraph: field edges is no list of pairs"),
    "no edges": (_remove("edges"), "NIRGraph: field edges is missing"),
    "no nodes": (_remove("nodes"), "NIRGraph: field nodes is missing"),
    "no Input": (_remove("nodes/input"), "has no Input node among its 7 nodes"),
    "no Output": (_remove("nodes/output"), "has no Output node among its 7 nodes"),
    "output shape": (
        _set("nodes/output/shape", [3]),
        r"edge 'last' → 'output': .* gives shape \[2\], 'output' \(Output\) takes \[3\]",
    ),
    "unknown field of the graph": (_set("dt", 1e-3), "NIRGraph: unknown field dt"),
    "single node": (_set("type", "LIF", **TEXT), "holds a single LIF node, expected a NIRGraph"),
    "metadata is a value": (
        lambda node: (_remove("metadata")(node), _set("metadata", 3)(node)),
        "metadata is a value, expected a group",
    ),
    "metadata of a node": (
        lambda node: (
            _remove("nodes/input/metadata")(node),
            _set("nodes/input/metadata", "x", **TEXT)(node),
        ),
        "node 'input': metadata is a value, expected a group",
    ),
    "complex metadata": (_set("metadata/z", 1j), "/node/metadata/z: has dtype"),
    "arrays of arrays": (
        lambda node: node.create_dataset("metadata/ragged", (2,), h5py.vlen_dtype(float)),
        "/node/metadata/ragged: has dtype object",
    ),
    "references": (
        lambda node: _set("metadata/ref", node["nodes"].ref, dtype=h5py.ref_dtype)(node),
        "/node/metadata/ref: has dtype",
    ),
    "compound": (
        _set("nodes/lif/tau", np.zeros(4, [("a", float), ("b", int)])),
        "/node/nodes/lif/tau: has dtype",
    ),
    "no value": (
        _set("nodes/lif/tau", h5py.Empty("f8")),
        "/node/nodes/lif/tau: holds no value",
    ),
    "broken text": (
        _set("nodes/lif/type", np.bytes_(b"\xff\xfe")),
        "cannot be read as HDF5: .*can't decode",
    ),
    "link out of the file": (
        lambda node: node.__setitem__("nodes/x", h5py.ExternalLink("/etc/passwd", "/")),
        "/node/nodes/x: is a link",
    ),
    "soft link": (
        lambda node: node.__setitem__("nodes/x", h5py.SoftLink("/node/nodes/lif")),
        "/node/nodes/x: is a link",
    ),
    "group in itself": (
        lambda node: node.__setitem__("metadata/self", node["metadata"]),
        "groups are nested more than 64 deep",
    ),
    "data in another file": (
        lambda node: node.create_dataset(
            "metadata/x", (4,), "u1", external=[("/etc/passwd", 0, 4)]
        ),
        "/node/metadata/x: its data lie in another file",
    ),
    "virtual data": (
        lambda node: node.create_virtual_dataset("metadata/x", h5py.VirtualLayout((1,), "f8")),
        "/node/metadata/x: its data lie in another file",
    ),
    "a type as data": (
        lambda node: node.__setitem__("metadata/x", np.dtype("f8")),
        "/node/metadata/x: is neither a group nor a dataset",
    ),
    "declared and never filled": (
        lambda node: node.create_dataset("metadata/x", (2**24, 2**24), "f8", chunks=(1, 2**10)),
        r"/node/metadata/x: declares shape \(16777216, 16777216\) and stores only 0 bytes",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named(name, refused):
    damage, message = DAMAGES[name]
    assert re.search(message, refused(damage)), refused(damage)


def _refusal(path) -> str:
    with pytest.raises(GraphError) as caught:
        graph.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


def test_paths_that_are_no_file(tmp_path):
    assert "no such file" in _refusal(tmp_path / "absent.nir")
    assert "is a folder" in _refusal(tmp_path)
    (tmp_path / "empty.nir").touch()
    assert "is empty" in _refusal(tmp_path / "empty.nir")
    (tmp_path / "text.nir").write_text("{}" * 500)
    assert "is not an HDF5 file" in _refusal(tmp_path / "text.nir")


def test_other_hdf5_files(tmp_path):
    with h5py.File(tmp_path / "keras.h5", "w") as file:
        file["model_weights"] = 1
    assert "it has no group 'node' (it has 'model_weights')" in _refusal(tmp_path / "keras.h5")
    with h5py.File(tmp_path / "value.nir", "w") as file:
        file["node"] = 1
    assert "not NIR" in _refusal(tmp_path / "value.nir")


def test_truncation_anywhere_is_noticed(good, tmp_path):
    content = good.read_bytes()
    path = tmp_path / "short.nir"
    for size in np.linspace(1, len(content) - 1, 60).astype(int):
        path.write_bytes(content[:size])
        assert _refusal(path)


def test_corrupt_data_are_noticed(good, tmp_path):
    """A damaged compressed chunk."""
    content = bytearray(good.read_bytes())
    with h5py.File(good) as file:
        chunk = file["node/nodes/conv/weight"].id.get_chunk_info(0)
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = b"\xaa" * chunk.size
    (tmp_path / "corrupt.nir").write_bytes(content)
    assert "cannot be read as HDF5" in _refusal(tmp_path / "corrupt.nir")


def test_an_unknown_number_format_is_noticed(good, tmp_path):
    """A damaged type message, at which h5py stumbles by itself."""
    content = good.read_bytes()
    # HDF5 describes float64 as 11 bits of exponent from bit 52 on and 52 of mantissa from bit 0 on.
    float64 = bytes([52, 11, 0, 52])
    assert content.count(float64) > 10
    (tmp_path / "type.nir").write_bytes(content.replace(float64, bytes([63, 0, 0, 63])))
    assert "cannot be read as HDF5" in _refusal(tmp_path / "type.nir")


def test_errors_in_nested_graphs_name_both(good, tmp_path):
    outer = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([2, 5, 5])}),
            "inner": _graph(),
            "output": nir.Output({"output": np.array([2])}),
        },
        [("input", "inner"), ("inner", "output")],
        type_check=False,
    )
    path = tmp_path / "nested.nir"
    graph.write(path, outer)
    with h5py.File(path, "r+") as file:
        file["node/nodes/inner/nodes/lif/r"][1] = np.nan
    assert "node 'inner': node 'lif': LIF: r holds 1 NaN" in _refusal(path)
    del outer.nodes["inner"].nodes["last"]
    with pytest.raises(GraphError, match="node 'inner': edge 'lif' → 'last': there is no node"):
        graph.write(path, outer)


def test_a_node_left_out_of_the_graph_has_no_shape(tmp_path):
    lone = _graph()
    lone.edges.remove(("conv", "pool"))
    with pytest.raises(GraphError, match=r"node 'pool' \(AvgPool2d\): its shape is not given"):
        graph.write(tmp_path / "a.nir", lone)
