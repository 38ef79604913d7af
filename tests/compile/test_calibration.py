"""Scales of weights: which of them saturate, for how many there is one, and how ports balance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eideploy.compile import Calibration, CompileOptions, integer_pipeline
from eideploy.compile.circuits import circuit_neuron
from eideploy.compile.equalize import MOST_SCALING, Equalize
from eideploy.compile.integers import integer_weights
from eideploy.compile.overflow import Prove
from eideploy.compile.quantize import Quantize
from eideploy.compile.ranges import port_ranges
from eideploy.errors import InputError
from eideploy.program import (
    Conv2d,
    Dense,
    EINeuron,
    Identity,
    LIFNeuron,
    Neuron,
    Operator,
    Population,
    Program,
    Projection,
    Source,
    Stimulus,
)
from eideploy.program.neuron import STATE_MAX
from eideploy.simulate import reference

N_IN, N = 40, 12


def layers(*neurons: Neuron, operator: Any = None, seed: int = 0) -> Program:
    """source → lif1 → lif2 …, with weights of long tails."""
    rng = np.random.default_rng(seed)
    populations = [Population("input", (N_IN,), Source(levels=16))]
    projections = []
    for index, neuron in enumerate(neurons, start=1):
        before = populations[-1]
        weight = rng.laplace(0.1, 0.3, (N, before.size)) * rng.uniform(0.1, 1, (N, 1))
        name = f"lif{index}"
        populations.append(Population(name, (N,), neuron, offset=index))
        projections.append(Projection(before.name, name, operator or Dense(weight), delay=1))
    return Program(tuple(populations), tuple(projections), "float", (name,))


def lif(**changes: Any) -> LIFNeuron:
    plain = {"current_decay": 1.0, "voltage_decay": 0.3, "gain": 1.0, "bias": 0.02}
    return LIFNeuron(**{**plain, "threshold": 1.2, **changes})


def show(seed: int = 1, samples: int = 8, steps: int = 20) -> Stimulus:
    x = np.random.default_rng(seed).integers(0, 17, (samples, steps, N_IN)) / 16
    return Stimulus({"input": x})


def squared_error(program: Program, integer: Program, index: int = 0) -> float:
    """Mean square of what became of a projection's weights, in their own unit."""
    before, after = program.projections[index], integer.projections[index]
    scales = integer.metadata["scales"]
    port = scales["ports"][after.target][after.port]
    unit = port / scales["emitted"][after.source] / 2.0**after.exponent
    return float(np.mean((after.operator.weight / unit - before.operator.weight) ** 2))


@pytest.mark.parametrize("bits", [8, 4, 3])
def test_error_calibration_is_at_least_as_good_as_every_other(bits):
    program = layers(lif())
    errors = {
        method: squared_error(program, Quantize(bits, Calibration(method))(program))
        for method in ("max", "percentile", "error")
    }
    # The magnitudes are counted in bins, hence the percent.
    assert errors["error"] <= 1.01 * min(errors.values())
    if bits == 3:
        assert errors["error"] < 0.7 * errors["max"]


@given(
    seed=st.integers(0, 2**16),
    tail=st.sampled_from(["normal", "exponential", "laplace", "standard_cauchy"]),
    levels=st.sampled_from([3, 7, 15, 127, 255]),
)
@settings(max_examples=30)
def test_no_clipping_is_much_better_than_that_of_least_error(seed, tail, levels):
    weight = np.abs(getattr(np.random.default_rng(seed), tail)(size=500))

    def error(reach: float) -> float:
        step = reach / levels
        return float(np.mean((np.minimum(np.rint(weight / step), levels) * step - weight) ** 2))

    chosen = Calibration("error").reach(weight, levels, "any")
    assert 0 < chosen <= weight.max()
    best = min(error(weight.max() * share) for share in np.linspace(0.02, 1, 200))
    # What is tried is a step of 9 % apart, down to 1/32 of the largest weight.
    if weight.max() < 32 * np.median(weight):
        assert error(chosen) <= 1.25 * best
    assert error(chosen) <= 1.01 * error(weight.max())


