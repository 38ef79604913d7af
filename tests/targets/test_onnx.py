"""Targets `onnx` and `onnx-fixed`: compiled networks, what is refused, and what is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import eideploy_targets.onnx.target as module
import nir
import numpy as np
import pytest
from eideploy_targets.onnx import Onnx, OnnxFixed

from eideploy.compile import CompileOptions, float_pipeline, run_passes
from eideploy.errors import InputError, MissingComponentError, StimulusError, UnsupportedError
from eideploy.program import (
    Conv2d,
    Dense,
    Identity,
    IntegratorFixed,
    LIFNeuron,
    LIFNeuronFixed,
    Operator,
    Population,
    Program,
    Projection,
    Relay,
    Source,
    Stimulus,
    Trace,
)
from eideploy.simulate import reference
from eideploy.simulate.record import Record
from eideploy.targets import FileFormat, Target, load_target
from eideploy.verify import Limits, verify

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def assert_equal(got: Trace, expected: Trace) -> None:
    assert list(got.recordings) == list(expected.recordings)
    for name, recording in expected.recordings.items():
        np.testing.assert_array_equal(got[name].output, recording.output, name)
        assert list(got[name].state) == list(recording.state)
        for variable, values in recording.state.items():
            np.testing.assert_array_equal(got[name].state[variable], values, f"{name}.{variable}")


def changed(program: Program, name: str, **changes: Any) -> Program:
    return program.replace_population(replace(program.by_name[name], **changes))


@pytest.mark.parametrize(("target", "arithmetic"), [(Onnx(), "float"), (OnnxFixed(), "integer")])
def test_both_are_found_by_name(target: Target, arithmetic: str) -> None:
    assert load_target(target.name) == target
    assert (target.arithmetic, target.relation) == (arithmetic, "exact")
    assert isinstance(target, FileFormat)


# --- compiled networks ---


def climb(graph: nir.NIRGraph, target: Target, values: Any, **options: Any) -> Any:
    chosen = CompileOptions(**options)
    return verify(
        model="network",
        stimulus=Stimulus({"input": values}),
        target=target,
        float_program=run_passes(float_pipeline(chosen), graph),
        program=run_passes(target.pipeline(chosen), graph),
        limits=Limits(agreement=0),
    ).report


@pytest.mark.parametrize("mapping", ["fused", "explicit"])
@pytest.mark.parametrize("reset", ["value", "subtract"])
@pytest.mark.parametrize("target", [Onnx(), OnnxFixed()], ids=["onnx", "onnx-fixed"])
def test_circuits_hold_in_both_mappings(
    target: Target, reset: str, mapping: str, dense_graph: Any, conv_graph: Any, frames: Any
) -> None:
    for graph, shape in ((dense_graph(reset), (12,)), (conv_graph(reset), (2, 7, 6))):
        hop = climb(graph, target, frames(shape), mapping=mapping).hops[-1]
        assert hop.after == target.name
        assert (hop.relation, hop.status) == ("exact", "pass")
        assert min(p.spikes_after for p in hop.populations if p.name.startswith("lif")) > 20


def counting(threshold: float) -> nir.NIRGraph:
    """A neuron that counts its input, one in every step."""
    one = np.ones(1)
    first = nir.Input({"input": np.array([1])})
    first.metadata = {"high": 1.0, "levels": 1}
    nodes = {
        "input": first,
        "synapse": nir.Linear(np.ones((1, 1))),
        "if": nir.IF(r=one, v_threshold=threshold * one, v_reset=0 * one),
        "output": nir.Output({"output": np.array([1])}),
    }
    names = list(nodes)
    return nir.NIRGraph(nodes, list(pairwise(names)), type_check=False)


@pytest.mark.parametrize(
    ("target", "threshold", "right", "wrong"),
    [
        # Floats that reach their threshold exactly are ties, which no hop may be full of.
        (OnnxFixed(), 2.0, "Greater (v, threshold)", "GreaterOrEqual (v, threshold)"),
        (OnnxFixed(), 1.5, "Where (spikes, reset_to, v)", "Where (spikes, v, v)"),
        (Onnx(), 1.5, "Where (spikes, reset_to, v)", "Where (spikes, v, v)"),
    ],
)
def test_a_wrong_backend_is_found_out(
    target: Target, threshold: float, right: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eideploy_targets.onnx import functions

    graph, ones = counting(threshold), np.ones((2, 6, 1))
    assert climb(graph, target, ones).hops[-1].status == "pass"
    texts = [text.replace(right, wrong) for text in functions._NEURONS]
    assert texts != list(functions._NEURONS)
    with monkeypatch.context() as patch:
        patch.setattr(functions, "_NEURONS", texts)
        functions._library.cache_clear()
        report = climb(graph, target, ones)
    functions._library.cache_clear()
    assert [hop.after for hop in report.hops if hop.status == "fail"] == [target.name]
    assert report.hops[-1].culprit == "if"


# --- running ---


def test_chunks_of_samples_do_not_show(program: Program, stimulus: Stimulus) -> None:
    whole, seen = OnnxFixed().run(program, stimulus, Record()), []
    pieces = OnnxFixed(memory=1).run(
        program, stimulus, Record(), lambda done, of: seen.append((done, of))
    )
    assert seen == [(done, 12) for done in range(1, 13)]
    assert_equal(pieces, whole)
    assert_equal(whole, reference.run(program, stimulus))


def test_what_is_recorded_is_what_was_asked_for(program: Program, stimulus: Stimulus) -> None:
    for record in (Record(("out", "input")), Record(("hidden",), state=False), Record(())):
        assert_equal(
            OnnxFixed().run(program, stimulus, record), reference.run(program, stimulus, record)
        )


def test_names_may_be_anything(stimulus: Stimulus) -> None:
    """Also what the model would call a value of its own."""
    neuron = LIFNeuronFixed(2048, 128, 1, 0, threshold=9)
    names = ["it", "it.v", "it.v.before", "zero", "samples", "a b/c→d"]
    program = Program(
        (
            Population("input", (3,), Source(scale=16.0)),
            *(Population(name, (3,), neuron, offset=1) for name in names),
        ),
        tuple(Projection("input", name, Identity(np.array(70)), delay=1) for name in names),
        "integer",
        ("it",),
    )
    assert_equal(OnnxFixed().run(program, stimulus, Record()), reference.run(program, stimulus))


def test_a_population_without_projections_emits_its_bias(stimulus: Stimulus) -> None:
    program = Program(
        (
            Population("input", (3,), Source(scale=16.0)),
            Population("constant", (1, 2), Relay(shift=2, bias=np.array([7, -6]))),
        ),
        (),
        "integer",
        ("constant",),
    )
    trace = OnnxFixed().run(program, stimulus, Record())
    assert trace["constant"].output.shape == (12, 5, 1, 2)
    assert np.unique(trace["constant"].output.reshape(-1, 2), axis=0).tolist() == [[2, -1]]


def test_limits_hold_far_beyond_32_bits() -> None:
    """onnxruntime's Clip, Min, Max and Sign are wrong there for int64."""
    neuron = IntegratorFixed(
        current_decay=np.array([0, 0, 0, 0]),
        voltage_decay=0,
        bias_mantissa=0,
        bias_exponent=0,
        current_bias=np.array([-8388607, 8388607, -8388607, 8388607]),
        shift=16,
    )
    program = Program(
        (Population("input", (4,), Source()), Population("it", (4,), neuron, offset=1)),
        (Projection("input", "it", Identity(np.array(1)), delay=1),),
        "integer",
        ("it",),
    )
    stimulus = Stimulus({"input": np.zeros((2, 9, 4))})
    trace = OnnxFixed().run(program, stimulus, Record())
    assert_equal(trace, reference.run(program, stimulus))
    assert np.abs(trace["it"].state["u"]).max() > 2**32
    assert np.abs(trace["it"].state["v"]).max() == 2**23 - 1


