"""The oracle of graphs: small traces found by hand, and what the compiler makes of the same."""

from __future__ import annotations

from fractions import Fraction
from importlib import import_module
from itertools import pairwise
from typing import Any

import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import cases as random_cases

from eideploy.compile import CompileOptions, float_pipeline, run_passes
from eideploy.conform import Case
from eideploy.conform.cases import MODULES
from eideploy.conform.expected import expected
from eideploy.conform.oracle import graphs
from eideploy.conform.oracle.graph_order import closing, inlined
from eideploy.conform.plain_graph import graph_trace, plain_graph, plain_values
from eideploy.errors import InputError
from eideploy.program import Stimulus
from eideploy.simulate import reference

HALF, ONE = Fraction(1, 2), Fraction(1)


def chain(*nodes: dict[str, Any], n: int = 1, dt: Fraction | None = ONE) -> dict[str, Any]:
    """Nodes `n0`, `n1` … behind an Input `in` of n numbers."""
    named = {"in": {"type": "Input", "takes": [n]}}
    named |= {f"n{index}": {"takes": [n], **node} for index, node in enumerate(nodes)}
    names = list(named)
    return {"dt": dt, "nodes": named, "edges": list(pairwise(names))}


def given_out(document: dict[str, Any], *steps: Any, name: str = "n0") -> list[list[Fraction]]:
    """What a node gives in each step of one sample, for numbers or lists of them."""
    shown = [[Fraction(x) for x in (s if isinstance(s, list) else [s])] for s in steps]
    return graphs.run(document, {"in": [shown]})[name]["output"][0]


def potentials(document: dict[str, Any], *steps: Any, name: str = "n0") -> list[Fraction]:
    shown = [[Fraction(step)] for step in steps]
    return [v for (v,) in graphs.run(document, {"in": [shown]})[name]["state"]["v"][0]]


LIF = {
    "type": "LIF",
    "tau": [Fraction(2)],
    "r": [Fraction(2)],
    "v_leak": [Fraction(0)],
    "v_threshold": [ONE],
    "v_reset": [Fraction(0)],
}


def test_a_lif_by_hand() -> None:
    """v ← v/2 + x; v = 1 is no spike, v = 1 + 1/8 is one and brings v to 0."""
    assert potentials(chain(LIF), 1, 0, HALF, HALF, 0) == [
        1,
        HALF,
        HALF + HALF / 2,
        7 * HALF / 4,
        7 * HALF / 8,
    ]
    assert given_out(chain(LIF), 1, Fraction(5, 8), 1) == [[0], [1], [0]]
    assert potentials(chain(LIF), 1, Fraction(5, 8), 1) == [1, Fraction(9, 8), 1]


def test_a_lif_starts_and_rests_at_its_leak_and_resets_elsewhere() -> None:
    node = LIF | {"v_leak": [Fraction(1, 2)], "v_reset": [Fraction(-1)]}
    # v ← v + (1/2 − v + 2x)/2
    assert potentials(chain(node), 0, 1, 0, 0) == [HALF, 3 * HALF, Fraction(-1, 4), Fraction(1, 8)]


def test_a_current_by_hand() -> None:
    """i ← i/2 + x; v ← v/2 + i."""
    node = {
        "type": "CubaLIF",
        "tau_syn": [Fraction(2)],
        "tau_mem": [Fraction(2)],
        "r": [Fraction(2)],
        "w_in": [Fraction(2)],
        "v_leak": [Fraction(0)],
        "v_threshold": [Fraction(5, 4)],
        "v_reset": [Fraction(0)],
    }
    assert potentials(chain(node), 1, 0, 0) == [1, 1, Fraction(3, 4)]
    # A spike of v = 3/2 leaves the current of 1/2 + 1/2.
    assert potentials(chain(node), 1, HALF, 0) == [1, Fraction(3, 2), HALF]


