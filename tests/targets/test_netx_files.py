"""Network files of lava-dl as Programs, and back; nothing here needs Lava."""

from __future__ import annotations

import warnings
from dataclasses import replace

import lava_dl
import numpy as np
import pytest
from eideploy_targets.netx import Netx
from eideploy_targets.netx.synapses import held
from hypothesis import given, settings
from netx_programs import netx_programs

from eideploy.errors import EideployWarning, UnsupportedError
from eideploy.program import (
    Conv2d,
    Dense,
    EINeuronFixed,
    Identity,
    IntegratorFixed,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Relay,
    Source,
    Stimulus,
)
from eideploy.simulate import reference

RNG = np.random.default_rng(0)
W = lava_dl.even(RNG, 6, 5)


def read(path, *layers, **options) -> Program:
    return Netx().read(lava_dl.write(path / "a.net", *layers), **options)


def weight(program: Program, index: int) -> list:
    return program.projections[index].operator.weight.tolist()


# --- what a file means ---


def test_a_dense_layer_is_a_lif_a_step_behind_its_input(tmp_path):
    program = read(tmp_path, lava_dl.dense(W))
    source, population = program.populations
    assert (source.name, source.shape, source.offset) == ("input", (5,), 0)
    assert (population.name, population.shape, population.offset) == ("dense0", (6,), 1)
    lif = population.neuron
    assert (lif.current_decay, lif.voltage_decay, lif.threshold) == (1023, 512, 80)
    (projection,) = program.projections
    assert (projection.delay, projection.exponent, projection.sign) == (1, 0, "mixed")
    assert np.array_equal(projection.operator.weight, W)
    assert program.outputs == ("dense0",)


def test_a_bias_counts_in_units_of_64(tmp_path):
    bias = np.array([-3, 0, 1, 2, 3, 4095])
    neuron = read(tmp_path, lava_dl.dense(W, bias=bias)).populations[1].neuron
    assert np.array_equal(neuron.bias_mantissa << neuron.bias_exponent, 64 * bias)


def test_delays_of_neurons_split_a_projection(tmp_path):
    program = read(tmp_path, lava_dl.dense(W, delay=np.array([0.0, 3, 0, 3, 62, 3])))
    assert [p.delay for p in program.projections] == [1, 4, 63]
    rows = [np.flatnonzero(np.any(p.operator.weight, axis=1)).tolist() for p in program.projections]
    assert rows == [[0, 2], [1, 3, 5], [4]]
    assert np.array_equal(sum(p.operator.weight for p in program.projections), W)


