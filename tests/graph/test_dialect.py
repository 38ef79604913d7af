"""Dialect nodes: shapes, invariants, and life beside standard nodes."""

from __future__ import annotations

import nir
import numpy as np
import pytest

from eideploy.errors import GraphError
from eideploy.graph import EIConv2d, EILinear, SoftResetLIF


def _dense(**changes):
    fields = {
        "weight_ee": np.ones((4, 3)),
        "weight_ie": np.ones((2, 3)),
        "weight_ei": np.ones((4, 2)),
        "gain_i": np.ones(2),
        "gain_e": np.ones(4),
        "bias": -np.ones(4),
        "floor": 0.5,
    }
    return EILinear(**{**fields, **changes})


def _conv(**changes):
    fields = {
        "input_shape": (6, 8),
        "weight_ee": np.ones((4, 2, 3, 2)),
        "weight_ie": np.ones((1, 2, 3, 2)),
        "weight_ei": np.ones((4, 1)),
        "gain_i": np.ones(1),
        "gain_e": np.ones(4),
        "bias": np.zeros(4),
        "floor": np.float32(0.5),
    }
    return EIConv2d(**{**fields, **changes})


def _soft(shape=(4,), **changes):
    fields = {name: np.ones(shape) for name in ("tau", "r", "v_leak", "v_threshold")}
    return SoftResetLIF(**{**fields, **changes})


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, [4, 4, 7]),
        ({"stride": 2, "padding": 1}, [4, 3, 5]),
        ({"stride": (1, 2), "padding": (1, 0)}, [4, 6, 4]),
        ({"input_shape": (3, 2)}, [4, 1, 1]),
    ],
)
def test_conv_output_shape(options, shape):
    node = _conv(**options)
    assert node.output_type["output"].tolist() == shape
    assert node.input_type["input"].tolist() == [2, *node.input_shape]


def test_dialect_takes_part_in_type_inference_of_nir():
    conv, lif = _conv(), _soft((4, 4, 7))
    dense = _dense(weight_ee=np.ones((4, 112)), weight_ie=np.ones((2, 112)))
    graph = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([2, 6, 8])}),
            "conv": conv,
            "lif": lif,
            "flatten": nir.Flatten(None, 0, -1),
            "dense": dense,
            "output": nir.Output(None),
        },
        [
            ("input", "conv"),
            ("conv", "lif"),
            ("lif", "flatten"),
            ("flatten", "dense"),
            ("dense", "output"),
        ],
    )
    assert graph.nodes["flatten"].output_type["output"].tolist() == [112]
    assert graph.output_type["output"].tolist() == [4]
    with pytest.raises(ValueError, match="type mismatch"):
        nir.NIRGraph.from_list(_dense(), _soft((5,)))


def test_fields_settle_to_their_types():
    node = _conv(stride=np.array([2, 1]), padding=np.int64(1), floor=np.array(0.25, np.float32))
    assert (node.stride, node.padding) == ((2, 1), (1, 1))
    assert node.floor == 0.25
    assert isinstance(node.floor, np.float32)
    assert node.divisive is True
    assert node.metadata == {}


@pytest.mark.parametrize("field", ["weight_ee", "weight_ie", "weight_ei", "gain_i", "gain_e"])
@pytest.mark.parametrize("build", [_dense, _conv])
def test_dale_violation_names_array_count_and_worst_value(build, field):
    values = getattr(build(), field).copy()
    values.flat[0] = -0.125
    with pytest.raises(GraphError, match=rf"{field} has 1 negative of {values.size} .*-0\.125"):
        build(**{field: values})


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("field", ["weight_ee", "gain_e", "bias"])
def test_non_finite_numbers_are_counted(field, value):
    values = getattr(_dense(), field).copy()
    values.flat[:2] = value
    with pytest.raises(GraphError, match=f"{field} holds 2 NaN or infinite of {values.size}"):
        _dense(**{field: values})
    with pytest.raises(GraphError, match="v_leak holds 1 NaN or infinite of 4"):
        _soft(v_leak=np.array([0, 0, value, 0]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight_ee": np.ones((4, 3, 1))}, r"weight_ee has shape \(4, 3, 1\).*\[n_e, n_in\]"),
        ({"weight_ie": np.ones((2, 4))}, r"weight_ie has shape \(2, 4\), expected \(2, 3\)"),
        ({"weight_ei": np.ones((4, 3))}, r"weight_ie has shape \(2, 3\), expected \(3, 3\)"),
        ({"gain_i": np.ones(4)}, r"gain_i has shape \(4,\), expected \(2,\)"),
        ({"gain_e": np.ones((4, 1))}, r"gain_e has shape \(4, 1\), expected \(4,\)"),
        ({"bias": np.ones(())}, r"bias has shape \(\), expected \(4,\)"),
        ({"bias": np.array(["a"] * 4)}, "bias has dtype <U1, expected real numbers"),
        ({"bias": np.ones(4, complex)}, "bias has dtype complex128"),
        ({"floor": np.ones(4)}, r"floor has shape \(4,\), expected one number"),
        ({"floor": 0.0}, "floor is 0, expected > 0"),
        ({"floor": -1.0}, "floor is -1, expected > 0"),
        ({"floor": np.nan}, "floor holds 1 NaN"),
        ({"weight_ee": np.ones((4, 0)), "weight_ie": np.ones((2, 0))}, "a dimension is 0"),
    ],
)
def test_wrong_dense_circuits(changes, message):
    with pytest.raises(GraphError, match=message):
        _dense(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_shape": (2, 8)}, r"kernel \(3, 2\) is larger than the input \(2, 8\)"),
        ({"input_shape": 0}, "input_shape is 0, expected one or two integers ≥ 1"),
        ({"stride": (1, 0)}, r"stride is \(1, 0\)"),
        ({"padding": -1}, "padding is -1"),
        ({"padding": "same"}, "padding is 'same'"),
        ({"stride": (1, 1, 1)}, "expected one or two integers"),
        ({"weight_ie": np.ones((1, 2, 3, 3))}, r"weight_ie has shape .* expected \(1, 2, 3, 2\)"),
    ],
)
def test_wrong_conv_circuits(changes, message):
    with pytest.raises(GraphError, match=message):
        _conv(**changes)


def test_readout_needs_no_floor():
    assert _dense(floor=0.0, divisive=False).divisive is False


def test_soft_reset_shapes_are_listed():
    with pytest.raises(GraphError, match=r"tau \(4,\), r \(3,\), v_leak \(4,\)"):
        _soft(r=np.ones(3))
