"""Restoring division gives the quotient of the definition, in narrow registers."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eideploy.program import EINeuronFixed
from eideploy.simulate.division import restoring_division
from eideploy.simulate.reference import quotient

LARGEST = 2**23 - 1
REGISTER = 2**24  # magnitudes of a register of 25 bits, sign included; a chip has 27


PERMITTED = {
    *("left_shift", "right_shift", "bitwise_or", "bitwise_and"),
    *("greater", "greater_equal", "less"),
    *("subtract", "negative"),
    *("where", "zeros_like"),
}


class Register(np.ndarray):
    """An array with few operations, whose every intermediate result has to fit into 25 bits."""

    used: ClassVar[Counter[str]] = Counter()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        return self.checked(getattr(ufunc, method), ufunc.__name__, inputs, options)

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        return self.checked(function, function.__name__, inputs, options)

    @classmethod
    def checked(cls, function: Any, name: str, inputs: Any, options: Any) -> Any:
        assert name in PERMITTED, name
        result = function(*map(np.asarray, inputs), **options)
        assert np.all(np.abs(result) < REGISTER), name
        cls.used[name] += 1
        return result.view(cls)


def definition(b: int, s: int, floor: int, shift: int, bits: int) -> int:
    """On Python's integers, which have no width."""
    q = min(abs(b) * 2**shift // max(s, floor), 2 ** (bits - 1) - 1)
    return -q if b < 0 else q


EDGES = st.sampled_from([0, 1, 2, 3, 2**11, 2**12, 2**12 + 1, 2**22, LARGEST - 1, LARGEST])
SIZES = EDGES | st.integers(0, LARGEST)


@settings(max_examples=500)
@given(
    b=SIZES,
    negative=st.booleans(),
    s=SIZES,
    floor=st.integers(1, LARGEST) | st.just(1),
    shift=st.integers(0, 38),
    bits=st.integers(1, 24),
)
@example(b=LARGEST, negative=True, s=1, floor=1, shift=38, bits=24)
@example(b=1, negative=False, s=LARGEST, floor=1, shift=38, bits=24)
@example(b=2**16, negative=False, s=2**12, floor=1, shift=12, bits=17)  # first that saturates
@example(b=2**16 - 1, negative=False, s=2**12, floor=1, shift=12, bits=17)
def test_one_quotient(b: int, negative: bool, s: int, floor: int, shift: int, bits: int) -> None:
    b = -b if negative else b
    got = restoring_division(
        np.array([b]).view(Register), np.array([s]).view(Register), floor, shift, bits
    )
    assert got.item() == definition(b, s, floor, shift, bits)


@pytest.mark.parametrize(("shift", "bits"), [(12, 17), (13, 18), (0, 17), (20, 17), (12, 24)])
def test_many_quotients_are_those_of_the_reference(shift: int, bits: int) -> None:
    rng = np.random.default_rng(shift)
    balanced, shunt = (2 ** rng.uniform(0, 23, (2, 20_000))).astype(np.int64)
    balanced *= rng.choice([-1, 1], balanced.shape)
    neuron = EINeuronFixed(
        voltage_decay=0,
        gain=256,
        bias=0,
        floor=7,
        threshold=0,
        quotient_shift=shift,
        quotient_bits=bits,
    )
    expected = quotient(balanced, shunt, neuron)
    got = restoring_division(balanced.view(Register), shunt.view(Register), 7, shift, bits)
    assert np.array_equal(np.asarray(got), expected)


@pytest.mark.parametrize("bits", [2, 17, 18, 24])
def test_it_takes_as_many_steps_as_the_quotient_has_bits_without_its_sign(bits: int) -> None:
    """A step subtracts once; that is all the subtracting there is where no bit is shifted out."""
    Register.used.clear()
    restoring_division(np.array([5]).view(Register), np.array([7]).view(Register), 1, 1, bits)
    assert Register.used["subtract"] == bits - 1


def test_the_width_check_of_this_test_works() -> None:
    with pytest.raises(AssertionError, match="left_shift"):
        np.array([LARGEST]).view(Register) << 4
    with pytest.raises(AssertionError, match="floor_divide"):
        np.array([4]).view(Register) // 2
