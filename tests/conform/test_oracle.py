"""The oracle against results worked out by hand from the docstrings of the neuron models."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from eideploy.conform.oracle import fixed, floating, programs
from eideploy.conform.oracle.document import ProgramDocument
from eideploy.conform.oracle.rounding import (
    aligned,
    clipped,
    half_even,
    half_up,
    toward_zero,
    wrapped,
)
from eideploy.conform.oracle.schedule import Schedule

LIF = {
    "current_decay": 4095,
    "voltage_decay": 0,
    "bias_mantissa": 0,
    "bias_exponent": 0,
    "threshold": 10,
    "reset": "value",
    "reset_to": 0,
    "current_bias": 0,
    "refractory": 0,
}
CIRCUIT = {
    "voltage_decay": 0,
    "gain": 256,
    "bias": 0,
    "floor": 2,
    "threshold": 100,
    "quotient_shift": 3,
    "quotient_bits": 8,
    "reset": "value",
    "reset_to": 0,
}


@pytest.mark.parametrize(("value", "expected"), [(3, 1), (-3, -1), (4, 2), (-1, 0), (0, 0)])
def test_toward_zero(value: int, expected: int) -> None:
    assert toward_zero(value, 1) == expected


@pytest.mark.parametrize(
    ("value", "bits", "expected"), [(2, 2, 1), (1, 2, 0), (-2, 2, 0), (-3, 2, -1), (7, 0, 7)]
)
def test_half_up(value: int, bits: int, expected: int) -> None:
    assert half_up(value, bits) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1/2", 0), ("3/2", 2), ("5/2", 2), ("-1/2", 0), ("-3/2", -2), ("2/3", 1), ("-2/3", -1)],
)
def test_half_even(value: str, expected: int) -> None:
    assert half_even(Fraction(value)) == expected


@pytest.mark.parametrize(
    ("value", "exponent", "expected"), [(3, 2, 12), (-3, 1, -6), (-3, -1, -2), (3, -1, 1)]
)
def test_a_negative_exponent_rounds_down(value: int, exponent: int, expected: int) -> None:
    assert aligned(value, exponent) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2**23, 2**23),
        (2**23 + 1, 1 - 2**23),
        (-(2**23), 2**23),
        (1 - 2**23, 1 - 2**23),
    ],
)
def test_u_wraps_as_lava_does(value: int, expected: int) -> None:
    assert wrapped(value) == expected


def test_v_is_clipped_on_both_sides() -> None:
    assert (clipped(2**23), clipped(-(2**23)), clipped(5)) == (2**23 - 1, 1 - 2**23, 5)


@pytest.mark.parametrize(
    ("changes", "state", "x", "spike", "tested", "after"),
    [
        pytest.param({}, (0, 0, 0), 10, 0, (640, 640), (640, 640, 0), id="equal is not above"),
        pytest.param({}, (0, 0, 0), 11, 1, (704, 704), (704, 0, 0), id="reset to a value"),
        pytest.param(
            {"reset": "subtract", "reset_to": 7},
            (0, 0, 0),
            11,
            1,
            (704, 704),
            (704, 64, 0),
            id="reset by the threshold",
        ),
        pytest.param(
            {"current_decay": 0}, (-3, 0, 0), 0, 0, (-2, -2), (-2, -2, 0), id="du gets one more"
        ),
        pytest.param(
            {"voltage_decay": 1}, (0, -3, 0), 0, 0, (0, -2), (0, -2, 0), id="dv gets no more"
        ),
        pytest.param(
            {"bias_mantissa": -3, "bias_exponent": 2, "current_bias": 2},
            (0, 0, 0),
            -1,
            0,
            (64, 52),
            (64, 52, 0),
            id="a bias of each kind",
        ),
        pytest.param(
            {"refractory": 3}, (0, 0, 0), 11, 1, (704, 704), (704, 0, 3), id="a spike, then rest"
        ),
        pytest.param(
            {"refractory": 3, "bias_mantissa": 9, "voltage_decay": 4096},
            (0, 700, 2),
            11,
            0,
            (704, 700),
            (704, 700, 1),
            id="at rest only u goes on",
        ),
    ],
)
def test_one_step_of_an_integer_lif(
    changes: dict[str, Any],
    state: tuple[int, ...],
    x: int,
    spike: int,
    tested: tuple[int, ...],
    after: tuple[int, ...],
) -> None:
    assert fixed.lif(LIF | changes, state, (x,)) == (spike, tested, after)


def test_an_integer_integrator_emits_the_nearest_of_what_its_shift_leaves() -> None:
    parameters = LIF | {"shift": 7}
    assert fixed.integrator(parameters, (0, 0), (-1,)) == (0, (-64, -64), (-64, -64))
    assert fixed.integrator(parameters, (0, 0), (1,)) == (1, (64, 64), (64, 64))


@pytest.mark.parametrize(
    ("changes", "ports", "v"),
    [
        pytest.param({}, (7, 3), 18, id="the quotient is rounded down"),
        pytest.param({}, (-7, 3), -18, id="and a negative one toward zero"),
        pytest.param({}, (7, 1), 28, id="the floor divides"),
        pytest.param({}, (7, -5), 28, id="and in place of a negative shunt"),
        pytest.param({}, (0, 0), 0, id="nothing by nothing"),
        pytest.param({}, (1000, 2), 127, id="saturated to 8 bits"),
        pytest.param({}, (-1000, 2), -127, id="on both sides"),
        pytest.param({"gain": 128}, (-7, 3), -9, id="the gain comes after the quotient"),
        pytest.param({"gain": 100}, (-7, 3), -7, id="and is rounded toward zero"),
        pytest.param({"gain": 512}, (1000, 2), 254, id="and after saturation"),
        pytest.param({"gain": 0, "bias": 5}, (7, 3), 5, id="a bias is left"),
    ],
)
def test_the_current_of_an_integer_circuit(
    changes: dict[str, Any], ports: tuple[int, int], v: int
) -> None:
    _, tested, _ = fixed.circuit(CIRCUIT | changes, (0,), ports)
    assert tested == (v,)


@pytest.mark.parametrize(
    ("reset", "v", "expected"),
    [
        ("value", 100, (0, (100,), (100,))),
        ("value", 101, (1, (101,), (-4,))),
        ("subtract", 101, (1, (101,), (1,))),
    ],
)
def test_the_test_of_an_integer_circuit(reset: str, v: int, expected: Any) -> None:
    assert fixed.circuit(CIRCUIT | {"reset": reset, "reset_to": -4}, (v,), (0, 0)) == expected


@pytest.mark.parametrize(("x", "expected"), [(5, 2), (6, 2), (-7, -1), (-6, -1), (4, 1)])
def test_an_integer_relay(x: int, expected: int) -> None:
    assert fixed.relay({"bias": 1, "shift": 2}, (), (x,))[0] == expected


def test_one_step_of_a_float_lif() -> None:
    half = Fraction(1, 2)
    parameters = {
        "current_decay": half,
        "voltage_decay": half / 2,
        "gain": Fraction(3),
        "bias": half,
        "threshold": Fraction(5),
        "reset": "subtract",
        "reset_to": Fraction(4),
        "current_bias": Fraction(1),
        "refractory": Fraction(2),
    }
    # u = 1/2·2 + 3·1 + 1 = 5; v = 3/4·4 + 5 + 1/2 = 17/2
    state = (Fraction(2), Fraction(4), Fraction(0))
    step = floating.lif(parameters, state, (Fraction(1),))
    assert step == (1, (5, Fraction(17, 2)), (5, Fraction(9, 2), 2))
    # At rest: u = 1/2·5 + 1
    assert floating.lif(parameters, step[2], (Fraction(0),)) == (
        0,
        (Fraction(7, 2), Fraction(9, 2)),
        (Fraction(7, 2), Fraction(9, 2), 1),
    )
    exactly = parameters | {"threshold": Fraction(17, 2)}
    assert floating.lif(exactly, state, (Fraction(1),))[0] == 0


def test_one_step_of_a_float_circuit() -> None:
    parameters = {
        "voltage_decay": Fraction(1, 2),
        "gain": Fraction(2),
        "bias": Fraction(1),
        "floor": Fraction(1, 4),
        "threshold": Fraction(3),
        "reset": "value",
        "reset_to": Fraction(-1),
    }
    # v = 1/2·2 + 2·(−1)/(1/3) + 1, and with the floor 1/2·2 + 2·1/(1/4) + 1
    assert floating.circuit(parameters, (Fraction(2),), (Fraction(-1), Fraction(1, 3)))[1] == (-4,)
    assert floating.circuit(parameters, (Fraction(2),), (Fraction(1), Fraction(0))) == (
        1,
        (10,),
        (-1,),
    )


def test_hardware_time_has_gaps_between_samples_and_between_steps() -> None:
    schedule = Schedule(samples=2, steps=2, stride=3, gap=1)
    due = [schedule.due(h, offset=1) for h in range(16)]
    found = {h: at for h, at in enumerate(due) if at is not None}
    assert found == {1: (0, 0), 4: (0, 1), 8: (1, 0), 11: (1, 1)}


def relays(
    offsets: dict[str, int], projections: list[tuple[str, str, int, int]], stride: int = 1
) -> ProgramDocument:
    """An input `in` and relays of one neuron; projections (source, target, delay, weight)."""
    shift = {"shift": [0], "bias": [0]}
    return {
        "arithmetic": "integer",
        "stride": stride,
        "populations": [
            {
                "name": name,
                "shape": [1],
                "offset": offset,
                "reset_phase": 0,
                "model": "Source" if name == "in" else "Relay",
                "parameters": {"scale": [1]} if name == "in" else shift,
            }
            for name, offset in offsets.items()
        ],
        "projections": [
            {
                "source": source,
                "target": target,
                "port": "input",
                "delay": delay,
                "exponent": 0,
                "operator": "Identity",
                "weight": weight,
                "geometry": {},
            }
            for source, target, delay, weight in projections
        ],
    }


def emitted(document: ProgramDocument, shown: list[list[int]], name: str) -> list[list[int]]:
    values = {"in": [[[value] for value in sample] for sample in shown]}
    output = programs.run(document, values)[name]["output"]
    return [[vector[0] for vector in sample] for sample in output]


def test_a_delay_beyond_the_offsets_delays_and_does_not_leak_into_the_next_sample() -> None:
    document = relays({"in": 0, "out": 1}, [("in", "out", 3, 1)])
    assert emitted(document, [[1, 2, 3], [4, 5, 6]], "out") == [[0, 0, 1], [0, 0, 4]]


def test_what_arrives_too_early_is_lost_or_counts_before_its_time() -> None:
    document = relays({"in": 0, "out": 2}, [("in", "out", 1, 1)])
    assert emitted(document, [[1, 2, 3]], "out") == [[2, 3, 0]]


def test_what_arrives_between_two_steps_is_lost() -> None:
    document = relays({"in": 0, "out": 2}, [("in", "out", 3, 1)], stride=2)
    assert emitted(document, [[1, 2, 3]], "out") == [[0, 0, 0]]


def test_a_loop_acts_in_the_next_step() -> None:
    # y(t) = x(t) + 2·y(t − 1), gone round through another relay within a logical step.
    document = relays(
        {"in": 0, "out": 1, "back": 2},
        [("in", "out", 1, 1), ("out", "back", 1, 2), ("back", "out", 1, 1)],
        stride=2,
    )
    assert emitted(document, [[1, 0, 1], [1, 0, 0]], "out") == [[1, 2, 5], [1, 2, 4]]


def test_several_projections_into_a_port_are_added() -> None:
    document = relays({"in": 0, "out": 1}, [("in", "out", 1, 2), ("in", "out", 2, -1)])
    assert emitted(document, [[1, 1, 0]], "out") == [[2, 1, -1]]


def test_every_projection_is_rounded_by_itself() -> None:
    document = relays({"in": 0, "out": 1}, [("in", "out", 1, 1), ("in", "out", 1, 1)])
    for projection in document["projections"]:
        projection["exponent"] = -1
    assert emitted(document, [[1, -1, 2]], "out") == [[0, -2, 2]]


def test_an_input_is_encoded_to_the_nearest_even_integer() -> None:
    document = relays({"in": 0, "out": 1}, [("in", "out", 1, 1)])
    document["populations"][0]["parameters"]["scale"] = [0.5]
    assert emitted(document, [[1, 2, 3, 5, -1, -3]], "out") == [[0, 1, 2, 2, 0, -2]]


@pytest.mark.parametrize(
    ("weight", "delay", "phase", "message"),
    [
        (2**23, 1, 0, "the sum on a port of neuron 0 of 'out' is 8388608"),
        (1, 0, 0, "in → out has a delay of 0"),
        (1, 1, 1, "'out' is reset before step 1, but a sample has 1 steps"),
    ],
)
def test_what_a_program_does_not_say_is_refused(
    weight: int, delay: int, phase: int, message: str
) -> None:
    document = relays({"in": 0, "out": 1}, [("in", "out", delay, weight)])
    document["populations"][1]["reset_phase"] = phase
    with pytest.raises(ValueError, match=message):
        emitted(document, [[1]], "out")
