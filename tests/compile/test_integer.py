"""Integer Programs: close to the float ones, and provably within their widths."""

from __future__ import annotations

from dataclasses import replace

import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eideploy.compile import CompileOptions, float_pipeline, integer_pipeline, run_passes
from eideploy.compile.equalize import Equalize
from eideploy.compile.overflow import Prove
from eideploy.compile.quantize import Quantize
from eideploy.compile.ranges import port_ranges
from eideploy.errors import QuantizationError
from eideploy.program import (
    Conv2d,
    Dense,
    LIFNeuron,
    Population,
    Program,
    Projection,
    Relay,
    Source,
    Stimulus,
)
from eideploy.simulate import reference

OPTIONS = [
    CompileOptions(mapping=mapping, weight_bits=bits)
    for mapping in ("fused", "explicit")
    for bits in (8, 6)
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: f"{o.mapping}-{o.weight_bits}")
@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_weights_respect_sign_and_width(kind, options, dense_graph, conv_graph):
    program = run_passes(
        integer_pipeline(options), (dense_graph if kind == "dense" else conv_graph)()
    )
    lost = 2 ** (8 - options.weight_bits)
    for projection in program.projections:
        weight = projection.operator.weight
        step = lost * (2 if projection.sign == "mixed" else 1)
        assert np.all(weight % step == 0)
        assert weight.max() <= 256 - step
        assert weight.min() >= -256
        assert np.abs(weight).max() > 100, "a projection wastes more than one of its bits"


@pytest.mark.parametrize("mapping", ["fused", "explicit"])
@pytest.mark.parametrize("reset", ["value", "subtract"])
@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_quantized_spikes_are_nearly_those_of_the_float_program(
    kind, reset, mapping, dense_graph, conv_graph, frames
):
    graph = (dense_graph if kind == "dense" else conv_graph)(reset)
    stimulus = Stimulus({"input": frames((12,) if kind == "dense" else (2, 7, 6), samples=20)})
    options = CompileOptions(mapping=mapping)
    floating = reference.run(run_passes(float_pipeline(options), graph), stimulus)
    integer = reference.run(run_passes(integer_pipeline(options), graph), stimulus)
    agreement = {n: np.mean(floating[n].output == integer[n].output) for n in ("lif1", "lif2")}
    assert agreement["lif1"] > 0.99
    # The second layer sees the differences of the first; random weights do not damp them.
    assert agreement["lif2"] > 0.95


def test_no_sum_leaves_the_range_that_was_proven(conv_graph, dense_graph):
    for graph, shape in ((conv_graph(), (2, 7, 6)), (dense_graph(), (12,))):
        for mapping in ("fused", "explicit"):
            program = run_passes(integer_pipeline(CompileOptions(mapping=mapping)), graph)
            ranges = port_ranges(program)
            rng = np.random.default_rng(0)
            x = rng.integers(0, 17, (8, *shape))
            x[0], x[1] = 0, 16
            first = [p for p in program.projections if p.source == "input"]
            for projection in first:
                bound = ranges[projection.target, projection.port]
                shared = [p for p in program.into(projection.target) if p.port == projection.port]
                if len(shared) > 1:
                    continue  # the bound is that of all of them
                target = program.by_name[projection.target]
                for frame in x:
                    total = reference.deliver(projection, frame).reshape(target.shape)
                    assert np.all(total <= np.broadcast_to(bound.high, target.shape))
                    assert np.all(total >= np.broadcast_to(bound.low, target.shape))


@given(
    weight=st.lists(st.integers(-256, 255), min_size=3, max_size=3),
    high=st.integers(1, 255),
    exponent=st.integers(0, 6),
)
def test_the_bound_of_a_dense_port_is_reached(weight, high, exponent):
    """The proof is neither too weak nor wasteful: some input reaches each end of the range."""
    program = Program(
        (
            Population("input", (3,), Source(maximum=float(high))),
            Population("relay", (1,), Relay(), offset=1),
        ),
        (Projection("input", "relay", Dense(np.array([weight])), delay=1, exponent=exponent),),
        "integer",
        ("relay",),
    )
    bound = port_ranges(program)["relay", "input"]
    extreme = np.array(
        [np.where(np.array(weight) > 0, high, 0), np.where(np.array(weight) < 0, high, 0)]
    )
    trace = reference.run(program, Stimulus({"input": extreme[:, None].astype(float)}))
    assert trace["relay"].output[:, 0, 0].tolist() == [bound.high[0], bound.low[0]]


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_the_bound_of_a_convolution_holds(seed):
    rng = np.random.default_rng(seed)
    groups = int(rng.integers(1, 3))
    operator = Conv2d(rng.integers(-20, 20, (2 * groups, 2, 3, 2)), (1, 2), (1, 0), (1, 1), groups)
    source = (2 * groups, 5, 6)
    target = operator.output_shape(source)
    program = Program(
        (
            Population("input", source, Source(maximum=9.0)),
            Population("relay", target, Relay(), offset=1),
        ),
        (Projection("input", "relay", operator, delay=1),),
        "integer",
        ("relay",),
    )
    bound = port_ranges(program)["relay", "input"]
    x = rng.integers(0, 2, (4, 1, *source)) * 9.0
    output = reference.run(program, Stimulus({"input": x}))["relay"].output
    assert np.all(output <= np.broadcast_to(bound.high, target))
    assert np.all(output >= np.broadcast_to(bound.low, target))