def test_integrators_and_soft_resets_by_hand() -> None:
    integrate = {"r": [Fraction(3)], "v_threshold": [ONE], "v_reset": [Fraction(-1)]}
    assert potentials(chain(integrate | {"type": "IF"}, dt=None), 1, 0, 1) == [3, -1, 2]
    soft = integrate | {"type": "SoftResetIF"}
    assert potentials(chain(soft, dt=HALF), 1, 0, 1) == [Fraction(3, 2), HALF, 2]
    assert given_out(chain(soft, dt=HALF), 1, 0, 1) == [[1], [0], [1]]
    assert given_out(chain({"type": "I", "r": [HALF]}), 1, 1, -4) == [[HALF], [1], [-1]]
    leaky = {"type": "LI", "tau": [Fraction(4)], "r": [ONE], "v_leak": [Fraction(0)]}
    assert given_out(chain(leaky), 4, 0) == [[1], [Fraction(3, 4)]]


def test_a_threshold_has_no_memory() -> None:
    node = {"type": "Threshold", "threshold": [HALF]}
    assert given_out(chain(node), 1, HALF, 0, Fraction(3, 4)) == [[1], [0], [0], [1]]


def test_a_kernel_by_hand() -> None:
    """[1 2 3] over 0 1 0 0 5 with the odd zero of `same` behind; not flipped."""
    node = {
        "type": "Conv1d",
        "takes": [1, 5],
        "weight": [[[ONE, Fraction(2)]]],
        "bias": [Fraction(10)],
        "stride": [1],
        "dilation": [1],
        "groups": 1,
    }
    document = chain(node | {"padding": "same"}, n=5)
    document["nodes"]["in"]["takes"] = [1, 5]
    assert given_out(document, [0, 1, 0, 0, 5]) == [[12, 11, 10, 20, 15]]
    document["nodes"]["n0"] |= {"padding": [2], "stride": [3]}
    assert given_out(document, [0, 1, 0, 0, 5]) == [[10, 11, 15]]
    document["nodes"]["n0"] |= {"padding": "valid", "stride": [1], "dilation": [3]}
    assert given_out(document, [0, 1, 0, 0, 5]) == [[10, 21]]


def test_an_image_by_hand() -> None:
    """Two groups: channel 0 is summed along rows, channel 1 along columns."""
    zero, one = Fraction(0), ONE
    node = {
        "type": "Conv2d",
        "takes": [2, 2, 2],
        "weight": [[[[one, one], [zero, zero]]], [[[one, zero], [one, zero]]]],
        "bias": [zero, zero],
        "stride": [1, 1],
        "dilation": [1, 1],
        "groups": 2,
        "padding": [0, 0],
    }
    document = chain(node, n=8)
    document["nodes"]["in"]["takes"] = [2, 2, 2]
    assert given_out(document, [1, 2, 3, 4, 5, 6, 7, 8]) == [[3, 12]]
    document["nodes"]["n0"] = {
        "type": "AvgPool2d",
        "takes": [2, 2, 2],
        "kernel_size": [2, 1],
        "stride": [2, 1],
        "padding": [1, 0],
    }
    halves = [1, 2, 3, 4, 5, 6, 7, 8]
    assert given_out(document, [1, 2, 3, 4, 5, 6, 7, 8]) == [[Fraction(v, 2) for v in halves]]


def test_a_circuit_by_hand() -> None:
    """Two inputs excite by 3 and 1 and inhibit by 1 each: B = 2 of S = 4, and the floor of 8."""
    node = {
        "type": "EILinear",
        "takes": [2],
        "weight_ee": [[Fraction(3), ONE]],
        "weight_ie": [[ONE, ONE]],
        "weight_ei": [[ONE]],
        "gain_i": [Fraction(2)],
        "gain_e": [Fraction(3)],
        "bias": [Fraction(10)],
        "floor": Fraction(1),
        "divisive": True,
    }
    reads = {"type": "I", "takes": [1], "r": [ONE]}
    assert given_out(chain(node, reads, n=2), [1, 1], name="n1") == [[3 * Fraction(2, 4) + 10]]
    floor = chain(node | {"floor": Fraction(8)}, reads, n=2)
    assert given_out(floor, [1, 1], [0, 0], name="n1") == [[Fraction(43, 4)], [Fraction(83, 4)]]
    assert given_out(chain(node | {"divisive": False}, n=2), [1, 1], [0, 1]) == [[2], [0]]


