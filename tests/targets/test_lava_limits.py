"""What does not fit Lava is refused by name, before anything starts; no Lava is needed for that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from eideploy_targets.lava.limits import check

from eideploy.errors import InputError, UnsupportedError
from eideploy.program import (
    Conv2d,
    Dense,
    Identity,
    LIFNeuronFixed,
    Neuron,
    Operator,
    Population,
    Program,
    Projection,
    Relay,
    Source,
)

LIF = LIFNeuronFixed(4095, 1024, 0, 0, threshold=20)


def two(
    operator: Operator,
    neuron: Neuron = LIF,
    shapes: tuple[tuple[int, ...], tuple[int, ...]] = ((3,), (2,)),
    scale: float = 1.0,
    **options: Any,
) -> Program:
    """One projection from a source to a population."""
    return Program(
        (Population("in", shapes[0], Source(scale=scale)), Population("out", shapes[1], neuron)),
        (Projection("in", "out", operator, **{"delay": 1, **options}),),
        "integer",
        ("out",),
    )


@pytest.mark.parametrize(
    ("sign", "fitting", "refused"),
    [
        ("mixed", [-256, 254, 0], [3, -257, -258, 255, 256]),
        ("excitatory", [0, 1, 255], [256]),
        ("inhibitory", [0, -1, -255], [-256]),
    ],
)
def test_weights_that_dense_would_change(sign: Any, fitting: list[int], refused: list[int]) -> None:
    check(two(Dense(np.array([fitting, fitting])), sign=sign), "integer", steps=4)
    for weight in refused:
        program = two(Dense(np.array([[0, 0, 0], [0, weight, 0]])), sign=sign)
        with pytest.raises(UnsupportedError, match=rf"in→out.input: .*\[1, 1\] is {weight}"):
            check(program, "integer", steps=4)


def test_a_conv_sum_beyond_24_bits_of_lavas_conv_and_32_of_ours() -> None:
    kernel = np.full((1, 2, 2, 2), 254)
    shapes = ((2, 3, 3), (1, 2, 2))

    def program(scale: float, exponent: int) -> Program:
        return two(Conv2d(kernel), Relay(), shapes, scale, exponent=exponent)

    for stock, bits in ((True, 23), (False, 31)):
        largest = (2**bits - 1) // (8 * 254)
        check(program(largest, 0), "integer", steps=4, stock=stock)
        for scale, exponent in ((largest + 1, 0), (largest // 2 + 1, 1)):
            with pytest.raises(UnsupportedError, match="can reach"):
                check(program(scale, exponent), "integer", steps=4, stock=stock)


def test_a_conv_shifted_to_the_right() -> None:
    program = two(Conv2d(np.ones((1, 2, 2, 2), int)), Relay(), ((2, 3, 3), (1, 2, 2)), exponent=-1)
    check(program, "integer", steps=4)
    with pytest.raises(UnsupportedError, match=r"in→out\.input: Lava's Conv has no .* -1"):
        check(program, "integer", steps=4, stock=True)


@pytest.mark.parametrize("exponent", [0, 7, -7])
def test_a_dense_sum_beyond_32_bits(exponent: int) -> None:
    def program(scale: float) -> Program:
        weight = np.full((2, 3), 254)
        return two(Dense(weight), Relay(shift=20), scale=scale, exponent=exponent)

    largest = (2**31 - 1) // (3 * 254 << max(exponent, 0))
    check(program(largest), "integer", steps=4)
    with pytest.raises(UnsupportedError, match=r"in→out\.input can reach .* 2147483647"):
        check(program(largest + 1), "integer", steps=4)


def test_an_input_beyond_what_lif_can_shift() -> None:
    check(two(Identity(np.array(2)), shapes=((2,), (2,)), scale=2**23), "integer", steps=4)
    program = two(Identity(np.array(2)), shapes=((2,), (2,)), scale=2**23 + 1)
    with pytest.raises(UnsupportedError, match="the input of population 'out' can reach 16777218"):
        check(program, "integer", steps=4)


def test_a_relay_that_grows_without_bound() -> None:
    program = two(Dense(np.ones((2, 3), int)), Relay(), sign="excitatory")
    loop = Projection("out", "out", Identity(np.array(2)), delay=1)
    with pytest.raises(UnsupportedError, match="'out' feeds itself"):
        check(replace(program, projections=(*program.projections, loop)), "integer", steps=4)


def test_a_program_that_was_not_aligned() -> None:
    with pytest.raises(InputError, match=r"in→out\.input has no delay"):
        check(two(Dense(np.zeros((2, 3), int)), delay=0), "integer", steps=4)


def test_a_reset_beyond_the_sample() -> None:
    program = two(Dense(np.zeros((2, 3), int)))
    late = program.replace_population(replace(program.by_name["out"], reset_phase=4))
    check(late, "integer", steps=5)
    with pytest.raises(InputError, match="'out' is reset at step 4, but a sample has 4 steps"):
        check(late, "integer", steps=4)


def test_the_other_arithmetic() -> None:
    with pytest.raises(UnsupportedError, match="integer arithmetic"):
        check(two(Dense(np.zeros((2, 3), int))), "float", steps=4)


@dataclass(frozen=True, eq=False)
class Novelty(Neuron):
    ports = ("input",)


@dataclass(frozen=True, eq=False)
class Shuffle(Identity):
    pass


def test_parts_of_another_maker() -> None:
    with pytest.raises(UnsupportedError, match="'out': neuron model Novelty"):
        check(two(Dense(np.zeros((2, 3), int)), Novelty()), "integer", steps=4)


def test_operators_of_another_maker() -> None:
    with pytest.raises(UnsupportedError, match=r"in→out\.input: operator Shuffle"):
        check(two(Shuffle(np.array(2)), shapes=((2,), (2,))), "integer", steps=4)