@pytest.mark.parametrize(
    ("delay", "late"),
    [
        (2, np.full((6, 5), 2)),
        (np.arange(5), np.tile(np.arange(5), (6, 1))),
        (np.arange(6), np.tile(np.arange(6)[:, None], (1, 5))),
        (np.arange(30).reshape(6, 5), np.arange(30).reshape(6, 5)),
    ],
)
def test_delays_are_for_all_for_inputs_for_neurons_or_for_synapses(tmp_path, delay, late):
    program = read(tmp_path, lava_dl.dense(np.full((6, 5), 2), delay=delay))
    found = sum((p.delay - 1) * (p.operator.weight // 2) for p in program.projections)
    assert np.array_equal(found, late)


def test_a_recurrent_layer_hears_itself_a_step_later(tmp_path):
    back = lava_dl.even(RNG, 6, 6)
    program = read(tmp_path, lava_dl.dense(W, weight_rec=back))
    loop = program.projections[1]
    assert (loop.source, loop.target, loop.delay) == ("dense0", "dense0", 1)
    assert program.lag(loop) == 1
    assert np.array_equal(loop.operator.weight, back)


def test_convolutions_are_those_of_torch_in_channels_height_width(tmp_path):
    kernel = lava_dl.even(RNG, 4, 1, 3, 2)
    fields = {"stride": np.array([2, 1]), "padding": np.array([1, 0]), "groups": 2}
    program = read(
        tmp_path,
        lava_dl.layer("input", 2, 7, 6),
        lava_dl.conv(kernel, (4, 4, 5), **fields, bias=np.arange(4)),
        lava_dl.layer("flatten", 80, 1, 1),
        lava_dl.dense(lava_dl.even(RNG, 3, 80)),
    )
    operator = program.projections[0].operator
    assert isinstance(operator, Conv2d)
    assert (operator.stride, operator.padding, operator.groups) == ((2, 1), (1, 0), 2)
    assert np.array_equal(operator.weight, kernel)
    assert program.by_name["conv1"].neuron.bias_mantissa.shape == (4, 1, 1)
    assert [p.offset for p in program.populations] == [0, 1, 2]


def test_decays_of_channels_are_those_of_their_neurons(tmp_path):
    neuron = lava_dl.cuba(iDecay=np.arange(1, 5), vDecay=np.arange(4))
    program = read(
        tmp_path,
        lava_dl.conv(lava_dl.even(RNG, 4, 2, 3, 3), (4, 2, 1), neuron=neuron),
        input_shape=(2, 4, 3),
    )
    lif = program.by_name["conv0"].neuron
    assert lif.current_decay.shape == (4, 1, 1)
    assert lif.current_decay.ravel().tolist() == [0, 1, 2, 3]


def test_a_layer_that_cannot_spike_is_there_to_be_read(tmp_path):
    program = read(tmp_path, lava_dl.dense(W, neuron=lava_dl.cuba(vThMant=2**18 - 1)))
    output = program.populations[1].neuron
    assert isinstance(output, IntegratorFixed)
    assert output.shift == 0


def test_a_layer_without_neurons_sums_for_ever(tmp_path):
    program = read(tmp_path, lava_dl.dense(W, neuron=None))
    shown = RNG.integers(0, 2, (1, 9, 5))
    trace = reference.run(program, Stimulus({"input": shown}))
    assert np.array_equal(trace["dense0"].output[0], 64 * np.cumsum(shown[0] @ W.T, axis=0))


def test_input_neurons_take_values_in_the_units_of_training(tmp_path):
    neuron = lava_dl.cuba(vDecay=4096, vThMant=30)
    program = read(
        tmp_path,
        lava_dl.layer("input", 5, neuron=neuron, weight=np.array([-32]), bias=np.array([4])),
        lava_dl.dense(W),
    )
    shown = np.linspace(-4, 3.9, 40).reshape(1, 8, 5)
    trace = reference.run(program, Stimulus({"input": shown}))
    spikes = trace["input0"].output
    assert np.array_equal(spikes, np.rint(-32 * shown) + 4 > 30)


def test_biases_of_single_neurons_are_stored_width_first(tmp_path):
    kernel = np.full((1, 1, 1, 1), 2)
    bias = np.arange(6).reshape(3, 2, 1)  # [w, h, c]
    program = read(tmp_path, lava_dl.conv(kernel, (1, 2, 3), bias=bias), input_shape=(1, 2, 3))
    assert program.by_name["conv0"].neuron.bias_mantissa.tolist() == [[[0, 2, 4], [1, 3, 5]]]


def test_a_layer_that_cannot_spike_does_not_hear_itself(tmp_path):
    silent = lava_dl.cuba(vThMant=2**17)
    program = read(tmp_path, lava_dl.dense(W, weight_rec=np.full((6, 6), 2), neuron=silent))
    assert [p.name for p in program.projections] == ["input→dense0.input"]


# --- what netx makes of weights ---


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ([[-256, 254, 3]], [[-256, 254, 3]]),
        ([[300, -2]], [[254, -2]]),  # both signs: clipped
        ([[255, 3, 0]], [[255, 3, 0]]),
        ([[-128, -3]], [[-127, -3]]),  # one sign: powers of two are one too small
        ([[-1, -1]], [[0, 0]]),
        ([[-129, 0]], [[0, 0]]),
        ([[0, 0]], [[0, 0]]),
    ],
)
def test_weights_are_what_netx_makes_of_them(given, taken):
    ((found, exponent),) = held(np.array(given))
    assert (found * 2.0**exponent).tolist() == taken


def test_a_change_of_weights_is_said(tmp_path):
    with pytest.warns(EideployWarning, match=r"/layer/0/weight: netx loads 1 of 2 weights as"):
        read(tmp_path, lava_dl.dense([[-128, -3]]))


def test_weights_that_no_synapse_holds_are_refused(tmp_path):
    with pytest.raises(UnsupportedError, match=r"/layer/0: weights range over \[0, 256\]"):
        read(tmp_path, lava_dl.dense([[0, 256]]))


# --- what netx passes over ---


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        ({"refDelay": 3}, "/layer/0/neuron/refDelay: netx passes over it"),
        ({"wgtExp": 2}, "/layer/0/neuron/wgtExp: netx passes over it"),
        ({"gradedSpike": True}, "/layer/0/neuron/gradedSpike: netx passes over it"),
        ({"iDecay": 1024.5}, "/layer/0/neuron/iDecay: cut off to integers"),
    ],
)
def test_what_netx_passes_over_is_said(tmp_path, change, remark):
    with pytest.warns(EideployWarning, match=remark):
        read(tmp_path, lava_dl.dense(W, neuron=lava_dl.cuba(**change)))