def test_delays_wait_in_silence_neuron_by_neuron() -> None:
    document = chain({"type": "Delay", "delay": [Fraction(0), Fraction(9, 4)]}, n=2)
    assert given_out(document, [1, 2], [3, 4], [5, 6]) == [[1, 0], [3, 0], [5, 2]]


def loop(back: list[dict[str, Any]]) -> dict[str, Any]:
    """An I that adds what it gave a step ago, through the nodes `back`."""
    document = chain({"type": "I", "r": [ONE]})
    names = ["n0", *(f"b{index}" for index in range(len(back))), "n0"]
    document["nodes"] |= {f"b{i}": {"takes": [1], **node} for i, node in enumerate(back)}
    document["edges"] += list(pairwise(names))
    return document


def test_a_loop_acts_in_the_next_step() -> None:
    twice = {"type": "Linear", "weight": [[Fraction(2)]]}
    assert given_out(loop([twice]), 1, 0, 0) == [[1], [3], [9]]
    assert given_out(loop([]), 1, 0, 0) == [[1], [2], [4]]


def test_a_bias_in_a_loop_acts_from_the_first_step_on() -> None:
    biased = {"type": "Affine", "weight": [[ONE]], "bias": [Fraction(5)]}
    assert given_out(loop([biased]), 1, 0) == [[6], [17]]


def test_a_delay_closes_its_loop_by_itself() -> None:
    two = {"type": "Delay", "delay": [Fraction(2)]}
    assert given_out(loop([two]), 1, 0, 0, 0) == [[1], [1], [2], [3]]
    none = {"type": "Delay", "delay": [Fraction(0)]}
    assert given_out(loop([none]), 1, 0, 0) == [[1], [2], [4]]


def test_which_edge_closes_a_loop() -> None:
    """That which leads back to where the search from the inputs comes from."""
    nodes = {name: {"type": "I", "takes": [1], "r": [ONE]} for name in "ab"}
    nodes["in"] = {"type": "Input", "takes": [1]}
    around = [("a", "b"), ("b", "a")]
    for first, second in (("a", "b"), ("b", "a")):
        edges = [("in", first), ("in", second), *around]
        assert closing({"dt": ONE, "nodes": nodes, "edges": edges}) == {(second, first)}


def test_nested_nodes_are_named_from_the_outside_in() -> None:
    inner = {
        "type": "NIRGraph",
        "takes": [1],
        "nodes": {
            "x": {"type": "Input", "takes": [1]},
            "if": {"type": "I", "takes": [1], "r": [Fraction(3)]},
            "y": {"type": "Output", "takes": [1]},
        },
        "edges": [("x", "if"), ("if", "y")],
    }
    document = chain(inner, {"type": "Scale", "scale": [Fraction(2)]})
    assert set(inlined(document)["nodes"]) == {"in", "n0.x", "n0.if", "n0.y", "n1"}
    assert given_out(document, 1, 0, name="n0.if") == [[3], [3]]
    assert given_out(document, 1, 0, name="n1") == [[6], [6]]


def test_nothing_is_left_of_a_sample_in_the_next() -> None:
    document = chain(LIF, {"type": "Delay", "delay": [ONE]})
    shown = {"in": [[[Fraction(3)], [Fraction(3)]], [[Fraction(0)], [Fraction(0)]]]}
    assert graphs.run(document, shown)["n1"]["output"] == [[[0], [1]], [[0], [0]]]