def test_what_is_beyond_the_percentile_saturates():
    weight = np.linspace(0.001, 1, 5000).reshape(1, -1) * np.where(np.arange(5000) % 2, 1, -1)
    weight[0, 0] = 40.0
    rest = Calibration("percentile").reach(weight, 127, "lif1")
    assert rest == pytest.approx(1.0, rel=2e-3)
    assert Calibration("max").reach(weight, 127, "lif1") == 40.0
    projection = Projection("a", "b", Dense(weight))
    integer = integer_weights(projection, 254 / rest, 8, rest).operator.weight
    assert integer[0, 0] == 254
    assert np.sum(np.abs(integer) == 254) < 50, (
        "0.1 % saturates, and what is rounded to the largest"
    )


def test_a_method_may_be_chosen_for_one_population():
    program = layers(lif(), lif())
    plain, mixed = (
        Quantize(4, calibration)(program)
        for calibration in (Calibration(), Calibration.parse(["max", "lif2=error"]))
    )
    first, second = zip(plain.projections, mixed.projections, strict=True)
    np.testing.assert_array_equal(first[0].operator.weight, first[1].operator.weight)
    assert np.any(second[0].operator.weight != second[1].operator.weight)


def test_what_calibration_cannot_be_is_an_error_with_a_remedy():
    with pytest.raises(InputError, match="no method 'mean'") as caught:
        Calibration.parse(["lif1=mean"])
    assert "max, percentile, error" in caught.value.remedy
    with pytest.raises(InputError, match="'lif3', which does not exist") as caught:
        Quantize(8, Calibration.parse(["lif3=error"]))(layers(lif(), lif()))
    assert "Did you mean 'lif" in caught.value.remedy


def test_calibrated_programs_are_proven_and_stay_within_their_ranges():
    program = layers(lif(), lif(current_decay=0.4))
    for method in ("percentile", "error"):
        integer = Prove()(Quantize(4, Calibration(method))(program))
        trace = reference.run(integer, show())
        assert np.abs(trace["lif2"].state["u"]).max() < 2**23
        assert port_ranges(integer)["lif2", "input"].magnitude.max() <= STATE_MAX


# --- granularity ---

LIFS = {
    "plain": lif(),
    "reset and rest": lif(initial=0.2, reset_to=-0.3, bias=0.1),
    "soft": lif(reset="subtract", reset_to=1.2),
    "currents": lif(current_decay=0.3, current_bias=np.linspace(-0.1, 0.1, N), threshold=3.0),
    "neurons that differ": lif(threshold=np.linspace(0.6, 3, N), gain=np.linspace(0.5, 1, N)),
}


@pytest.mark.parametrize("name", LIFS)
def test_lifs_with_a_unit_each_spike_as_before(name):
    program = layers(LIFS[name], LIFS[name])
    equal = Equalize()(program)
    before, after = (reference.run(p, show()) for p in (program, equal))
    for population in ("lif1", "lif2"):
        assert 0.02 < before[population].output.mean() < 0.95
        np.testing.assert_array_equal(before[population].output, after[population].output)
    rows = np.abs(equal.projections[0].operator.weight).max(axis=1)
    was = np.abs(program.projections[0].operator.weight).max(axis=1)
    factor = rows / was
    assert factor.min() >= 1
    assert factor.max() > 1.5
    assert rows.max() == was.max(), "no row may set the scale that did not before"
    thresholds = np.abs(equal.by_name["lif1"].neuron.threshold)
    assert thresholds.max() <= MOST_SCALING * np.max(program.by_name["lif1"].neuron.threshold)