def test_long_delays_are_cut_and_said(tmp_path):
    with pytest.warns(EideployWarning, match="/layer/0/delay: cut to 62 steps"):
        program = read(tmp_path, lava_dl.dense(W, delay=70))
    assert program.projections[0].delay == 63


# --- round trip ---


def same(one: Program, other: Program) -> bool:
    """Whether two Programs are the same, parameters taken for each neuron."""
    return (
        (one.arithmetic, one.outputs, one.dt, one.metadata, one.stride)
        == (other.arithmetic, other.outputs, other.dt, other.metadata, other.stride)
        and len(one.populations) == len(other.populations)
        and len(one.projections) == len(other.projections)
        and all(map(_same_population, one.populations, other.populations))
        and all(map(_same_projection, _sorted(one), _sorted(other)))
    )


def _sorted(program: Program) -> list[Projection]:
    return sorted(program.projections, key=lambda p: (p.target, p.source, p.delay))


def _same_population(one: Population, other: Population) -> bool:
    def plain(p: Population) -> tuple:
        parameters = p.neuron.parameters()
        spread = {k: np.broadcast_to(v, p.shape).tolist() for k, v in parameters.items()}
        reset = getattr(p.neuron, "reset", None)
        return (p.name, p.shape, p.offset, p.reset_phase, type(p.neuron), reset, spread)

    return plain(one) == plain(other)


def _same_projection(one: Projection, other: Projection) -> bool:
    def plain(p: Projection) -> tuple:
        geometry = {k: v for k, v in vars(p.operator).items() if k != "weight"}
        weight = p.operator.weight
        return (p.name, p.delay, p.exponent, p.sign, type(p.operator), geometry, weight.tolist())

    return plain(one) == plain(other)


@given(netx_programs())
@settings(max_examples=60, deadline=None)
def test_what_was_written_comes_back_bit_for_bit(tmp_path_factory, program):
    path = tmp_path_factory.mktemp("net") / "a.net"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Netx().write(path, program)
        assert same(Netx().read(path), program)


def test_a_difference_is_seen(tmp_path):
    """So that the test above can fail."""
    program = read(tmp_path, lava_dl.dense(W))
    later = replace(program.projections[0], delay=2)
    other = program.replace_projection(program.projections[0], later)
    assert same(program, program)
    assert not same(program, other)