def test_documents_hold_what_floats_are_exactly() -> None:
    graph = nir.NIRGraph(
        {
            "in": nir.Input({"input": np.array([2])}),
            "w": nir.Linear(np.array([[0.1, 1.0]])),
            "lif": nir.LIF(*(np.array([x], np.float32) for x in (0.3, 1, 0, 1, 0))),
            "out": nir.Output({"output": np.array([1])}),
        },
        [("in", "w"), ("w", "lif"), ("lif", "out")],
        metadata={"dt": 0.1},
        type_check=False,
    )
    document = plain_graph(graph)
    assert document["dt"] == Fraction(0.1) != Fraction(1, 10)
    assert document["nodes"]["w"] == {
        "type": "Linear",
        "takes": [2],
        "weight": [[Fraction(0.1), Fraction(1)]],
    }
    assert document["nodes"]["lif"]["tau"] == [Fraction(float(np.float32(0.3)))]
    assert plain_graph(graph, dt=0.25)["dt"] == Fraction(1, 4)


def test_what_no_float_holds_is_refused() -> None:
    third = {"type": "Scale", "scale": [Fraction(1, 3)]}
    recordings = graphs.run(chain(third), {"in": [[[ONE]]]})
    with pytest.raises(InputError, match="node 'n0' is 1/3"):
        graph_trace(recordings)


GRAPHS = [name for name in MODULES if name.startswith("graphs_")]


@pytest.mark.parametrize("module", GRAPHS)
def test_float_programs_do_what_the_oracle_says(module: str) -> None:
    """Every population that has the name of a node, to the last bit of float64."""
    for case in import_module(f"eideploy.conform.cases.{module}").cases():
        program = run_passes(float_pipeline(case.options), case.network)
        found, wanted = reference.run(program, case.stimulus), expected(case)
        both = found.recordings.keys() & wanted.recordings.keys()
        assert {*program.outputs} <= both, case.name
        for name in both:
            np.testing.assert_array_equal(
                found[name].output, wanted[name].output, f"{case.name}: {name}"
            )


def check_random(graph: nir.NIRGraph, stimulus: Stimulus, options: CompileOptions) -> None:
    """Two orders of a sum may differ in their last bits; no sum of these meets a threshold."""
    found = reference.run(run_passes(float_pipeline(options), graph), stimulus)
    wanted = graphs.run(plain_graph(graph, options.dt), plain_values(stimulus))
    compared = found.recordings.keys() & wanted.keys()
    assert compared
    for name in compared:
        values = np.array(wanted[name]["output"], dtype=np.float64)
        values = values.reshape(found[name].output.shape)
        largest = max(1.0, np.max(np.abs(values)))
        np.testing.assert_allclose(found[name].output, values, 1e-9, 1e-9 * largest, name)


@settings(max_examples=12)
@given(data=st.data())
def test_random_graphs_do_what_the_oracle_says(data: st.DataObject) -> None:
    check_random(*data.draw(random_cases()))


@pytest.mark.slow
@settings(max_examples=300)
@given(data=st.data())
def test_many_random_graphs_do_what_the_oracle_says(data: st.DataObject) -> None:
    check_random(*data.draw(random_cases()))


def test_a_case_of_a_graph_expects_the_names_of_its_nodes() -> None:
    graph = nir.NIRGraph(
        {
            "in": nir.Input({"input": np.array([1])}),
            "cells": nir.Threshold(np.array([0.5])),
            "out": nir.Output({"output": np.array([1])}),
        },
        [("in", "cells"), ("cells", "out")],
        type_check=False,
    )
    case = Case("a/b", "A claim.", graph, Stimulus({"in": np.array([[[1.0], [0.0]]])}))
    trace = expected(case)
    assert set(trace.recordings) == {"cells", "out"}
    assert trace["cells"].output.dtype == np.uint8
    assert trace["cells"].output.tolist() == [[[1], [0]]]
    assert trace["out"].output.dtype == np.float64