# --- in which numbers sums are taken ---


@pytest.mark.parametrize(
    ("weight", "largest", "expected"),
    [
        (Dense(np.full((2, 4), 255)), 255.0, np.float32),
        (Dense(np.full((1, 8192), 2048)), 1.0, np.float64),  # the sum may be 2^24
        (Dense(np.full((1, 8191), 2048)), 1.0, np.float32),
        (Dense(np.array([[2049]])), 1.0, np.float64),  # more bits than TF32 has
        (Dense(np.array([[1]])), 2049.0, np.float64),
        (Dense(np.array([[2**30, -(2**30)]])), 2.0**22, np.int64),  # the sum may be 2^53
        (Dense(np.array([[2**30, 1 - 2**30]])), 2.0**22, np.float64),
        (Conv2d(np.full((2, 3, 5, 5), -7)), 16.0, np.float32),
    ],
)
def test_sums_are_taken_in_the_narrowest_numbers_that_hold_them(
    weight: Operator, largest: float, expected: type
) -> None:
    from eideploy_targets.onnx.bounds import Bounds

    shape = (3, 5, 5) if isinstance(weight, Conv2d) else (weight.weight.shape[1],)
    target = (2, 1, 1) if isinstance(weight, Conv2d) else (weight.weight.shape[0],)
    projection = Projection("input", "sum", weight, delay=1)
    program = Program(
        (
            Population("input", shape, Source(-largest, largest)),
            Population("sum", target, Relay(), offset=1),
        ),
        (projection,),
        "integer",
        ("sum",),
    )
    assert Bounds(program).exact_type(projection) == expected
    values = np.random.default_rng(0).integers(-int(largest), int(largest) + 1, (2, 3, *shape))
    values[0, 0] = largest
    stimulus = Stimulus({"input": values})
    assert_equal(OnnxFixed().run(program, stimulus, Record()), reference.run(program, stimulus))


