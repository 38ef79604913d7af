"""What a Program refuses, and what it says about time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eideploy.errors import InputError
from eideploy.program import (
    Conv2d,
    Dense,
    Identity,
    LIFNeuron,
    Neuron,
    Population,
    Program,
    Projection,
    Relay,
    Source,
)


def lif(**parameters: object) -> LIFNeuron:
    values = {"current_decay": 1.0, "voltage_decay": 0.5, "gain": 1.0, "bias": 0.0}
    return LIFNeuron(**{**values, "threshold": 1.0, **parameters})


def chain(neuron: Neuron | None = None, arithmetic: str = "float", **projection: object) -> Program:
    """in [3] → out [2]"""
    weight = np.ones((2, 3), np.float64 if arithmetic == "float" else np.int64)
    settings = {"operator": Dense(weight), "delay": 1, **projection}
    return Program(
        (Population("in", (3,), Source()), Population("out", (2,), neuron or lif(), offset=1)),
        (Projection("in", "out", **settings),),
        arithmetic,
        ("out",),
    )


def test_no_populations() -> None:
    with pytest.raises(InputError, match="no populations"):
        Program((), (), "float", ())


def test_names_must_be_unique() -> None:
    twice = (Population("a", (1,), Source()), Population("a", (1,), Relay()))
    with pytest.raises(InputError, match=r"not unique.*'a'"):
        Program(twice, (), "float", ())


def test_unknown_output() -> None:
    with pytest.raises(InputError, match=r"output names population 'typo'; there are \['in', 'out"):
        replace(chain(), outputs=("typo",))


@pytest.mark.parametrize(("source", "target"), [("typo", "out"), ("in", "typo")])
def test_unknown_end_of_a_projection(source: str, target: str) -> None:
    ends = Projection(source, target, Identity(1.0))
    with pytest.raises(InputError, match=rf"projection {source}→{target}.input names .*'typo'"):
        replace(chain(), projections=(ends,))


def test_unknown_port() -> None:
    with pytest.raises(InputError, match=r"in→out.shunt: LIFNeuron has ports \('input',\)"):
        chain(port="shunt")


def test_a_source_receives_nothing() -> None:
    back = Projection("out", "in", Dense(np.ones((3, 2))), delay=1)
    with pytest.raises(InputError, match=r"out→in.input: Source has ports \(\)"):
        replace(chain(), projections=(back,))


@pytest.mark.parametrize(
    "operator",
    [
        Dense(np.ones((3, 2))),
        Identity(1.0),
        Conv2d(np.ones((2, 3, 1, 1))),
    ],
)
def test_an_operator_that_does_not_map_the_shapes(operator: object) -> None:
    with pytest.raises(InputError, match=r"in→out.input: .* does not map \(3,\) to \(2,\)"):
        chain(operator=operator)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_weight_that_is_not_finite(bad: float) -> None:
    with pytest.raises(InputError, match=r"in→out.input: a weight is not finite"):
        chain(operator=Dense(np.array([[1, 2, 3], [4, 5, bad]])))


@pytest.mark.parametrize(("arithmetic", "dtype"), [("float", np.int64), ("integer", np.float64)])
def test_weights_of_the_other_arithmetic(arithmetic: str, dtype: type) -> None:
    neuron = Relay()
    with pytest.raises(InputError, match=rf"in→out.input: weights of dtype .*{arithmetic}"):
        chain(neuron, arithmetic, operator=Dense(np.ones((2, 3), dtype)))


def test_negative_delay() -> None:
    with pytest.raises(InputError, match=r"in→out.input: delay -1 < 0"):
        chain(delay=-1)


def test_a_shift_in_floating_point() -> None:
    relays = (Population("in", (3,), Source()), Population("relay", (3,), Relay(shift=2), 1))
    with pytest.raises(InputError, match=r"'relay' \(Relay\): a shift drops bits of integers"):
        Program(relays, (), "float", ("relay",))


def test_an_exponent_in_floating_point() -> None:
    with pytest.raises(InputError, match=r"in→out.input: exponent 2 in a Program of float"):
        chain(exponent=2)


@pytest.mark.parametrize(("sign", "weight"), [("excitatory", -1.0), ("inhibitory", 1.0)])
def test_a_weight_against_the_sign(sign: str, weight: float) -> None:
    with pytest.raises(InputError, match=rf"in→out.input is {sign} but"):
        chain(sign=sign, operator=Dense(np.full((2, 3), weight)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"offset": -1}, "negative offset or reset phase"),
        ({"reset_phase": -1}, "negative offset or reset phase"),
        ({"neuron": lif(threshold=np.ones(3))}, r"threshold has shape \(3,\), expected \(2,\)"),
        ({"neuron": lif(bias=np.ones((2, 1)))}, r"bias has shape \(2, 1\), expected \(2,\)"),
        ({"neuron": lif(bias=np.array([0, np.nan]))}, "bias is not finite"),
        ({"neuron": lif(voltage_decay=1.5)}, r"voltage_decay ranges over .*1\.5.*expected \[0, 1"),
        ({"neuron": lif(reset="hard")}, "reset is 'hard', expected one of .*'subtract'"),
    ],
)
def test_a_population_that_makes_no_sense(changes: dict[str, object], message: str) -> None:
    program = chain()
    with pytest.raises(InputError, match=rf"population 'out' \(LIFNeuron\).*{message}"):
        program.replace_population(replace(program.by_name["out"], **changes))


def test_a_neuron_model_of_the_other_arithmetic() -> None:
    with pytest.raises(InputError, match=r"'out' \(LIFNeuron\) cannot be part .* integer"):
        chain(lif(), "integer")


def test_a_float_parameter_in_integers() -> None:
    with pytest.raises(InputError, match=r"'out' \(Relay\): shift has dtype float64"):
        chain(Relay(shift=1.5), "integer")


def test_replacing_what_does_not_exist() -> None:
    with pytest.raises(InputError, match="replacement names population 'typo'"):
        chain().replace_population(Population("typo", (1,), Relay()))


def test_replacing_a_projection_leaves_the_rest() -> None:
    program = chain()
    (old,) = program.projections
    changed = program.replace_projection(old, replace(old, delay=3))
    assert [p.delay for p in changed.projections] == [3]
    assert [p.delay for p in program.projections] == [1]
    assert changed.populations == program.populations


def loop(delay_back: int) -> Program:
    """in@0 → a@2 → b@3 → a"""
    one = Identity(1.0)
    return Program(
        (
            Population("in", (1,), Source()),
            Population("a", (1,), Relay(), offset=2),
            Population("b", (1,), Relay(), offset=3),
        ),
        (
            Projection("in", "a", one, delay=2),
            Projection("a", "b", one, delay=1),
            Projection("b", "a", one, delay=delay_back),
        ),
        "float",
        ("b",),
    )


def test_lag_is_delay_minus_difference_of_offsets() -> None:
    program = loop(delay_back=2)
    assert [program.lag(p) for p in program.projections] == [0, 0, 3]


def test_lag_is_negative_where_something_arrives_early() -> None:
    program = chain(delay=0)
    assert program.lag(program.projections[0]) == -1


def test_gap_is_the_longest_lag_and_never_negative() -> None:
    assert loop(delay_back=2).gap == 3
    assert chain().gap == 0
    assert chain(delay=0).gap == 0


def test_latency_is_the_largest_offset() -> None:
    assert loop(delay_back=2).latency == 3
    assert chain().latency == 1


def test_into_and_sources() -> None:
    program = loop(delay_back=2)
    assert [p.source for p in program.into("a")] == ["in", "b"]
    assert program.into("in") == ()
    assert [p.name for p in program.sources] == ["in"]
    assert program.by_name["b"].size == 1
