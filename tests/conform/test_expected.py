"""What is expected of a case comes in the arrays that executors give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import nir
import numpy as np
import pytest

from eideploy.conform import Case
from eideploy.conform.cases.build import lif, show, single
from eideploy.conform.expected import expected
from eideploy.errors import InputError
from eideploy.program import (
    Dense,
    Integrator,
    LIFNeuron,
    Population,
    Program,
    Projection,
    Source,
    Stimulus,
)


def case(network: Any, stimulus: Stimulus, **more: Any) -> Case:
    return Case("test/case", "Something holds.", network, stimulus, **more)


def floats(neuron: Any, weight: float = 1.0) -> Program:
    return Program(
        (Population("in", (2, 3), Source()), Population("out", (1, 2), neuron, 4)),
        (Projection("in", "out", Dense(np.full((2, 6), weight)), delay=4),),
        "float",
        ("out",),
    )


FRAMES = Stimulus({"in": np.ones((3, 2, 2, 3))})


def test_a_recording_has_the_shape_the_offset_and_the_kind_of_numbers_of_its_population() -> None:
    recordings = expected(case(floats(LIFNeuron(1, 1, 1, 0, 5)), FRAMES)).recordings
    assert set(recordings) == {"out"}
    out = recordings["out"]
    assert (out.output.shape, out.output.dtype, out.offset) == ((3, 2, 1, 2), np.uint8, 4)
    assert out.output.all()
    assert {name: values.dtype for name, values in out.state.items()} == {
        "u": np.float64,
        "v": np.float64,
    }
    assert np.all(out.state["v"] == 6)


def test_integers_are_wide_and_spikes_narrow() -> None:
    out = expected(case(single(lif(threshold=1), 2), show([1, 0])))["out"]
    assert out.output.dtype == np.uint8
    assert out.state["v"].dtype == np.int64
    assert np.array_equal(out.state["v"], [[[128], [0]]])


def test_graded_values_of_a_float_program_are_floats() -> None:
    assert expected(case(floats(Integrator(1, 1, 1, 0)), FRAMES))["out"].output.dtype == np.float64


def test_parameters_are_one_for_each_neuron() -> None:
    neuron = LIFNeuron(1, 1, 1, 0, np.array([5.0, 6.0]))
    out = expected(case(floats(neuron), FRAMES))["out"]
    assert np.array_equal(out.output[0, 0], [[1, 0]])


def test_state_is_left_out_where_a_case_does_not_ask_for_it() -> None:
    shown = case(single(lif(), 1), show([1]))
    assert set(expected(shown)["out"].state) == {"u", "v"}
    assert not expected(replace(shown, state=False))["out"].state


def test_a_number_that_no_float_holds_is_refused() -> None:
    narrow = floats(Integrator(1, 1, 1, 0), 1 + 2.0**-52)
    with pytest.raises(InputError, match=r"case test/case: the output .* does not hold"):
        expected(case(narrow, FRAMES))


def test_an_integer_that_leaves_its_width_is_refused() -> None:
    with pytest.raises(InputError, match=r"case test/case: the sum on a port .* 24 bits"):
        expected(case(single(lif(), 2**23), show([1])))


def test_of_a_graph_all_nodes_are_expected_by_name() -> None:
    one = np.ones(2)
    graph = nir.NIRGraph(
        {
            "in": nir.Input({"input": np.array([2])}),
            "scale": nir.Linear(np.eye(2) * 2),
            "spikes": nir.IF(r=one, v_threshold=np.array([1.0, 2.0]), v_reset=0 * one),
            "out": nir.Output({"output": np.array([2])}),
        },
        [("in", "scale"), ("scale", "spikes"), ("spikes", "out")],
        type_check=False,
    )
    recordings = expected(case(graph, Stimulus({"in": np.ones((1, 2, 2))}))).recordings
    assert set(recordings) == {"scale", "spikes", "out"}
    assert np.array_equal(recordings["scale"].output, np.full((1, 2, 2), 2.0))
    assert recordings["scale"].output.dtype == np.float64
    assert np.array_equal(recordings["spikes"].output, [[[1, 0], [1, 1]]])
    assert recordings["spikes"].output.dtype == np.uint8
