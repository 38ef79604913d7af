"""Restoring division gives the quotient of the definition, in narrow registers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from eideploy.program import EINeuronFixed, Program, Stimulus
from eideploy.simulate import twin
from eideploy.simulate.reference import quotient
from eideploy.simulate.twin.division import restoring_division

LARGEST = 2**23 - 1
REGISTER = 2**24  # magnitudes of a register of 25 bits, sign included; a chip has 27


PERMITTED = {
    *("__lshift__", "__rshift__", "__or__", "__and__"),
    *("gt", "ge", "lt"),
    *("sub", "neg", "abs"),
    *("where", "zeros_like"),
}


class Register(Tensor):
    """A tensor with few operations, whose every intermediate result has to fit into 25 bits."""

    used: ClassVar[Counter[str]] = Counter()

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        name = function.__name__
        assert name in PERMITTED, name
        with torch._C.DisableTorchFunctionSubclass():
            result = function(*args, **(kwargs or {}))
            assert bool((result.abs() if result.dtype != torch.bool else result).lt(REGISTER).all())
            cls.used[name] += 1
            return result.as_subclass(Register)


def registers(*values: Any) -> tuple[Tensor, ...]:
    return tuple(torch.tensor(v, dtype=torch.int64).as_subclass(Register) for v in values)


def numbers(*values: Any) -> tuple[Tensor, ...]:
    return tuple(torch.tensor(v, dtype=torch.int64) for v in values)


def plain(register: Tensor) -> np.ndarray:
    return register.as_subclass(Tensor).numpy()


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
    got = restoring_division(*registers([b], [max(s, floor)]), *numbers(shift, bits))
    assert plain(got).item() == definition(b, s, floor, shift, bits)


def sizes(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """B of either sign and S, of all magnitudes."""
    rng = np.random.default_rng(seed)
    balanced, shunt = (2 ** rng.uniform(0, 23, (2, count))).astype(np.int64)
    return balanced * rng.choice([-1, 0, 1], count, p=[0.5, 0.01, 0.49]), shunt


def circuit(**parameters: Any) -> EINeuronFixed:
    standard = {"voltage_decay": 0, "gain": 256, "bias": 0, "floor": 7, "threshold": 0}
    return EINeuronFixed(**{**standard, "quotient_shift": 12, "quotient_bits": 17, **parameters})


@pytest.mark.parametrize(("shift", "bits"), [(12, 17), (13, 18), (0, 17), (20, 17), (12, 24)])
def test_many_quotients_are_those_of_the_reference(shift: int, bits: int) -> None:
    balanced, shunt = sizes(shift, 20_000)
    expected = quotient(balanced, shunt, circuit(quotient_shift=shift, quotient_bits=bits))
    got = restoring_division(*registers(balanced, np.maximum(shunt, 7)), *numbers(shift, bits))
    assert np.array_equal(plain(got), expected)


def test_neurons_may_differ_in_shift_and_width() -> None:
    balanced, shunt = sizes(1, 5_000)
    rng = np.random.default_rng(2)
    shift, bits = rng.integers(0, 39, 5_000), rng.integers(1, 25, 5_000)
    expected = quotient(balanced, shunt, circuit(quotient_shift=shift, quotient_bits=bits))
    got = restoring_division(*numbers(balanced, np.maximum(shunt, 7), shift, bits))
    assert np.array_equal(got.numpy(), expected)


@pytest.mark.parametrize("bits", [2, 17, 18, 24])
def test_it_takes_as_many_steps_as_the_quotient_has_bits_without_its_sign(bits: int) -> None:
    """A step compares the remainder with the divisor once."""
    Register.used.clear()
    restoring_division(*registers([5], [7]), *numbers(1, bits))
    assert Register.used["ge"] == bits - 1


def test_the_width_check_of_this_test_works() -> None:
    (value,) = registers([LARGEST])
    with pytest.raises(AssertionError, match="False"):
        value << 4
    with pytest.raises(AssertionError, match="floordiv"):
        value // 2


@settings(max_examples=30)
@given(data=st.data())
def test_whole_networks_are_equal_in_every_bin_and_state(
    data: st.DataObject,
    programs: Callable[[str], st.SearchStrategy[Program]],
    stimuli: Callable[[Program], st.SearchStrategy[Stimulus]],
) -> None:
    program = data.draw(programs("integer"))
    stimulus = data.draw(stimuli(program))
    exact = twin.run(program, stimulus)
    restoring = twin.run(program, stimulus, division="restoring")
    for name, recording in exact.recordings.items():
        assert np.array_equal(recording.output, restoring[name].output), name
        for key, values in recording.state.items():
            assert np.array_equal(values, restoring[name].state[key]), (name, key)