def _wide(fan_in: int) -> Program:
    ones = Dense(np.ones((2, fan_in)))
    return Program(
        (
            Population("input", (fan_in,), Source(maximum=1.0)),
            Population("lif", (2,), LIFNeuron(1.0, 0.5, 1.0, 0.0, threshold=1.0), offset=1),
        ),
        (Projection("input", "lif", ones, delay=1, sign="excitatory"),),
        "float",
        ("lif",),
    )


def test_scales_shrink_until_a_wide_layer_fits_and_else_the_neuron_is_named():
    fitting = Prove()(Quantize()(_wide(400)))
    assert port_ranges(fitting)["lif", "input"].magnitude.max() < 2**17
    with pytest.raises(QuantizationError, match=r"'lif'.*neuron 0"):
        Quantize()(_wide(200_000))


def test_prove_names_the_population_that_overflows(dense_graph):
    program = run_passes(integer_pipeline(CompileOptions()), dense_graph())
    projection = program.into("lif2")[0]
    broken = program.replace_projection(projection, replace(projection, exponent=20))
    with pytest.raises(QuantizationError, match=r"'lif2'.*'balanced'"):
        Prove()(broken)


def test_plain_lif_and_cuba_lif_quantize(frames):
    one = np.ones(6)
    input_node = nir.Input({"input": np.array([4])})
    input_node.metadata = {"high": 1.0, "levels": 16}
    rng = np.random.default_rng(3)
    graph = nir.NIRGraph(
        {
            "input": input_node,
            "affine": nir.Affine(rng.normal(0, 0.6, (6, 4)), rng.normal(0.1, 0.1, 6)),
            "lif": nir.LIF(
                tau=4e-3 * one, r=3 * one, v_leak=0.2 * one, v_threshold=one, v_reset=0.2 * one
            ),
            "linear": nir.Linear(rng.normal(0, 1.5, (6, 6))),
            "cuba": nir.CubaLIF(
                tau_mem=5e-3 * one,
                tau_syn=2e-3 * one,
                r=2 * one,
                v_leak=0 * one,
                v_threshold=0.7 * one,
                v_reset=0 * one,
                w_in=1.5 * one,
            ),
            "output": nir.Output({"output": np.array([6])}),
        },
        [
            ("input", "affine"),
            ("affine", "lif"),
            ("lif", "linear"),
            ("linear", "cuba"),
            ("cuba", "output"),
        ],
        metadata={"dt": 1e-3},
    )
    stimulus = Stimulus({"input": frames((4,), samples=10, steps=30)})
    floating = reference.run(run_passes(float_pipeline(CompileOptions()), graph), stimulus)
    integer = reference.run(run_passes(integer_pipeline(CompileOptions()), graph), stimulus)
    # Few, large weights of mixed sign: 7 bits leave steps of 1 % of a threshold.
    for name, least in (("lif", 0.97), ("cuba", 0.92)):
        assert 0.02 < floating[name].output.mean() < 0.9
        assert np.mean(floating[name].output == integer[name].output) > least


@pytest.mark.parametrize("mapping", ["fused", "explicit"])
@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_equalized_rows_compute_the_same_with_larger_weights(
    kind, mapping, dense_graph, conv_graph, frames
):
    graph = (dense_graph if kind == "dense" else conv_graph)()
    program = run_passes(float_pipeline(CompileOptions(mapping=mapping)), graph)
    equal = Equalize()(program)
    gain = equal.by_name["lif1"].neuron.gain
    assert np.all(gain * 256 % 1 == 0)
    assert gain.min() < 1.0 == gain.max()
    stimulus = Stimulus({"input": frames((12,) if kind == "dense" else (2, 7, 6))})
    before, after = (reference.run(p, stimulus) for p in (program, equal))
    for name in ("lif1", "lif2"):
        np.testing.assert_array_equal(before[name].output, after[name].output)
    rows = np.abs(equal.into("lif1")[0].operator.weight).reshape(len(gain.ravel()), -1).max(axis=1)
    was = np.abs(program.into("lif1")[0].operator.weight).reshape(len(rows), -1).max(axis=1)
    assert np.min(rows / rows.max()) > np.min(was / was.max())
