"""What a Stimulus refuses, and how it becomes the numbers of a Program."""

from __future__ import annotations

import numpy as np
import pytest

from eideploy.errors import StimulusError
from eideploy.program import Population, Program, Relay, Source, Stimulus, encode


def program(arithmetic: str = "float", scale: float = 1.0) -> Program:
    source = Source(minimum=-0.5, maximum=1.0, scale=scale)
    return Program(
        (Population("in", (2,), source), Population("out", (1,), Relay())),
        (),
        arithmetic,
        ("out",),
    )


def test_no_values() -> None:
    with pytest.raises(StimulusError, match="at least one input"):
        Stimulus({})


@pytest.mark.parametrize("dtype", [np.complex128, "U1", object])
def test_values_that_are_no_real_numbers(dtype: object) -> None:
    with pytest.raises(StimulusError, match="'in' has dtype"):
        Stimulus({"in": np.zeros((1, 1, 1)).astype(dtype)})


@pytest.mark.parametrize("shape", [(3, 4), (0, 4, 2), (3, 0, 2), (3, 4, 0)])
def test_values_of_an_impossible_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(StimulusError, match=r"'in' has shape .*\[sample, step"):
        Stimulus({"in": np.zeros(shape)})


def test_values_that_are_not_finite_are_counted() -> None:
    values = np.zeros((2, 3, 4))
    values[0, 0, 0], values[1, 2, 3] = np.nan, np.inf
    with pytest.raises(StimulusError, match="'in': 2 values are NaN or infinite"):
        Stimulus({"in": values})


def test_inputs_that_disagree() -> None:
    with pytest.raises(StimulusError, match=r"disagree.*\(2, 3\), \(2, 4\)"):
        Stimulus({"a": np.zeros((2, 3, 1)), "b": np.zeros((2, 4, 1))})


@pytest.mark.parametrize("labels", [np.zeros(3, int), np.zeros((2, 1), int), np.zeros(2)])
def test_labels_that_do_not_fit(labels: np.ndarray) -> None:
    with pytest.raises(StimulusError, match=r"labels have shape .* expected 2 integers"):
        Stimulus({"in": np.zeros((2, 3, 1))}, labels)


def test_extent_and_slices() -> None:
    stimulus = Stimulus({"in": np.arange(24).reshape(4, 3, 2)}, np.arange(4))
    assert (stimulus.samples, stimulus.steps) == (4, 3)
    part = stimulus.take(slice(1, 3))
    assert part.values["in"].tolist() == stimulus.values["in"][1:3].tolist()
    assert part.labels is not None
    assert part.labels.tolist() == [1, 2]
    assert Stimulus({"in": np.zeros((2, 1, 1))}).take(slice(1)).labels is None


@pytest.mark.parametrize("names", [{"other"}, {"in", "other"}])
def test_inputs_of_the_wrong_name(names: set[str]) -> None:
    stimulus = Stimulus({name: np.zeros((1, 1, 2)) for name in names})
    with pytest.raises(StimulusError, match=r"network has inputs \['in'\], .*'other'"):
        encode(program(), stimulus)


def test_values_of_the_wrong_shape() -> None:
    with pytest.raises(StimulusError, match=r"'in' has shape .*3.*expects .*2"):
        encode(program(), Stimulus({"in": np.zeros((1, 1, 3))}))


@pytest.mark.parametrize("value", [-0.6, 1.1])
def test_values_out_of_range(value: float) -> None:
    stimulus = Stimulus({"in": np.array([[[0, value]]])})
    with pytest.raises(StimulusError, match=r"'in' ranges over .*takes \[-0.5, 1\]") as error:
        encode(program(), stimulus)
    assert "Scale the data" in error.value.remedy


@pytest.mark.parametrize("label", [-1, 1])
def test_a_label_that_is_no_class(label: int) -> None:
    stimulus = Stimulus({"in": np.zeros((2, 1, 2))}, np.array([0, label]))
    with pytest.raises(StimulusError, match=r"labels range over .* 'out' has classes 0…0"):
        encode(program(), stimulus)


def test_float_programs_take_values_as_they_are() -> None:
    values = np.array([[[0.1, -0.5]]], np.float32)
    encoded = encode(program(), Stimulus({"in": values}))["in"]
    assert encoded.dtype == np.float64
    assert encoded.tolist() == values.tolist()


def test_integer_programs_round_to_the_nearest_even() -> None:
    values = np.array([[[0.25, 0.75], [-0.5, 1.0]]])
    encoded = encode(program("integer", scale=10.0), Stimulus({"in": values}))["in"]
    assert encoded.dtype == np.int64
    assert encoded.tolist() == [[[2, 8], [-5, 10]]]
