"""Float Programs against the equations of the graph, written out in conftest."""

from __future__ import annotations

import nir
import numpy as np
import pytest

from eideploy.compile import CompileOptions, float_pipeline, run_passes
from eideploy.errors import GraphError, UnsupportedError
from eideploy.graph import EILinear
from eideploy.program import Conv2d, Dense, Stimulus
from eideploy.simulate import reference


@pytest.mark.parametrize("mapping", ["fused", "explicit"])
@pytest.mark.parametrize("reset", ["value", "subtract"])
@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_a_compiled_graph_spikes_as_its_equations_say(
    kind, reset, mapping, dense_graph, conv_graph, frames, interpret
):
    graph = (dense_graph if kind == "dense" else conv_graph)(reset)
    x = frames((12,) if kind == "dense" else (2, 7, 6))
    program = run_passes(float_pipeline(CompileOptions(mapping=mapping)), graph)
    expected = interpret(graph, x)
    trace = reference.run(program, Stimulus({"input": x}))
    for name in ("lif1", "lif2"):
        np.testing.assert_array_equal(trace[name].output, expected[name])
        np.testing.assert_allclose(trace[name].state["v"], expected[f"{name}.v"], atol=1e-9)
        assert 0.02 < trace[name].output.mean() < 0.9
    np.testing.assert_allclose(trace["readout"].output, expected["readout"], atol=1e-9)


def test_fused_has_no_inhibitory_neurons_and_explicit_obeys_dale(dense_graph):
    fused, explicit = (
        run_passes(float_pipeline(CompileOptions(mapping=mapping)), dense_graph())
        for mapping in ("fused", "explicit")
    )
    assert [p.name for p in fused.populations] == ["input", "lif1", "lif2", "readout"]
    assert {p.sign for p in explicit.projections} == {"excitatory", "inhibitory"}
    assert explicit.by_name["ei1.inhibitory"].shape == (5,)
    assert [explicit.by_name[n].offset for n in ("ei1.inhibitory", "lif1", "lif2")] == [1, 2, 4]
    direct = next(p for p in explicit.into("lif1") if p.source == "input")
    assert direct.delay == 2
    assert all(explicit.lag(p) == 0 for p in explicit.projections)


def test_convolutions_stay_convolutions(conv_graph):
    program = run_passes(float_pipeline(CompileOptions(mapping="explicit")), conv_graph())
    assert all(isinstance(p.operator, Conv2d) for p in program.into("lif2"))
    assert isinstance(program.into("readout")[0].operator, Dense)


def test_gains_are_folded_into_the_balanced_weights_only(dense_graph):
    graph = dense_graph()
    program = run_passes(float_pipeline(CompileOptions()), graph)
    node = graph.nodes["ei1"]
    balanced, shunt = program.into("lif1")
    expected = node.gain_e[:, None] * (node.weight_ee - node.weight_ei @ node.weight_ie)
    np.testing.assert_allclose(balanced.operator.weight, expected, rtol=1e-12)
    np.testing.assert_allclose(
        shunt.operator.weight, node.weight_ei @ np.diag(node.gain_i) @ node.weight_ie, rtol=1e-12
    )
    assert program.by_name["lif1"].neuron.gain == 1.0


def test_nested_graphs_are_inlined(dense_graph, frames):
    graph = dense_graph()
    inner = nir.NIRGraph(
        {
            "in": nir.Input({"input": np.array([12])}),
            "ei1": graph.nodes["ei1"],
            "lif1": graph.nodes["lif1"],
            "out": nir.Output({"output": np.array([20])}),
        },
        [("in", "ei1"), ("ei1", "lif1"), ("lif1", "out")],
        type_check=False,
    )
    nodes = {k: v for k, v in graph.nodes.items() if k not in ("ei1", "lif1")} | {"block": inner}
    edges = [("input", "block"), ("block", "ei2"), *graph.edges[3:]]
    nested = nir.NIRGraph(nodes, edges, metadata=graph.metadata, type_check=False)
    x = Stimulus({"input": frames((12,))})
    flat, inlined = (
        reference.run(run_passes(float_pipeline(CompileOptions()), g), x) for g in (graph, nested)
    )
    np.testing.assert_array_equal(inlined["block.lif1"].output, flat["lif1"].output)
    np.testing.assert_array_equal(inlined["readout"].output, flat["readout"].output)


def test_time_constants_without_dt_are_refused(dense_graph):
    graph = dense_graph()
    del graph.metadata["dt"]
    with pytest.raises(GraphError, match="say how long a step is"):
        run_passes(float_pipeline(CompileOptions()), graph)
    program = run_passes(float_pipeline(CompileOptions(dt=1e-3)), graph)
    assert program.dt == 1e-3


def test_a_step_longer_than_a_time_constant_is_refused(dense_graph):
    with pytest.raises(GraphError, match=r"lif1.*0 < dt ≤ τ"):
        run_passes(float_pipeline(CompileOptions(dt=3e-3)), dense_graph())


def test_what_cannot_be_compiled_is_refused_by_name(dense_graph):
    graph = dense_graph()
    graph.nodes["lif1"] = nir.Threshold(np.ones(20))
    with pytest.raises(UnsupportedError, match=r"'(ei1|lif1)'.*Threshold"):
        run_passes(float_pipeline(CompileOptions()), graph)
    circuit = dense_graph().nodes["ei1"]
    assert isinstance(circuit, EILinear)
    lonely = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([12])}),
            "ei1": circuit,
            "output": nir.Output({"output": np.array([20])}),
        },
        [("input", "ei1"), ("ei1", "output")],
        metadata={"dt": 1e-3},
        type_check=False,
    )
    with pytest.raises(UnsupportedError, match=r"'ei1'.*must drive exactly one LIF"):
        run_passes(float_pipeline(CompileOptions()), lonely)


def test_a_pipeline_in_the_wrong_order_is_refused_before_it_runs(dense_graph):
    passes = float_pipeline(CompileOptions())
    with pytest.raises(UnsupportedError, match="'populate' requires"):
        run_passes(passes[5:], dense_graph())
