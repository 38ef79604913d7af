"""Findings about a graph, the length of a step, and descriptions."""

from __future__ import annotations

import json
import subprocess
import sys

import nir
import numpy as np
import pytest

from eideploy import graph
from eideploy.errors import GraphError


def _lif(tau=0.02, **changes):
    fields = {"r": 1.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0, **changes}
    return nir.LIF(
        tau=np.broadcast_to(tau, 2).astype(float),
        **{name: np.broadcast_to(value, 2).astype(float) for name, value in fields.items()},
    )


def _graph(*nodes, **metadata):
    made = nir.NIRGraph.from_list(*nodes)
    made.metadata = metadata
    return made


def test_a_plausible_graph_has_no_findings():
    assert graph.check(_graph(nir.Affine(np.eye(2), np.zeros(2)), _lif()), dt=1e-3) == ()


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (_lif(tau=20.0), "tau is 20 s, 20000 steps of 0.001 s; is it given in ms instead of s?"),
        (_lif(tau=5e-4), "tau is 0.0005 s, shorter than a step of 0.001 s; it rings"),
        (_lif(v_leak=[0, 2]), "v_leak is above v_threshold in 1 neurons; they fire on their own"),
        (_lif(v_reset=1.5), "v_reset is above v_threshold in 2 neurons; they fire on their own"),
    ],
)
def test_findings_about_neurons(node, message):
    findings = graph.check(_graph(node, dt=1e-3))
    assert [(f.node, f.message) for f in findings] == [("lif", message)]
    assert str(findings[0]) == f"node 'lif': {message}"


def test_findings_about_connections():
    made = _graph(_lif(), dt=1e-3)
    made.nodes |= {"source": nir.Scale(np.ones(2)), "sink": nir.Scale(np.ones(2))}
    made.edges += [("source", "lif"), ("lif", "sink")]
    assert {str(finding) for finding in graph.check(made)} == {
        "node 'source': no path leads from an Input to it",
        "node 'sink': no path leads from it to an Output",
    }


@pytest.mark.parametrize("tau", [0.0, -0.01])
def test_time_constants_must_be_positive(tau):
    with pytest.raises(
        GraphError, match=r"node 'lif': tau is .* s in 1 of 2 neurons, expected > 0"
    ):
        graph.check(_graph(_lif(tau=[0.02, tau])), dt=1e-3)


def test_nested_nodes_are_checked_by_their_path():
    inner = _graph(_lif(tau=20.0))
    outer = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([2])}),
            "block": inner,
            "output": nir.Output({"output": np.array([2])}),
        },
        [("input", "block"), ("block", "output")],
        type_check=False,
    )
    assert [finding.node for finding in graph.check(outer, dt=1e-3)] == ["block/lif"]
    with pytest.raises(GraphError, match=r"node 'block/lif'.*how long a step is"):
        graph.graph_dt(outer)


def test_check_refuses_what_cannot_run():
    made = _graph(_lif())
    made.edges.append(("lif", "lost"))
    with pytest.raises(GraphError, match="there is no node 'lost'"):
        graph.check(made, dt=1e-3)


def test_nested_graphs_have_one_input():
    block = _graph(_lif())
    block.nodes["more"] = nir.Input({"input": np.array([2])})
    block._update_input_output_types()
    made = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([2])}),
            "block": block,
            "output": block.nodes["output"],
        },
        [("input", "block"), ("block", "output")],
        type_check=False,
    )
    with pytest.raises(GraphError, match="node 'block': a nested graph has 2 Input nodes"):
        graph.check(made, dt=1e-3)


def test_dt_is_the_argument_or_the_metadata():
    timed, timeless = _graph(_lif(), dt=2e-3), _graph(nir.Scale(np.ones(2)))
    assert graph.graph_dt(timed) == 2e-3
    assert graph.graph_dt(timed, 1e-3) == 1e-3
    assert graph.graph_dt(timeless) is None
    assert graph.graph_dt(timeless, 1e-3) == 1e-3
    timed.metadata["dt"] = np.float32(0.5)
    assert graph.graph_dt(timed) == 0.5


@pytest.mark.parametrize(
    "node",
    [
        _lif(),
        nir.LI(np.ones(2), np.ones(2), np.ones(2)),
        nir.CubaLI(*(np.ones(2) for _ in range(5))),
        nir.CubaLIF(*(np.ones(2) for _ in range(7))),
        nir.Delay(np.ones(2)),
        graph.SoftResetLIF(*(np.ones(2) for _ in range(4))),
    ],
)
def test_time_constants_without_dt_are_an_error_that_says_how_to_give_it(node):
    with pytest.raises(GraphError, match=r"does not say how long a step is\nGive it .*--dt 1e-3"):
        graph.graph_dt(_graph(node))


@pytest.mark.parametrize("dt", [0, -1e-3, np.nan, np.inf, "1e-3", True, [1e-3], None])
def test_dt_must_be_a_positive_number(dt):
    with pytest.raises(GraphError, match="--dt"):
        graph.graph_dt(_graph(_lif(), dt=dt))


def test_description():
    circuit = graph.EILinear(
        np.ones((2, 3)), np.ones((1, 3)), np.ones((2, 1)), np.ones(1), np.ones(2), np.ones(2), 0.5
    )
    made = _graph(circuit, _lif(tau=[0.01, 0.03]), dt=2e-3, note={"sizes": np.arange(2)})
    made.nodes["input"].metadata["levels"] = np.int64(16)
    described = graph.describe(made)
    assert [(node.name, node.type, node.standard) for node in described.nodes] == [
        ("input", "Input", True),
        ("eilinear", "EILinear", False),
        ("lif", "LIF", True),
        ("output", "Output", True),
    ]
    assert described.nodes[1].input_shape == (3,)
    assert described.nodes[1].output_shape == (2,)
    assert [node.parameters for node in described.nodes] == [0, 6 + 3 + 2 + 1 + 2 + 2, 0, 0]
    assert [node.constants for node in described.nodes] == [0, 1, 10, 0]
    assert described.nodes[2].time_constants == (
        graph.TimeConstant("tau", (0.01, 0.03), (5.0, 15.0)),
    )
    assert described.standard is False
    assert described.edges == (("input", "eilinear"), ("eilinear", "lif"), ("lif", "output"))
    data = json.loads(json.dumps(described.to_dict()))
    assert data["metadata"] == {"dt": 0.002, "note": {"sizes": [0, 1]}}
    assert data["nodes"][0]["metadata"] == {"levels": 16}
    assert data["nodes"][2]["time_constants"][0]["steps"] == [5.0, 15.0]
    assert (data["parameters"], data["constants"]) == (16, 11)


def test_description_without_dt_and_of_nested_graphs():
    outer = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([2])}),
            "block": _graph(_lif()),
            "output": nir.Output({"output": np.array([2])}),
        },
        [("input", "block"), ("block", "output")],
        type_check=False,
    )
    described = graph.describe(outer)
    assert described.dt is None
    assert described.standard is True
    assert [node.name for node in described.nodes] == [
        "input",
        "block",
        "block/input",
        "block/lif",
        "block/output",
        "output",
    ]
    assert ("block/input", "block/lif") in described.edges
    assert described.nodes[3].time_constants == (graph.TimeConstant("tau", (0.02, 0.02), None),)
    assert graph.describe(outer, dt=1e-2).nodes[3].time_constants[0].steps == (2.0, 2.0)


def test_importing_graph_does_not_import_torch():
    code = "import sys, eideploy.graph; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
