"""Every float neuron model has an integer form that does nearly the same, and cannot overflow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from eideploy.compile.equalize import Equalize
from eideploy.compile.overflow import Prove
from eideploy.compile.quantize import Quantize
from eideploy.compile.ranges import emitted_ranges, port_ranges
from eideploy.errors import QuantizationError, UnsupportedError
from eideploy.program import (
    Conv2d,
    Dense,
    EINeuron,
    EINeuronFixed,
    Identity,
    Integrator,
    IntegratorFixed,
    LIFNeuron,
    LIFNeuronFixed,
    Neuron,
    Population,
    Program,
    Projection,
    Relay,
    Source,
    Stimulus,
    Trace,
)
from eideploy.program.neuron import CURRENT_SHIFT, STATE_MAX
from eideploy.simulate import reference

Array = NDArray[Any]
N_IN, N = 24, 16
SAMPLES, STEPS = 12, 40


def weights(seed: int, n: int = N, n_in: int = N_IN, mean: float = 0.02) -> Dense:
    return Dense(np.random.default_rng(seed).normal(mean, 0.3, (n, n_in)))


def lif(**changes: Any) -> LIFNeuron:
    plain = {"current_decay": 1.0, "voltage_decay": 0.25, "gain": 1.0, "bias": 0.05}
    return LIFNeuron(**{**plain, "threshold": 1.0, **changes})


def integrator(**changes: Any) -> Integrator:
    return Integrator(
        **{"current_decay": 1.0, "voltage_decay": 0.1, "gain": 1.0, "bias": 0.0, **changes}
    )


def circuit(**changes: Any) -> EINeuron:
    plain = {"voltage_decay": 0.5, "gain": 1.0, "bias": 0.2, "floor": 0.01, "threshold": 1.0}
    return EINeuron(**{**plain, **changes})


def single(neuron: Neuron, operator: Any = None, shape: tuple[int, ...] = (N,)) -> Program:
    """A source and a population of the model behind it."""
    rng = np.random.default_rng(1)
    if isinstance(neuron, EINeuron):
        w_s = rng.exponential(0.04, (N, N_IN))
        operators = {"balanced": Dense(w_s * rng.normal(0.5, 1.5, w_s.shape)), "shunt": Dense(w_s)}
    else:
        operators = {"input": operator or weights(2)}
    signs = {"shunt": "excitatory"}
    return Program(
        (
            Population("input", (N_IN,), Source(levels=16)),
            Population("neurons", shape, neuron, offset=1),
        ),
        tuple(
            Projection("input", "neurons", w, port=port, delay=1, sign=signs.get(port, "mixed"))
            for port, w in operators.items()
        ),
        "float",
        ("neurons",),
    )


def show(*names: str, seed: int = 0, shape: tuple[int, ...] = (N_IN,)) -> Stimulus:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 17, (SAMPLES, STEPS, *shape)) * rng.integers(0, 2, (SAMPLES, STEPS, 1)) / 16
    x[0], x[1] = 1, 0
    return Stimulus(dict.fromkeys(names or ("input",), x))


def both(program: Program, stimulus: Stimulus | None = None) -> tuple[Program, Trace, Trace]:
    """The proven integer Program, and what it and the float one do."""
    integer = Prove()(Quantize()(Equalize()(program)))
    shown = stimulus or show()
    traces = [reference.run(p, shown) for p in (program, integer)]
    return integer, traces[0], traces[1]


def agreement(floating: Trace, integer: Trace, name: str = "neurons") -> float:
    return float(np.mean(floating[name].output == integer[name].output))


heterogeneous = np.linspace(0.5, 1.5, N)

LIFS = {
    "reset above rest": lif(reset_to=0.3),
    "reset below rest": lif(reset_to=-0.6),
    "rest and reset differ": lif(initial=-0.4, bias=-0.05, reset_to=-0.2),
    "reset far below": lif(reset_to=-60.0, voltage_decay=0.5, bias=0.3),
    "biased current": lif(current_decay=0.2, current_bias=0.02, bias=0.0),
    "biased current of both signs": lif(
        current_decay=0.3, current_bias=np.linspace(-0.05, 0.05, N), threshold=1.5
    ),
    "threshold": lif(voltage_decay=1.0, bias=0.0, threshold=0.4),
    "threshold 0": lif(voltage_decay=1.0, bias=0.0, threshold=0.0),
    "threshold below 0": lif(voltage_decay=1.0, bias=0.0, threshold=-0.3),
    "threshold with a reset": lif(voltage_decay=1.0, bias=0.0, threshold=0.4, reset_to=0.2),
    "soft reset": lif(reset="subtract", reset_to=1.0),
    "no leak": lif(voltage_decay=0.0, bias=0.01, reset_to=0.2, threshold=2.0),
    "slow": lif(voltage_decay=1 / 2000, bias=0.0, threshold=4.0),
    "neurons that differ": lif(
        current_decay=0.5 * heterogeneous,
        voltage_decay=0.3 * heterogeneous,
        bias=0.1 * heterogeneous,
        threshold=1.5 * heterogeneous[::-1],
        reset_to=0.2 * heterogeneous - 0.2,
        initial=0.1 * heterogeneous,
    ),
    "gains that differ": lif(gain=heterogeneous, threshold=1.2),
    "refractory": lif(refractory=np.arange(N) % 3),
    "refractory with a soft reset": lif(refractory=2, reset="subtract", reset_to=1.0),
}


@pytest.mark.parametrize("name", LIFS)
def test_a_lif_keeps_its_spikes(name):
    integer, floating, fixed = both(single(LIFS[name]))
    assert isinstance(integer.by_name["neurons"].neuron, LIFNeuronFixed)
    assert 0.02 < floating["neurons"].output.mean() < 0.9
    assert agreement(floating, fixed) > 0.98
    # Without a reset the potentials are close too, and never at their limits.
    assert np.abs(fixed["neurons"].state["u"]).max() < 2**23


def test_a_refractory_period_stays_as_it_is():
    integer, floating, fixed = both(single(lif(refractory=3, initial=-0.2, gain=heterogeneous)))
    assert integer.by_name["neurons"].neuron.refractory == 3
    for trace in (floating, fixed):
        spikes = trace["neurons"].output
        assert max(spikes[:, t : t + 4].sum(1).max() for t in range(STEPS - 3)) == 1


def test_what_a_lif_is_reset_to_is_a_value_of_its_potential():
    integer, *_ = both(single(lif(initial=-0.4, bias=-0.1, reset_to=-0.2)))
    neuron = integer.by_name["neurons"].neuron
    # θ is 1.4 above rest, v_reset 0.2.
    measured = neuron.reset_to / 2**CURRENT_SHIFT / neuron.threshold
    np.testing.assert_allclose(measured, 0.2 / 1.4, rtol=1e-3)


INTEGRATORS = {
    "leaky": integrator(),
    "leaky from v_leak": integrator(initial=2.0, bias=0.2),
    "with a current": integrator(current_decay=0.2, current_bias=0.05),
    "slow": integrator(voltage_decay=1 / 1000),
    "without leak": integrator(voltage_decay=0.0),
    "biased down": integrator(bias=-0.7),
    "differing": integrator(voltage_decay=0.2 * heterogeneous, bias=heterogeneous - 1),
}


@pytest.mark.parametrize("name", INTEGRATORS)
def test_an_integrator_emits_its_potential(name):
    integer, floating, fixed = both(single(INTEGRATORS[name]))
    assert isinstance(integer.by_name["neurons"].neuron, IntegratorFixed)
    real = fixed["neurons"].output / integer.metadata["output_scale"]["neurons"]
    spread = floating["neurons"].output.std()
    # A weight of 8 bits is wrong by up to 0.4 % of the largest.
    assert np.sqrt(np.mean((real - floating["neurons"].output) ** 2)) < 0.02 * spread
    assert np.abs(fixed["neurons"].state["v"]).max() < 2**23 - 1
    emitted = emitted_ranges(integer)["neurons"]
    assert np.all(fixed["neurons"].output <= emitted.high)
    assert np.all(fixed["neurons"].output >= emitted.low)


def test_the_range_of_an_integrator_is_reached():
    """The bound is not wasteful: the strongest steady input comes within a percent of it."""
    program = single(integrator(current_decay=0.5, voltage_decay=0.25, bias=0.3))
    integer = Quantize()(program)
    row = integer.projections[0].operator.weight[0]
    for sign in (-1, 1):
        x = np.broadcast_to(sign * row > 0, (1, 100, N_IN)).astype(float)
        reached = reference.run(integer, Stimulus({"input": x}))["neurons"].output[0, -1, 0]
        emitted = emitted_ranges(integer)["neurons"]
        end = (emitted.high if sign > 0 else emitted.low)[0]
        assert sign * end >= sign * reached > 0.99 * sign * end


CIRCUITS = {
    "reset above rest": circuit(reset_to=0.3),
    "reset below rest": circuit(reset_to=-2.0),
    "rest and reset differ": circuit(initial=-0.5, bias=-0.1, reset_to=0.2),
    "soft reset": circuit(reset="subtract", reset_to=1.0),
    "slow": circuit(voltage_decay=1 / 2500, bias=0.0),
    "slow, of small currents": circuit(
        voltage_decay=1 / 2500, gain=1 / 2500, bias=0.8 / 2500, threshold=0.6
    ),
    "slowest": circuit(voltage_decay=1 / 4096, bias=0.0, threshold=4.0),
    "neurons that differ": circuit(
        voltage_decay=0.5 * heterogeneous,
        gain=heterogeneous,
        bias=0.2 * heterogeneous,
        threshold=heterogeneous[::-1],
        reset_to=0.2 * heterogeneous,
        floor=0.01 * heterogeneous,
    ),
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_a_circuit_keeps_its_spikes(name):
    stimulus = (
        show()
        if "small" not in name
        else Stimulus({"input": np.random.default_rng(0).integers(0, 17, (2, 4000, N_IN)) / 16})
    )
    integer, floating, fixed = both(single(CIRCUITS[name]), stimulus)
    assert isinstance(integer.by_name["neurons"].neuron, EINeuronFixed)
    assert 0.0005 < floating["neurons"].output.mean() < 0.95
    assert agreement(floating, fixed) > 0.97
    assert np.abs(fixed["neurons"].state["v"]).max() < 2**23


def graded_chain(neuron: Neuron, **changes: Any) -> Program:
    """source → graded population → LIF."""
    return Program(
        (
            Population("input", (N_IN,), Source(levels=16)),
            Population("graded", (N,), neuron, offset=1),
            Population("neurons", (N,), lif(**changes), offset=2),
        ),
        (
            Projection("input", "graded", weights(2), delay=1),
            Projection("graded", "neurons", weights(3, N, N), delay=1),
        ),
        "float",
        ("graded", "neurons"),
    )


@pytest.mark.parametrize(
    "neuron",
    [
        integrator(),
        integrator(voltage_decay=0.0),
        Relay(bias=np.linspace(-1, 1, N)),
        Relay(bias=np.full(N, 40.0)),
    ],
    ids=["leaky", "without leak", "biased relay", "relay of much bias"],
)
def test_what_follows_graded_values_keeps_its_spikes(neuron):
    program = graded_chain(neuron, threshold=3.0, voltage_decay=0.5)
    integer, floating, fixed = both(program)
    assert 0.02 < floating["neurons"].output.mean() < 0.9
    assert agreement(floating, fixed) > 0.97
    weight = integer.into("neurons")[0].operator.weight
    assert np.abs(weight).max() > 200, "the weights behind lost bits to the payload"
    real = fixed["graded"].output / integer.metadata["output_scale"]["graded"]
    error = np.sqrt(np.mean((real - floating["graded"].output) ** 2))
    assert error < 0.02 * floating["graded"].output.std()


def test_the_silence_of_a_biased_relay_is_in_its_range():
    relay = Relay(bias=np.full(N, 40.0))
    integer = Quantize()(graded_chain(relay))
    emitted = emitted_ranges(integer)["graded"]
    assert np.all(emitted.low == 0)
    first = integer.into("neurons")[0].operator.weight
    port = port_ranges(integer)["neurons", "input"]
    assert np.all(port.low <= 0)
    assert np.all(port.high >= 0)
    assert np.any(first < 0)


def test_a_weight_for_each_neuron_of_a_one_to_one_connection():
    operator = Identity(np.linspace(-1.0, 2.0, N_IN))
    program = single(lif(threshold=2.0), operator, (4, 6))
    _, floating, fixed = both(program)
    assert agreement(floating, fixed) > 0.98


def test_a_convolution_along_one_axis():
    operator = Conv2d(np.random.default_rng(5).normal(0.1, 0.5, (3, 2, 1, 3)), padding=(0, 1))
    program = Program(
        (
            Population("input", (2, 12), Source(levels=16)),
            Population("neurons", (3, 12), lif(), offset=1),
        ),
        (Projection("input", "neurons", operator, delay=1),),
        "float",
        ("neurons",),
    )
    x = np.random.default_rng(0).integers(0, 17, (SAMPLES, STEPS, 2, 12)) / 16
    _, floating, fixed = both(program, Stimulus({"input": x}))
    assert agreement(floating, fixed) > 0.98


def loop(first: Neuron, second: Neuron, stride: int = 1) -> Program:
    """input → first → second → first, in which a logical step takes `stride` hardware steps."""
    return Program(
        (
            Population("input", (N_IN,), Source(levels=16)),
            Population("first", (N,), first, offset=1),
            Population("second", (N,), second, offset=2),
        ),
        (
            Projection("input", "first", weights(2, mean=0.05), delay=1),
            Projection("first", "second", weights(3, N, N, 0.1), delay=1),
            Projection("second", "first", weights(4, N, N, -0.05), delay=stride - 1),
        ),
        "float",
        ("second",),
        stride=stride,
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lif(), lif(current_decay=0.5, threshold=0.7)),
        (lif(threshold=2.0), integrator(voltage_decay=0.4)),
        (lif(threshold=2.0), Relay(bias=0.2)),
        (Relay(), lif(threshold=2.0)),
    ],
    ids=["spiking", "through an integrator", "through a relay", "from a relay"],
)
def test_a_loop_through_spiking_neurons_is_bounded(first, second):
    program = loop(first, second, stride=3)
    _, floating, fixed = both(program)
    for name in ("first", "second"):
        if program.by_name[name].neuron.spiking:
            assert 0.01 < floating[name].output.mean() < 0.95
            # What differs once goes round and round.
            assert agreement(floating, fixed, name) > 0.9


def test_ranges_do_not_depend_on_the_stride():
    one, other = (Quantize()(loop(lif(), lif(), stride)) for stride in (2, 5))
    for a, b in zip(one.projections, other.projections, strict=True):
        np.testing.assert_array_equal(a.operator.weight, b.operator.weight)
        assert a.exponent == b.exponent
    ranges, others = port_ranges(one), port_ranges(other)
    for port, bound in ranges.items():
        np.testing.assert_array_equal(bound.high, others[port].high)


def test_populations_are_settled_after_the_graded_ones_behind_them_in_a_loop():
    """The relay comes later than what it drives; its scale is needed first."""
    program = loop(lif(threshold=2.0), Relay())
    shuffled = replace(program, populations=program.populations[::-1], stride=3)
    names = [p.name for p in Quantize()(shuffled).populations]
    assert names == ["second", "first", "input"]


@pytest.mark.parametrize("neuron", [Relay(), integrator()], ids=["relays", "integrators"])
def test_a_loop_of_graded_populations_is_refused_by_name(neuron):
    with pytest.raises(QuantizationError, match=r"graded population '(first|second)' feeds"):
        Quantize()(loop(neuron, neuron))


@pytest.mark.parametrize(
    ("neuron", "error", "message"),
    [
        (lif(current_decay=1e-5), QuantizationError, r"'neurons'.*synaptic decay .*2\^-12"),
        (lif(voltage_decay=1e-5), QuantizationError, r"'neurons'.*membrane decay .*2\^-12"),
        (integrator(voltage_decay=1e-5), QuantizationError, r"'neurons'.*membrane decay"),
        (circuit(voltage_decay=1e-5), QuantizationError, "'neurons'.*without leak"),
        (circuit(voltage_decay=1 / 4000, bias=40.0), QuantizationError, "'neurons'.*no room"),
        (lif(initial=1.5), UnsupportedError, "'neurons'.*not above v_leak"),
        (lif(threshold=-1.0), UnsupportedError, "'neurons'.*not above v_leak"),
        (
            lif(initial=0.2, reset="subtract", reset_to=1.0),
            UnsupportedError,
            "'neurons'.*soft reset.*v_leak must be 0",
        ),
        (integrator(gain=heterogeneous), UnsupportedError, "'neurons'.*gain differs"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(neuron, error, message):
    with pytest.raises(error, match=message):
        Quantize()(single(neuron))


def test_a_slow_circuit_gives_up_digits_of_its_threshold_before_it_is_refused():
    slow, fast = (
        Quantize()(single(circuit(voltage_decay=decay, bias=0.0))).by_name["neurons"].neuron
        for decay in (1 / 4096, 0.5)
    )
    assert fast.threshold == 2**12
    assert 2**6 <= slow.threshold < 2**12
    small = circuit(voltage_decay=1 / 2500, gain=1 / 2500, bias=0.0)
    # R·dt/τ ≪ 1: a current of a few units would lose most of itself when it is rounded.
    gained = replace(single(small))
    balanced = gained.projections[0]
    folded = replace(balanced, operator=Dense(balanced.operator.weight / 2500))
    program = gained.replace_projection(balanced, folded)
    program = program.replace_population(
        replace(program.by_name["neurons"], neuron=replace(small, gain=1.0))
    )
    neuron = Quantize()(program).by_name["neurons"].neuron
    assert neuron.threshold > 2**12
    assert neuron.quotient_shift >= 6


def test_a_graded_population_counts_anew_once_its_relays_have_dropped_bits():
    """A readout of many spikes, inhibited through relays: in 4 bits its sums have to shrink."""
    rng = np.random.default_rng(0)
    n = 1600
    program = Program(
        (
            Population("input", (n,), Source(levels=1)),
            Population("inhibitory", (2,), Relay(), offset=1),
            Population("readout", (10,), Relay(), offset=2),
        ),
        (
            Projection(
                *("input", "inhibitory", Dense(rng.exponential(1 / n, (2, n)))),
                delay=1,
                sign="excitatory",
            ),
            Projection(
                *("input", "readout", Dense(rng.exponential(1 / n, (10, n)) ** 0.5 * 0.5)),
                delay=2,
                sign="excitatory",
            ),
            Projection(
                *("inhibitory", "readout", Dense(-np.full((10, 2), 0.05))),
                delay=1,
                sign="inhibitory",
            ),
        ),
        "float",
        ("readout",),
    )
    integer = Prove()(Quantize(4)(program))
    x = rng.integers(0, 2, (3, 4, n)).astype(float)
    real, held = (reference.run(p, Stimulus({"input": x}))["readout"] for p in (program, integer))
    scale = integer.metadata["output_scale"]["readout"]
    np.testing.assert_allclose(held.output / scale, real.output, rtol=0.03)


@pytest.mark.parametrize("order", [1, -1], ids=["integrator first", "relay first"])
def test_an_integrator_bounds_a_loop_of_graded_populations(order):
    """Its potential is clipped, whatever comes back to it; both orders say the same."""
    weight = Dense(np.ones((2, 2), int))
    graded = (
        Population("li", (2,), IntegratorFixed(4095, 100, 0, 0, shift=8), offset=1),
        Population("relay", (2,), Relay(), offset=2),
    )
    program = Program(
        (Population("input", (2,), Source(scale=255.0)), *graded[::order]),
        (
            Projection("input", "li", weight, delay=1),
            Projection("li", "relay", weight, delay=1),
            Projection("relay", "li", weight, delay=1),
        ),
        "integer",
        ("li",),
        stride=2,
    )
    emitted = emitted_ranges(program)
    assert np.all(emitted["li"].magnitude == 2**15)
    assert np.all(emitted["relay"].magnitude == 2**16)
    relays = program.replace_population(Population("li", (2,), Relay(), offset=1))
    with pytest.raises(QuantizationError, match="feeds itself"):
        emitted_ranges(relays)


@pytest.mark.parametrize("floor", [1e3, 1e4, 1e5])
def test_a_floor_that_no_shunting_reaches_fits_beside_it(floor):
    program = single(circuit(floor=floor))
    balanced = program.projections[0]
    driven = replace(balanced, operator=Dense(floor * balanced.operator.weight))
    integer, floating, fixed = both(program.replace_projection(balanced, driven))
    assert np.max(integer.by_name["neurons"].neuron.floor) <= STATE_MAX
    assert floating["neurons"].output.mean() > 0.02
    assert agreement(floating, fixed) > 0.99


@pytest.mark.parametrize("bias", [1e-4, 0.5, 1e6])
def test_a_current_without_weights_sets_the_scale_of_an_integrator(bias):
    silent = Dense(np.zeros((N, N_IN)))
    neuron = integrator(current_decay=0.3, voltage_decay=0.2, bias=0.0, current_bias=bias)
    integer, floating, fixed = both(single(neuron, silent))
    real = fixed["neurons"].output / integer.metadata["output_scale"]["neurons"]
    wanted = floating["neurons"].output
    assert np.all(wanted[:, -1] > bias)
    np.testing.assert_allclose(real, wanted, rtol=2e-3, atol=2e-3 * bias)
