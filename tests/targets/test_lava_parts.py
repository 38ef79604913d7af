"""The pieces that Lava's processes are made of, each against plain integers."""

from __future__ import annotations

import pytest
from eideploy_targets.lava.timetable import Timetable
from hypothesis import given
from hypothesis import strategies as st


def test_a_timetable_streams_samples_back_to_back() -> None:
    table = Timetable(samples=2, steps=3, period=4, offset=2)
    assert [table.at(step) for step in range(12)] == [
        *(None, None),  # latency
        *(0, 1, 2, None),  # the first sample and a gap
        *(0, 1, 2, None),  # the second
        *(None, None),  # over
    ]


def test_a_slow_timetable_works_every_other_step() -> None:
    table = Timetable(samples=2, steps=2, period=5, offset=1, stride=2)
    assert [table.at(step) for step in range(11)] == [
        None,  # latency
        *(0, None, 1, None, None),  # the first sample and a gap
        *(0, None, 1, None, None),  # the second
    ]


@pytest.mark.lava
@given(
    dividend=st.integers(0, 2**61),
    divisor=st.integers(1, 2**23 - 1),
    bits=st.integers(0, 23),
)
def test_long_division_saturates(dividend: int, divisor: int, bits: int) -> None:
    pytest.importorskip("lava")
    import numpy as np
    from eideploy_targets.lava.processes.ei.neuron import long_division

    (quotient,) = long_division(np.array([dividend]), np.array([divisor]), bits)
    assert quotient == min(dividend // divisor, 2**bits - 1)


@pytest.mark.lava
@given(x=st.integers(-(2**60), 2**60), bits=st.integers(0, 20))
def test_shifts_round_toward_zero(x: int, bits: int) -> None:
    pytest.importorskip("lava")
    import numpy as np
    from eideploy_targets.lava.processes.ei.neuron import shift_toward_zero

    (shifted,) = shift_toward_zero(np.array([x]), bits)
    assert shifted == (abs(x) >> bits) * (1 if x >= 0 else -1)
