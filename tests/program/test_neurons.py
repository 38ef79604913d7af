"""Parameters of neuron models and weights of operators: read-only, wide, in range."""

from __future__ import annotations

import numpy as np
import pytest

from eideploy.errors import InputError
from eideploy.program import (
    Conv2d,
    Dense,
    EINeuron,
    EINeuronFixed,
    Identity,
    LIFNeuron,
    LIFNeuronFixed,
    Neuron,
    Operator,
    Population,
    Program,
    Relay,
    Source,
)

LIF_FIXED = {
    "current_decay": 4095,
    "voltage_decay": 128,
    "bias_mantissa": 0,
    "bias_exponent": 0,
    "threshold": 80,
}
LIF = {
    "current_decay": 1.0,
    "voltage_decay": 0.5,
    "gain": 1.0,
    "bias": 0.0,
    "threshold": 1.0,
}
EI = {"voltage_decay": 0.5, "gain": 1.0, "bias": 0.0, "floor": 0.1, "threshold": 1.0}
EI_FIXED = {
    "voltage_decay": 2048,
    "gain": 256,
    "bias": 0,
    "floor": 1,
    "threshold": 4096,
    "quotient_shift": 12,
    "quotient_bits": 17,
}


def alone(neuron: Neuron) -> Program:
    arithmetic = neuron.arithmetic[-1]
    return Program((Population("p", (2,), neuron),), (), arithmetic, ("p",))


@pytest.mark.parametrize("values", [1, np.int8(1), np.array([1, 2], np.int16), 1.5, np.ones(2)])
def test_parameters_are_read_only_and_wide(values: object) -> None:
    neuron = Source(scale=values)
    assert neuron.scale.dtype in (np.int64, np.float64)
    assert np.array_equal(neuron.scale, values)
    with pytest.raises(ValueError, match="read-only"):
        neuron.scale[...] = 0


def test_parameters_are_copies() -> None:
    mine = np.ones(2)
    neuron = Source(scale=mine)
    mine[0] = 7
    assert neuron.scale.tolist() == [1, 1]


def test_a_narrow_integer_does_not_overflow() -> None:
    lif = LIFNeuronFixed(**{**LIF_FIXED, "threshold": np.array([1000, 2000], np.int16)})
    assert (lif.threshold << 6).tolist() == [64_000, 128_000]


def test_options_are_not_parameters() -> None:
    lif = LIFNeuronFixed(**LIF_FIXED, reset="subtract")
    assert lif.reset == "subtract"
    assert set(lif.parameters()) == {*LIF_FIXED, "reset_to", "current_bias", "refractory"}


@pytest.mark.parametrize("values", [np.array(["a"]), np.array([1j]), np.array([None])])
def test_a_parameter_that_is_no_number(values: object) -> None:
    with pytest.raises(InputError, match="expected real numbers, got an array of dtype"):
        Source(scale=values)


@pytest.mark.parametrize(
    ("neuron", "name", "lowest", "highest"),
    [
        (Relay, "shift", 0, 62),
        (LIFNeuronFixed, "current_decay", 0, 4095),
        (LIFNeuronFixed, "voltage_decay", 0, 4096),
        (LIFNeuronFixed, "bias_mantissa", -4096, 4095),
        (LIFNeuronFixed, "bias_exponent", 0, 7),
        (LIFNeuronFixed, "threshold", 0, 131071),
        (LIFNeuronFixed, "refractory", 0, 63),
        (LIFNeuron, "refractory", 0, 63),
        (EINeuronFixed, "voltage_decay", 0, 4096),
        (EINeuronFixed, "floor", 1, 2**23 - 1),
        (EINeuronFixed, "quotient_bits", 1, 24),
    ],
)
def test_ranges(neuron: type[Neuron], name: str, lowest: int, highest: int) -> None:
    kinds = {Relay: {}, LIFNeuron: LIF, LIFNeuronFixed: LIF_FIXED, EINeuronFixed: EI_FIXED}
    parameters = kinds[neuron]
    alone(neuron(**{**parameters, name: np.array([lowest, highest])}))
    for value in (lowest - 1, highest + 1):
        with pytest.raises(InputError, match=rf"population 'p' .*: {name} ranges over"):
            alone(neuron(**{**parameters, name: np.array([lowest, value])}))


def test_steps_are_counted_in_whole_numbers() -> None:
    with pytest.raises(InputError, match="refractory has dtype float64, expected integers"):
        alone(LIFNeuron(**LIF, refractory=2.0))


@pytest.mark.parametrize("floor", [0.0, -1.0])
def test_the_floor_of_a_divisor_is_positive(floor: float) -> None:
    with pytest.raises(InputError, match="floor ranges over"):
        alone(EINeuron(**{**EI, "floor": floor}))


@pytest.mark.parametrize(
    ("make", "rank"),
    [(Dense, 2), (Conv2d, 4), (Identity, "0 or 1")],
    ids=["dense", "conv", "identity"],
)
def test_weights_of_the_wrong_rank(make: type[Operator], rank: object) -> None:
    with pytest.raises(InputError, match=rf"needs weights of rank {rank}, got shape \(1, 1, 1\)"):
        make(np.ones((1, 1, 1)))


def test_weights_are_read_only() -> None:
    operator = Dense(np.ones((2, 2), np.int8))
    assert operator.weight.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        operator.weight[0, 0] = 3


@pytest.mark.parametrize(
    "geometry", [{"stride": (0, 1)}, {"padding": (0, -1)}, {"dilation": (1, 0)}, {"groups": 0}]
)
def test_a_convolution_without_sense(geometry: dict[str, object]) -> None:
    with pytest.raises(InputError, match="Conv2d has stride"):
        Conv2d(np.ones((1, 1, 3, 3)), **geometry)


def test_shape_that_a_convolution_gives() -> None:
    conv = Conv2d(np.ones((4, 1, 3, 2)), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2)
    assert conv.output_shape((2, 7, 6)) == (4, 4, 4)
    assert conv.fits((2, 7, 6), (4, 4, 4))
    assert not conv.fits((3, 7, 6), (4, 4, 4))
    assert not conv.fits((2, 7), (4, 4, 4))


def test_identity_maps_between_shapes_of_one_size() -> None:
    assert Identity(1.0).fits((2, 3, 4), (24,))
    assert not Identity(1.0).fits((2, 3, 4), (23,))


def test_identity_holds_one_weight_or_one_for_each_neuron() -> None:
    assert Identity(np.arange(6)).fits((2, 3), (6,))
    assert not Identity(np.arange(3)).fits((2, 3), (6,))


def test_a_convolution_sees_a_sequence_as_a_plane_of_height_1() -> None:
    conv = Conv2d(np.ones((4, 2, 1, 3)), padding=(0, 1))
    assert conv.output_shape((2, 7)) == (4, 1, 7)
    assert conv.fits((2, 7), (4, 7))
    assert conv.fits((2, 1, 7), (4, 7))
    assert not conv.fits((2, 7), (4, 6))
