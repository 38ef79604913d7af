"""What cannot be stored, or makes no sense, is refused and leaves no file behind."""

from __future__ import annotations

import nir
import numpy as np
import pytest

from eideploy import graph
from eideploy.errors import GraphError, OutputError


def _chain(**changes):
    nodes = {
        "input": nir.Input({"input": np.array([2])}),
        "lif": nir.LIF(*(np.ones(2) for _ in range(5))),
        "output": nir.Output({"output": np.array([2])}),
    }
    nodes.update(changes)
    return nir.NIRGraph(nodes, [("input", "lif"), ("lif", "output")], type_check=False)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "is a NoneType"),
        (object(), "is a object"),
        ({1, 2}, "is a set"),
        (b"bytes", "is a bytes"),
        (1j, "is a complex"),
        (2**70, "is a int"),
        ([1, "a"], "is a list"),
        ([[1], [2, 3]], "is a list"),
        (np.array(["a"]), "is a ndarray"),
        (np.array([None]), "is a ndarray"),
        ("a\0b", "NUL"),
        ("\ud800", "not valid Unicode"),
        ({"a/b": 1}, "key 'a/b' cannot be stored"),
        ({1: 1}, "key 1 cannot be stored"),
        ({"": 1}, "key '' cannot be stored"),
    ],
)
def test_metadata_that_hdf5_cannot_hold_is_refused(value, message, tmp_path):
    path = tmp_path / "a.nir"
    for original, where in ((_chain(), ""), (_chain(), "node 'lif': ")):
        (original.nodes["lif"] if where else original).metadata = {"key": value}
        with pytest.raises(GraphError) as caught:
            graph.write(path, original)
        assert f"{path}: {where}metadata['key']" in str(caught.value)
        assert message in str(caught.value)
        assert not path.exists()


@pytest.mark.parametrize("name", ["a/b", "", ".", "a\0", "\ud800", 7])
def test_node_names_that_hdf5_cannot_hold_are_refused(name, tmp_path):
    original = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([1])}),
            name: nir.Scale(np.ones(1)),
            "output": nir.Output({"output": np.array([1])}),
        },
        [("input", name), (name, "output")],
        type_check=False,
    )
    with pytest.raises(GraphError, match="node name"):
        graph.write(tmp_path / "a.nir", original)


def test_what_does_not_make_sense_is_not_written(tmp_path):
    path = tmp_path / "a.nir"
    graph.write(path, _chain())
    before = path.read_bytes()
    broken = _chain()
    broken.nodes["lif"].tau[0] = np.nan
    with pytest.raises(GraphError, match="node 'lif': LIF: tau holds 1 NaN or infinite of 2"):
        graph.write(path, broken)
    circuit = graph.EILinear(*(np.ones((1, 1)),) * 3, *(np.ones(1),) * 3, floor=1.0)
    broken = nir.NIRGraph.from_list(circuit)
    circuit.weight_ee[0, 0] = -1
    with pytest.raises(GraphError, match=r"weight_ee has 1 negative of 1 values \(worst -1\)"):
        graph.write(path, broken)
    with pytest.raises(GraphError, match=r"got a LIF, expected a nir\.NIRGraph"):
        graph.write(path, _chain().nodes["lif"])
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.nir"]


def test_a_folder_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        graph.write(tmp_path / "file" / "a.nir", _chain())


def test_a_class_that_only_shares_the_name_of_a_node_is_refused(tmp_path):
    class Scale(nir.Scale):
        pass

    original = _chain(lif=Scale(np.ones(2)))
    with pytest.raises(GraphError, match=r"node 'lif': .*\.Scale is not the node type 'Scale'"):
        graph.write(tmp_path / "a.nir", original)
    class_of_user = type("Izhikevich", (nir.Scale,), {})
    with pytest.raises(GraphError, match="node 'lif': unknown node type 'Izhikevich'"):
        graph.write(tmp_path / "a.nir", _chain(lif=class_of_user(np.ones(2))))
