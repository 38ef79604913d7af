"""The pieces that Lava's processes are made of, each against plain integers."""

from __future__ import annotations

import pytest
from eideploy_targets.lava.timetable import Timetable
from hypothesis import given
from hypothesis import strategies as st

from eideploy.program import (
    Identity,
    LIFNeuron,
    Population,
    Program,
    Projection,
    Source,
    Stimulus,
)
from eideploy.simulate.record import Record


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


@pytest.mark.lava
@pytest.mark.parametrize("refractory", [1, 2, 5])
def test_a_refractory_lif_is_that_of_lava(refractory: int) -> None:
    """The float one against `lava.proc.lif.process.LIFRefractory`, whose model is stepped here."""
    pytest.importorskip("lava")
    import numpy as np
    from eideploy_targets.lava import LavaFloat
    from lava.proc.lif.models import PyLifRefractoryModelFloat

    rng = np.random.default_rng(refractory)
    x = rng.uniform(0, 1.5, (1, 60, 4))
    theirs = PyLifRefractoryModelFloat({"refractory_period": refractory})
    theirs.du, theirs.dv, theirs.vth = 0.4, 0.25, 1.0
    theirs.u, theirs.v, theirs.bias_mant = np.zeros(4), np.zeros(4), np.full(4, 0.1)
    theirs.refractory_period_end = np.zeros(4, int)
    spikes = []
    for theirs.time_step, arrived in enumerate(x[0], start=1):
        theirs.subthr_dynamics(arrived)
        spikes.append(theirs.spiking_activation())
        theirs.process_spikes(spikes[-1])

    lif = LIFNeuron(0.4, 0.25, 1.0, 0.1, 1.0, refractory=refractory)
    program = Program(
        (Population("in", (4,), Source(maximum=2.0)), Population("lif", (4,), lif, offset=1)),
        (Projection("in", "lif", Identity(1.0), delay=1),),
        "float",
        ("lif",),
    )
    ours = LavaFloat(executor="inprocess").run(program, Stimulus({"in": x}), Record())["lif"]
    assert np.array_equal(ours.output[0], spikes)
    assert 0.1 < np.mean(spikes) * (1 + refractory) <= 1