def test_a_loop_of_relays_is_summed_in_whole_numbers() -> None:
    """Nothing bounds it, so nothing narrower would be sure to hold it."""
    program = Program(
        (Population("input", (1,), Source()), Population("sum", (1,), Relay(), offset=1)),
        (
            Projection("input", "sum", Dense(np.array([[1]])), delay=1),
            Projection("sum", "sum", Dense(np.array([[3]])), delay=1),
        ),
        "integer",
        ("sum",),
    )
    stimulus = Stimulus({"input": np.ones((1, 38, 1))})
    trace = OnnxFixed().run(program, stimulus, Record())
    assert trace["sum"].output[0, -1, 0] == (3**38 - 1) // 2 > 2**58


# --- what is refused ---


def two(delay: int, **options: Any) -> Program:
    """A source, a neuron, and a projection between them that should take one hardware step."""
    neuron = LIFNeuron(1.0, 0.5, 1.0, 0.0, 1.0)
    return Program(
        (Population("input", (3,), Source()), Population("it", (3,), neuron, offset=1)),
        (Projection("input", "it", Identity(np.array(1.0)), delay=delay),),
        "float",
        ("it",),
        **options,
    )


def in_a_circle() -> Program:
    program, neuron = two(1), two(1).by_name["it"].neuron
    synapse = Identity(np.array(1.0))
    return replace(
        program,
        populations=(*program.populations, Population("other", (3,), neuron, offset=1)),
        projections=(
            *program.projections,
            Projection("it", "other", synapse),
            Projection("other", "it", synapse),
        ),
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: two(0), r"input→it\.input, with a delay of 0, arrives before it is due"),
        (lambda: two(2, stride=3), r"input→it\.input, with a delay of 2, arrives between two"),
        (lambda: changed(two(1), "it", reset_phase=None), "'it' has the reset phase None"),
        (lambda: changed(two(1), "it", reset_phase=2), "'it' has the reset phase 2"),
        (in_a_circle, "the loop (it → other → it|other → it → other) waits for the next"),
    ],
    ids=["early", "between", "never reset", "reset late", "circle"],
)
def test_a_program_without_logical_time_is_refused(
    make: Callable[[], Program], message: str, stimulus: Stimulus
) -> None:
    with pytest.raises(UnsupportedError, match=message):
        Onnx().run(make(), stimulus, Record())


def test_the_other_arithmetic_is_refused(program: Program, stimulus: Stimulus) -> None:
    with pytest.raises(UnsupportedError, match="'onnx' runs Programs of float arithmetic"):
        Onnx().run(program, stimulus, Record())
    with pytest.raises(UnsupportedError, match="Use target 'onnx' for float Programs"):
        OnnxFixed().run(two(1), stimulus, Record())


def test_a_stimulus_that_does_not_fit_is_refused(program: Program) -> None:
    with pytest.raises(StimulusError, match=r"ranges over \[2, 2\]"):
        OnnxFixed().run(program, Stimulus({"input": np.full((1, 2, 3), 2.0)}), Record())


# --- what is missing ---


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_a_missing_library_is_named(
    missing: str, monkeypatch: pytest.MonkeyPatch, program: Program, stimulus: Stimulus
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == missing else "there")
    availability = OnnxFixed().available()
    assert not availability.ok
    assert availability.reason == f"{missing} is not installed"
    assert availability.remedy == "pip install 'eideploy[onnx]'"
    with pytest.raises(MissingComponentError, match=f"{missing} is not installed"):
        OnnxFixed().run(program, stimulus, Record())


def test_a_device_is_one_that_there_is(
    monkeypatch: pytest.MonkeyPatch, program: Program, stimulus: Stimulus
) -> None:
    import onnxruntime

    with pytest.raises(InputError, match="onnx: device is 'tpu', expected one of"):
        Onnx(device="tpu")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="onnx: memory is 0"):
        Onnx(memory=0)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    assert Onnx().available().ok
    availability = Onnx(device="cuda").available()
    assert "has no CUDAExecutionProvider" in availability.reason
    assert "onnxruntime-gpu" in availability.remedy
    with pytest.raises(MissingComponentError, match="has no CUDAExecutionProvider"):
        OnnxFixed(device="cuda").run(program, stimulus, Record())


@pytest.mark.filterwarnings("ignore:Specified provider 'CUDAExecutionProvider' is not in")
def test_a_device_that_cannot_be_started_is_no_silent_cpu(
    monkeypatch: pytest.MonkeyPatch, program: Program, stimulus: Stimulus
) -> None:
    import onnxruntime

    if OnnxFixed(device="cuda").available().ok:
        pytest.skip("there is CUDA here")
    claimed = [*onnxruntime.get_available_providers(), "CUDAExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: claimed)
    with pytest.raises(MissingComponentError, match="would compute on the CPU"):
        OnnxFixed(device="cuda").run(program, stimulus, Record())


@pytest.mark.parametrize("target", [Onnx(device="cuda"), OnnxFixed(device="cuda")])
def test_cuda_computes_the_same(target: Target, program: Program, stimulus: Stimulus) -> None:
    if not target.available().ok:
        pytest.skip(target.available().reason)
    subject = program if target.arithmetic == "integer" else two(1)
    assert_equal(
        target.run(subject, stimulus, Record()), reference.run(subject, stimulus, Record())
    )
