"""ONNX models of random Programs against the reference, in onnxruntime and in onnx itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from eideploy_targets.onnx import Onnx, OnnxFixed
from hypothesis import given, settings
from hypothesis import strategies as st

from eideploy.program import Program, Stimulus
from eideploy.simulate import reference
from eideploy.simulate.record import Record

pytest.importorskip("onnxruntime")
onnx_reference = pytest.importorskip("onnx.reference")

Programs = Callable[[str], st.SearchStrategy[Program]]
Stimuli = Callable[[Program], st.SearchStrategy[Stimulus]]

EXAMPLES = [
    pytest.param(40, id="some"),
    pytest.param(600, id="many", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("examples", EXAMPLES)
def test_integers_are_equal_in_every_bin_and_state(
    examples: int, programs: Programs, stimuli: Stimuli
) -> None:
    @settings(max_examples=examples)
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        program = data.draw(programs("integer"))
        stimulus = data.draw(stimuli(program))
        expected = reference.run(program, stimulus)
        got = OnnxFixed(memory=data.draw(st.sampled_from([1, 2**29]))).run(
            program, stimulus, Record()
        )
        assert list(got.recordings) == list(expected.recordings)
        for name, recording in expected.recordings.items():
            _same(got[name].output, recording.output)
            assert got[name].offset == recording.offset
            for variable, values in recording.state.items():
                _same(got[name].state[variable], values)

    holds()


@pytest.mark.parametrize("examples", EXAMPLES)
def test_floats_are_equal_up_to_rounding(
    examples: int, programs: Programs, stimuli: Stimuli
) -> None:
    @settings(max_examples=examples)
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        program = data.draw(programs("float"))
        stimulus = data.draw(stimuli(program))
        expected, got = reference.run(program, stimulus), Onnx().run(program, stimulus, Record())
        for name, recording in expected.recordings.items():
            assert got[name].output.dtype == recording.output.dtype
            np.testing.assert_allclose(got[name].output, recording.output, 1e-9, 1e-9)
            for variable, values in recording.state.items():
                np.testing.assert_allclose(got[name].state[variable], values, 1e-9, 1e-9)

    holds()


@settings(max_examples=15)
@given(data=st.data())
def test_another_runtime_computes_the_same_integers(
    data: st.DataObject, programs: Programs, stimuli: Stimuli
) -> None:
    from eideploy_targets.onnx.model import build

    program = data.draw(programs("integer"))
    stimulus = data.draw(stimuli(program))
    model = build(program, Record())
    values = {name: array.astype(np.float64) for name, array in stimulus.values.items()}
    runtime = onnx_reference.ReferenceEvaluator(model.proto)
    results = runtime.run(list(model.outputs.values()), values)
    expected = reference.run(program, stimulus)
    for (name, variable), got in zip(model.outputs, results, strict=True):
        recording = expected[name]
        _same(got, recording.state[variable] if variable else recording.output)


def _same(got: Any, expected: Any) -> None:
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)