def test_equal_programs_give_equal_bytes(tmp_path):
    program = read(tmp_path, lava_dl.dense(W, delay=np.arange(6)))
    for name in "bc":
        Netx().write(tmp_path / name, program)
    assert (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()


# --- what netx has no layer for ---


def _lif(**changes) -> LIFNeuronFixed:
    return LIFNeuronFixed(
        **{
            **dict.fromkeys(("current_decay", "voltage_decay"), 1024),
            "bias_mantissa": 0,
            "bias_exponent": 6,
            "threshold": 80,
            **changes,
        }
    )


def _chain(neuron=None, weight=W, **changes) -> Program:
    """Two layers, the first with this neuron and these weights."""
    size, inputs = weight.shape
    fields = {"delay": 1, **changes}
    return Program(
        (
            Population("input", (inputs,), Source(levels=1)),
            Population("one", (size,), neuron or _lif(), offset=1),
            Population("two", (size,), _lif(), offset=2),
        ),
        (
            Projection("input", "one", Dense(weight), **fields),
            Projection("one", "two", Dense(2 * np.eye(size, dtype=int) - 4), delay=1),
        ),
        "integer",
        ("two",),
    )


def _changed(program: Program, *projections: Projection, **changes) -> Program:
    return replace(program, projections=(*program.projections, *projections), **changes)


EI = EINeuronFixed(100, 256, 0, 1, 100, 12, 16)
LOOP = Projection("one", "one", Dense(2 * np.eye(6, dtype=int) - 4), delay=1)

REFUSED = {
    "E-I neurons": (
        Program(
            (Population("input", (5,), Source()), Population("one", (6,), EI, offset=1)),
            (Projection("input", "one", Dense(W), "balanced", delay=1),),
            "integer",
            ("one",),
        ),
        r"'one': netx has no neurons with divisive inhibition\n.*--form folded",
    ),
    "relays": (_chain(Relay()), r"'one': netx sends spikes, .*\n.*--pool fold"),
    "integrators": (_chain(IntegratorFixed(9, 9, 0, 6)), "'one': netx sends spikes"),
    "shifts that differ": (
        Program(
            (
                Population("input", (5,), Source(levels=1)),
                Population("one", (6,), IntegratorFixed(9, 9, 0, 6, shift=np.arange(6)), offset=1),
            ),
            (Projection("input", "one", Dense(W), delay=1),),
            "integer",
            ("one",),
        ),
        "'one': an output of netx drops as many bits in every neuron",
    ),
    "subtractive reset": (_chain(_lif(reset="subtract")), "'one': netx resets to 0, not by"),
    "reset to a value": (_chain(_lif(reset_to=5)), "'one': netx resets to 0, not by"),
    "a refractory period": (_chain(_lif(refractory=1)), "'one': .* no refractory period"),
    "bias of a current": (_chain(_lif(current_bias=5)), "'one': netx has biases of the potential"),
    "fine biases": (_chain(_lif(bias_mantissa=3, bias_exponent=5)), "'one': a bias is no multiple"),
    "large biases": (_chain(_lif(bias_mantissa=4095, bias_exponent=7)), "'one': biases .* 13 bits"),
    "one-to-one": (
        replace(
            _chain(),
            projections=(
                _chain().projections[0],
                Projection("one", "two", Identity(np.array(2)), delay=1),
            ),
        ),
        "one→two.input: netx has no one-to-one connections",
    ),
    "wide weights": (_chain(exponent=3), r"input→one.input: weights range over|netx loads weight"),
    "fractions of weights": (
        _chain(weight=W // 2 * 2 + 1, exponent=-1),
        "no weight exponent of -1",
    ),
    "weights that netx changes": (
        _chain(weight=np.full((6, 5), -128), sign="inhibitory"),
        r"input→one.input: netx loads weight \[0, 0\] = -128 as 0",
    ),
    "no weights": (_chain(weight=0 * W), "input→one.input: all weights are 0"),
    "long delays": (_chain(delay=64), "input→one.input: netx has delays of 1 to 63 steps"),
    "two synapses": (
        _changed(_chain(), Projection("input", "one", Dense(W), delay=2)),
        "input→one.input: netx has one synapse between two neurons",
    ),
    "loops with delays": (
        _changed(_chain(delay=2), LOOP),
        "'one': netx loses the weight exponent of recurrent layers with delays",
    ),
    "a readout that hears itself": (
        _changed(
            _chain().replace_population(Population("two", (6,), Relay(), offset=2)),
            replace(LOOP, source="two", target="two"),
        ),
        "two→two.input: a layer of netx that is read sends nothing to itself|'two' feeds itself",
    ),
    "large scores": (
        _chain().replace_population(Population("two", (6,), Relay(bias=2**17), offset=2)),
        "'two': biases .* are beyond the 13 bits",
    ),
    "large sums": (
        Program(
            (Population("input", (600,), Source()), Population("one", (1,), Relay(), offset=1)),
            (Projection("input", "one", Dense(np.full((1, 600), 254)), delay=1),),
            "integer",
            ("one",),
        ),
        "'one': its input can reach 152400, beyond the 131071 that netx holds there",
    ),
    "branches": (
        _changed(_chain(), Projection("input", "two", Dense(W), delay=2)),
        "the layers of netx are a chain",
    ),
    "loops over two": (
        _changed(_chain(), Projection("two", "one", LOOP.operator, delay=1)),
        "'one': receives from|'one' receives from .* the layers of netx are a chain",
    ),
    "an output within": (replace(_chain(), outputs=("one",)), "the output is 'one'"),
    "two outputs": (replace(_chain(), outputs=("one", "two")), "one input and one output"),
    "slow loops": (replace(_chain(), stride=2), "takes 2 hardware steps"),
    "late layers": (
        _chain().replace_population(Population("one", (6,), _lif(), offset=2)),
        "'one' starts 2 steps after 'input'",
    ),
    "state that is kept": (
        _chain().replace_population(Population("one", (6,), _lif(), 1, None)),
        "is reset in step None",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_netx_has_no_layer_for_is_refused_by_name(tmp_path, what):
    program, reason = REFUSED[what]
    with pytest.raises(UnsupportedError, match=reason):
        Netx().write(tmp_path / "a.net", program)
    assert not (tmp_path / "a.net").exists()
