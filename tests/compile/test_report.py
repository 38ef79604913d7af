"""The report on quantization says what can be counted in the integers themselves."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from eideploy.compile import Calibration
from eideploy.compile.equalize import Equalize
from eideploy.compile.quantize import Quantize
from eideploy.compile.report import compile_reported, quantization_report
from eideploy.errors import InputError, UnsupportedError
from eideploy.program import (
    Conv2d,
    Dense,
    EINeuron,
    Integrator,
    LIFNeuron,
    Population,
    Program,
    Projection,
    Relay,
    Source,
)
from eideploy.program.neuron import STATE_MAX

N_IN, N = 10, 6


def program() -> Program:
    """source → E-I → relay → LIF → integrator, one neuron of each worse than the others."""
    rng = np.random.default_rng(0)
    shunt = rng.exponential(0.1, (N, N_IN))
    weight = rng.normal(0, 0.4, (N, N))
    weight[4] *= 0.01
    return Program(
        (
            Population("input", (N_IN,), Source(levels=16)),
            Population("ei", (N,), EINeuron(0.5, 1.0, 0.1, 0.01, threshold=1.0), offset=1),
            Population("relay", (N,), Relay(bias=0.5), offset=2),
            Population("lif", (N,), LIFNeuron(0.3, 0.0123, 1.0, 0.0, threshold=1.0), offset=3),
            Population("readout", (2,), Integrator(1.0, 0.1, 1.0, 0.0), offset=4),
        ),
        (
            Projection("input", "ei", Dense(shunt * rng.normal(0, 1, shunt.shape)), "balanced", 1),
            Projection("input", "ei", Dense(shunt), "shunt", 1, sign="excitatory"),
            Projection("ei", "relay", Dense(rng.normal(0, 1, (N, N))), delay=1),
            Projection("relay", "lif", Dense(weight), delay=1),
            Projection("lif", "readout", Dense(rng.normal(0, 1, (2, N))), delay=1),
        ),
        "float",
        ("readout",),
    )


@pytest.fixture(scope="module")
def pair() -> tuple[Program, Program]:
    floating = Equalize()(program())
    return floating, Quantize()(floating)


def test_every_population_but_the_inputs_is_in_the_report(pair):
    report = quantization_report(*pair)
    assert [p.name for p in report.populations] == ["ei", "relay", "lif", "readout"]
    ei, relay, lif, readout = report.populations
    assert [w.port for w in ei.weights] == ["balanced", "shunt"]
    assert ei.thresholds == (4096, 4096)
    assert ei.quotient_bits == 22
    assert (relay.thresholds, relay.decay_error, relay.quotient_shift) == (None, None, None)
    # 0.0123 · 4096 = 50.4 becomes 50; 0.3 · 4096 = 1228.8 becomes 1229, and 0.0002 is less.
    assert lif.decay_error == pytest.approx(1 - 50 / 4096 / 0.0123)
    assert readout.shift == 0
    assert set(lif.headroom) == {"input", "current"}
    assert set(ei.headroom) == {"balanced", "shunt", "potential"}
    assert all(bits >= 0 for p in report.populations for bits in p.headroom.values())


def test_errors_are_those_of_the_weights_in_their_own_unit(pair):
    floating, integer = pair
    report = quantization_report(floating, integer)
    made = {(p.name, w.port): w for p in report.populations for w in p.weights}
    for before, after in zip(floating.projections, integer.projections, strict=True):
        weight = made[after.target, after.port]
        real, held = before.operator.weight, after.operator.weight
        # The unit is the one in which the integers are nearest to the weights.
        unit = float(np.sum(held * real) / np.sum(real**2))
        assert weight.scale == pytest.approx(unit, rel=0.01)
        step = 2 if after.sign == "mixed" else 1
        assert weight.largest_error <= 0.51 * step / weight.scale / np.abs(real).max()
        assert 0 < weight.error < 0.02
        assert weight.bits == 8
        assert weight.exponent == after.exponent
        assert weight.saturated == 0


def test_head_room_is_what_is_left_of_the_width(pair):
    floating, integer = pair
    readout = quantization_report(floating, integer).populations[-1]
    projection = integer.projections[-1]
    positive = np.maximum(projection.operator.weight, 0).sum(axis=1)
    negative = np.minimum(projection.operator.weight, 0).sum(axis=1)
    most = max(positive.max(), -negative.min()) * 2.0**projection.exponent
    assert 2 ** -readout.headroom["input"] == pytest.approx(most / STATE_MAX)
    assert readout.headroom["current"] == pytest.approx(readout.headroom["input"] - 6, abs=1e-6)


def test_the_worst_neurons_are_those_of_small_weights():
    floating = program()  # as it is: each projection has one scale
    lif = quantization_report(floating, Quantize()(floating)).populations[2]
    assert lif.worst[0].index == 4
    assert lif.worst[0].error > 10 * lif.worst[1].error
    assert not lif.channels
    equal = Equalize()(floating)
    assert quantization_report(equal, Quantize()(equal)).populations[2].worst[0].error < (
        lif.worst[0].error / 2
    )


def test_of_a_convolution_channels_are_named():
    weight = np.random.default_rng(1).normal(0, 1, (3, 2, 3, 3))
    weight[1] *= 0.02
    lif = LIFNeuron(1.0, 0.5, 1.0, 0.0, threshold=1.0)
    floating = Program(
        (
            Population("input", (2, 4, 4), Source(levels=16)),
            Population("lif", (3, 4, 4), lif, offset=1),
        ),
        (Projection("input", "lif", Conv2d(weight, padding=(1, 1)), delay=1),),
        "float",
        ("lif",),
    )
    lif_report = quantization_report(floating, Quantize()(floating)).populations[0]
    assert lif_report.channels
    assert lif_report.worst[0].index == 1
    assert len(lif_report.worst) == 3


def test_what_saturates_and_what_vanishes_is_counted():
    weight = np.full((1, 1000), 0.5)
    weight[0, :2] = 8.0
    weight[0, 2:12] = 1e-6
    lif = LIFNeuron(1.0, 0.5, 1.0, 0.0, threshold=1.0)
    floating = Program(
        (
            Population("input", (1000,), Source(levels=1)),
            Population("lif", (1,), lif, offset=1),
        ),
        (Projection("input", "lif", Dense(weight), delay=1, sign="excitatory"),),
        "float",
        ("lif",),
    )
    calibration = Calibration("percentile", percentile=99.0)
    integer = Quantize(8, calibration)(floating)
    made = quantization_report(floating, integer).populations[0].weights[0]
    assert made.saturated == pytest.approx(2 / 1000)
    assert made.vanished == pytest.approx(10 / 1000)
    assert made.largest_error == pytest.approx(7.5 / 8, rel=0.01)


def test_a_report_is_plain_json(pair):
    document = json.loads(json.dumps(quantization_report(*pair).to_dict()))
    assert document["weight_bits"] == 8
    assert document["populations"][0]["weights"][0]["port"] == "balanced"


def test_programs_that_do_not_belong_together_are_refused(pair):
    floating, integer = pair
    with pytest.raises(InputError, match="before and after"):
        quantization_report(integer, floating)
    with pytest.raises(InputError, match="before and after"):
        quantization_report(floating, replace(integer, projections=integer.projections[:-1]))


def test_a_pipeline_without_integers_has_no_report():
    with pytest.raises(UnsupportedError, match="floating point"):
        compile_reported((), None)  # type: ignore[arg-type]
