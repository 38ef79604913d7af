"""The pass that brings an integer Program into the numbers of lava-dl."""

from __future__ import annotations

import numpy as np
import pytest
from eideploy_targets.netx.form import NetxForm

from eideploy.errors import QuantizationError, UnsupportedError
from eideploy.program import (
    Array,
    Dense,
    EINeuronFixed,
    IntegratorFixed,
    LIFNeuronFixed,
    Neuron,
    Population,
    Program,
    Projection,
    Relay,
    Source,
)

WEIGHT = np.array([[200, -100, 6], [-254, 30, 2]])


def lif(threshold: int = 1600, bias: int = 0, exponent: int = 0) -> LIFNeuronFixed:
    return LIFNeuronFixed(4095, 2048, bias, exponent, threshold)


def program(neuron: Neuron, weight: Array = WEIGHT, **fields: int) -> Program:
    return Program(
        (
            Population("in", (3,), Source(levels=1)),
            Population("out", (2,), neuron, offset=1),
        ),
        (Projection("in", "out", Dense(weight), **{"delay": 1, **fields}),),
        "integer",
        ("out",),
        metadata={"output_scale": {"out": 80.0}},
    )


def formed(subject: Program) -> tuple[Neuron, Projection, float]:
    result = NetxForm()(subject)
    (projection,) = result.projections
    return result.by_name["out"].neuron, projection, result.metadata["output_scale"]["out"]


def test_exponents_go_into_threshold_and_bias():
    neuron, projection, scale = formed(program(lif(1600, bias=3000), exponent=3))
    assert (neuron.threshold, neuron.bias_mantissa, neuron.bias_exponent) == (200, 6, 6)
    assert projection.exponent == 0
    assert np.array_equal(projection.operator.weight, WEIGHT)
    assert scale == 80.0  # spikes are spikes


def test_finer_units_need_no_rounding():
    neuron, projection, _ = formed(program(lif(100, bias=64), exponent=-4))
    assert (neuron.threshold, neuron.bias_mantissa) == (1600, 16)
    assert np.array_equal(projection.operator.weight, WEIGHT)


@pytest.mark.parametrize(("neuron", "lost"), [(lif(2**17 - 1), 3), (lif(100, 4095, 7), 4)])
def test_weights_lose_bits_where_a_register_is_too_small(neuron, lost):
    _, projection, _ = formed(program(neuron, exponent=-3))
    assert np.array_equal(projection.operator.weight % 2, 0 * WEIGHT)
    rounding = np.abs(projection.operator.weight * 2**lost - WEIGHT)
    assert 0 < np.max(rounding) <= 2**lost


def test_currents_stay_in_24_bits():
    """Finer units would let the current of many inputs leave them."""
    many = Program(
        (Population("in", (2000,), Source(levels=1)), Population("out", (1,), lif(9), offset=1)),
        (Projection("in", "out", Dense(np.full((1, 2000), 254)), delay=1, exponent=-4),),
        "integer",
        ("out",),
    )
    changed = NetxForm()(many)
    assert changed.projections[0].operator.weight.max() == 64  # 2000·254·2⁶ takes 2 bits more
    assert changed.by_name["out"].neuron.threshold == 36


def test_relays_are_read_in_17_bits():
    subject = program(Relay(bias=np.array([0, 8])), weight=np.full((2, 3), 254), exponent=9)
    neuron, projection, scale = formed(subject)
    assert (projection.operator.weight == 254).all()
    assert (neuron.bias == [0, 0]).all()
    assert scale == 80.0 / 2**9


def test_the_shift_of_an_output_takes_up_what_its_units_lose():
    for neuron in (Relay(shift=5), IntegratorFixed(4095, 0, 0, 0, shift=5)):
        changed, _, scale = formed(program(neuron, exponent=3))
        assert (changed.shift, scale) == (2, 80.0)
        changed, _, scale = formed(program(neuron, exponent=7))
        assert (changed.shift, scale) == (0, 20.0)


def test_layers_follow_each_other_by_a_step():
    """A wanted delay of 3 steps that `align` bridged by itself."""
    late = program(lif(), delay=3).replace_population(Population("out", (2,), lif(), offset=0))
    result = NetxForm()(late)
    (projection,) = result.projections
    assert result.by_name["out"].offset == 1
    assert projection.delay == 4
    assert result.lag(projection) == late.lag(late.projections[0]) == 3


def test_lost_thresholds_and_weights_are_errors():
    with pytest.raises(QuantizationError, match=r"'out': a threshold of 3 is less than half of 2"):
        NetxForm()(program(lif(3), exponent=3))
    with pytest.raises(QuantizationError, match=r"in→out.input: all weights became 0 in units of"):
        NetxForm()(program(lif(900, 4095, 7), weight=WEIGHT // 200 * 2, exponent=-6))


def test_circuits_are_refused_before_anything_runs():
    circuit = EINeuronFixed(100, 256, 0, 1, 100, 12, 16)
    with pytest.raises(UnsupportedError, match=r"'out': netx has no neurons with .*\n.*--form fol"):
        NetxForm()(
            Program(
                (Population("in", (3,), Source()), Population("out", (2,), circuit, offset=1)),
                (Projection("in", "out", Dense(WEIGHT), "balanced", delay=1),),
                "integer",
                ("out",),
            )
        )


def test_loops_over_several_layers_are_refused_in_words():
    """Their delays, in hardware steps, must not end up below 0 before that is said."""
    names = ("a", "b", "c")
    loop = Program(
        (
            Population("in", (1,), Source(levels=1)),
            *(Population(name, (1,), lif(), offset=i + 1) for i, name in enumerate(names)),
        ),
        tuple(
            Projection(source, target, Dense(np.array([[2]])), delay=1)
            for source, target in (("in", "a"), ("a", "b"), ("b", "c"), ("c", "a"))
        ),
        "integer",
        ("c",),
        stride=3,
    )
    with pytest.raises(UnsupportedError, match="takes 3 hardware steps"):
        NetxForm()(loop)
