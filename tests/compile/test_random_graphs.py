"""Random graphs over all nodes: what their equations say is what their Programs do."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest
from equations import interpret
from hypothesis import Phase, given, reject, settings
from hypothesis import strategies as st
from random_graphs import cases, kinds

from eideploy.compile import CompileOptions, float_pipeline, integer_pipeline, run_passes
from eideploy.compile.ranges import port_ranges
from eideploy.errors import QuantizationError, UnsupportedError
from eideploy.graph.schema import NODE_TYPES
from eideploy.program import Program, Stimulus, Trace, encode
from eideploy.simulate import reference, twin


def check_float(graph: nir.NIRGraph, stimulus: Stimulus, options: CompileOptions) -> None:
    """Reference and twin give on the float Program what the equations of the graph give."""
    program = run_passes(float_pipeline(options), graph)
    expected = interpret(graph, stimulus)
    for run in (reference.run, twin.run):
        check_trace(graph, program, run(program, stimulus), expected)


def check_trace(graph: nir.NIRGraph, program: Program, trace: Trace, expected: Any) -> None:
    """Spikes, graded values and potentials are those of the nodes of the same names."""
    assert {name for name in expected if name.endswith(".v")} == {
        f"{name}.v" for name, recording in trace.recordings.items() if "v" in recording.state
    }
    for name, recording in trace.recordings.items():
        if name in expected:  # all but the I populations of circuits, and what waits
            compare(recording.output, expected[name], name)
        if "v" in recording.state:
            compare(recording.state["v"], expected[f"{name}.v"], name)
    given = [trace[name].output for name in program.outputs]
    for name, node in graph.nodes.items():
        if isinstance(node, nir.Output):
            wanted = expected[name]
            assert any(
                x.size == wanted.size and alike(x.reshape(wanted.shape), wanted) for x in given
            )


def compare(values: Any, expected: Any, name: str) -> None:
    assert alike(values, expected), f"{name}: {values} where the equations give {expected}"


def alike(values: Any, expected: Any) -> bool:
    """Whether two ways to add the same numbers up gave the same; loops of integrators can grow."""
    return np.allclose(values, expected, 1e-9, 1e-9 * np.max(np.abs(expected), initial=1.0))


def check_integer(graph: nir.NIRGraph, stimulus: Stimulus, options: CompileOptions) -> None:
    """The twin agrees with the reference bit for bit, and no port leaves its proven range."""
    try:
        program = run_passes(integer_pipeline(options), graph)
    except (QuantizationError, UnsupportedError):
        reject()
    one, other = (run(program, stimulus) for run in (reference.run, twin.run))
    for name, recording in one.recordings.items():
        np.testing.assert_array_equal(recording.output, other[name].output, err_msg=name)
        for variable, values in recording.state.items():
            np.testing.assert_array_equal(values, other[name].state[variable], err_msg=name)
    check_ranges(program, stimulus, one)


def check_ranges(program: Program, stimulus: Stimulus, trace: Trace) -> None:
    emitted = {name: r.output.astype(np.int64) for name, r in trace.recordings.items()} | encode(
        program, stimulus
    )
    for (name, port), bound in port_ranges(program).items():
        total: Any = np.zeros((), np.int64)
        for projection in program.into(name):
            if projection.port == port:
                sent, lag = emitted[projection.source], program.lag(projection)
                arrived = [
                    [
                        reference.deliver(projection, x).reshape(program.by_name[name].shape)
                        for x in s
                    ]
                    for s in sent
                ]
                late = np.zeros_like(arrived)
                late[:, lag:] = np.array(arrived)[:, : max(0, len(sent[0]) - lag)]
                total = total + late
        assert np.all(total >= bound.low), (name, port)
        assert np.all(total <= bound.high), (name, port)


def test_graphs_of_all_nodes_are_drawn():
    seen: set[str] = set()

    @settings(max_examples=200, phases=[Phase.generate], database=None)
    @given(case=cases())
    def collect(case):
        seen.update(kinds(case[0]))

    collect()
    assert seen == {*NODE_TYPES, "NIRGraph"}


@settings(max_examples=50)
@given(data=st.data())
def test_a_float_program_does_what_the_equations_of_its_graph_say(data):
    check_float(*data.draw(cases()))


@settings(max_examples=50)
@given(data=st.data())
def test_an_integer_program_is_the_same_for_twin_and_proof(data):
    check_integer(*data.draw(cases(integer=True)))


@pytest.mark.slow
@settings(max_examples=600)
@given(data=st.data())
def test_many_float_programs_do_what_the_equations_say(data):
    check_float(*data.draw(cases()))


@pytest.mark.slow
@settings(max_examples=600)
@given(data=st.data())
def test_many_integer_programs_are_the_same_for_twin_and_proof(data):
    check_integer(*data.draw(cases(integer=True)))