def test_channels_of_a_convolution_have_a_unit_each_and_one_to_one_connections_none():
    operator = Conv2d(np.random.default_rng(0).laplace(0.1, 0.3, (3, 2, 3, 3)), padding=(1, 1))
    operator = replace(
        operator, weight=operator.weight * np.array([1, 0.5, 0.3])[:, None, None, None]
    )

    def convolved(operator: Operator, shape: tuple[int, ...]) -> Program:
        return Program(
            (
                Population("input", (2, 5, 4), Source(levels=16)),
                Population("lif", shape, lif(), offset=1),
            ),
            (Projection("input", "lif", operator, delay=1),),
            "float",
            ("lif",),
        )

    program = convolved(operator, (3, 5, 4))
    equal = Equalize()(program)
    assert equal.by_name["lif"].neuron.threshold.shape == (3, 1, 1)
    x = np.random.default_rng(2).integers(0, 17, (4, 15, 2, 5, 4)) / 16
    before, after = (reference.run(p, Stimulus({"input": x})) for p in (program, equal))
    np.testing.assert_array_equal(before["lif"].output, after["lif"].output)
    same = convolved(Identity(np.ones(())), (2, 5, 4))
    assert Equalize()(same) is same
    beside = Projection("input", "lif", Dense(np.ones((60, 40))), delay=1)
    both = replace(program, projections=(*program.projections, beside))
    assert Equalize()(both) is both


@pytest.mark.parametrize("bits", [8, 4])
def test_channels_lose_less_than_projections(bits):
    program = layers(lif(), lif())
    floating = reference.run(program, show())
    wrong = []
    for prepared in (program, Equalize()(program)):
        fixed = reference.run(Prove()(Quantize(bits)(prepared)), show())
        wrong.append(np.mean(floating["lif2"].output != fixed["lif2"].output))
    assert wrong[1] < wrong[0]


def test_granularity_and_calibration_are_what_the_pipeline_is_made_of():
    calibration = Calibration("error")
    whole, rows = (
        {step.name: step for step in integer_pipeline(options)}
        for options in (
            CompileOptions(granularity="projection"),
            CompileOptions(calibration=calibration, weight_bits=5),
        )
    )
    assert "equalize" not in whole
    assert rows["equalize"] == Equalize(calibration, 5)
    assert rows["quantize"] == Quantize(5, calibration)


# --- the balance of B and S ---


def circuit(seed: int) -> Program:
    """An E-I layer that forgets at once, so that its potential is the quotient."""
    rng = np.random.default_rng(seed)
    shunt = rng.exponential(rng.uniform(0.5, 2) / N_IN, (N, N_IN))
    balanced = shunt * rng.normal(rng.uniform(0, 1), 1, shunt.shape) * rng.uniform(0.1, 10)
    neuron = EINeuron(voltage_decay=1.0, gain=1.0, bias=0.0, floor=0.01, threshold=1.0)
    return Program(
        (
            Population("input", (N_IN,), Source(levels=16)),
            Population("ei", (N,), neuron, offset=1),
        ),
        (
            Projection("input", "ei", Dense(balanced), port="balanced", delay=1),
            Projection("input", "ei", Dense(shunt), port="shunt", delay=1, sign="excitatory"),
        ),
        "float",
        ("ei",),
    )


def current_error(program: Program, integer: Program) -> float:
    """Relative error of the current I."""
    x = show(3, samples=6, steps=5)
    real = reference.run(program, x)["ei"].state["v"]
    held = reference.run(integer, x)["ei"].state["v"] / integer.by_name["ei"].neuron.threshold
    return float(np.sqrt(np.mean((held - real) ** 2) / np.mean(real**2)))


@pytest.mark.parametrize("seed", range(6))
def test_the_scales_of_b_and_s_are_as_good_as_their_neighbours(seed):
    program = circuit(seed)
    chosen = Quantize()(program)
    scales = chosen.metadata["scales"]["ports"]["ei"]
    error = current_error(program, chosen)
    for balanced in (-1, 0, 1):
        for shunt in (-1, 0, 1):
            factors = {"balanced": 2.0**balanced, "shunt": 2.0**shunt}
            other = {port: scale * factors[port] for port, scale in scales.items()}
            neuron = circuit_neuron(program.by_name["ei"], program.by_name["ei"].neuron, other)
            projections = tuple(
                integer_weights(p, other[p.port] / 16, 8, float(np.max(np.abs(p.operator.weight))))
                for p in program.projections
            )
            neighbour = replace(
                chosen.replace_population(replace(chosen.by_name["ei"], neuron=neuron)),
                projections=projections,
            )
            assert error <= 1.1 * current_error(program, neighbour), (balanced, shunt)
    assert error < 0.02
