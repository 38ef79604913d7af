"""Single neurons at the ends of every range: the oracle and the reference say the same."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from eideploy.conform import Case
from eideploy.conform.expected import expected
from eideploy.errors import InputError
from eideploy.program import (
    EINeuronFixed,
    Identity,
    IntegratorFixed,
    LIFNeuronFixed,
    Neuron,
    Population,
    Program,
    Projection,
    Relay,
    Source,
    Stimulus,
)
from eideploy.program.neuron import STATE_MAX
from eideploy.simulate import reference
from eideploy.simulate.record import Record

LIMIT = 2**17
"""Of inputs and current biases: shifted left by 6 they wrap u, once."""


def within(low: int, high: int) -> SearchStrategy[int]:
    """A number of a range, often one of its ends or near 0."""
    near = [n for n in (low, low + 1, -2, -1, 0, 1, 2, high - 1, high) if low <= n <= high]
    return st.sampled_from(near) | st.integers(low, high)


RESETS = st.sampled_from(["value", "subtract"])
CURRENT = {
    "current_decay": within(0, 4095),
    "voltage_decay": within(0, 4096),
    "bias_mantissa": within(-4096, 4095),
    "bias_exponent": within(0, 7),
    "current_bias": within(-LIMIT, LIMIT),
}
NEURONS: SearchStrategy[Neuron] = st.one_of(
    st.builds(
        LIFNeuronFixed,
        **CURRENT,
        threshold=within(0, 131071) | within(0, 100),
        reset=RESETS,
        reset_to=within(-STATE_MAX, STATE_MAX),
        refractory=within(0, 3),
    ),
    st.builds(
        IntegratorFixed, **CURRENT, initial=within(-STATE_MAX, STATE_MAX), shift=within(0, 23)
    ),
    st.builds(
        EINeuronFixed,
        voltage_decay=within(0, 4096),
        gain=within(-512, 512),
        bias=within(-5000, 5000),
        floor=within(1, STATE_MAX) | within(1, 20),
        threshold=within(-5000, 5000),
        quotient_shift=within(0, 38),
        quotient_bits=within(1, 22),
        reset=RESETS,
        reset_to=within(-5000, 5000),
    ),
    st.builds(Relay, shift=within(0, 62), bias=within(-LIMIT, LIMIT)),
)


@st.composite
def programs(draw: DrawFn) -> Program:
    """An input and a neuron that sees it, and perhaps itself; not always in time."""
    neuron, stride = draw(NEURONS), draw(st.integers(1, 3))
    offset = draw(st.integers(0, 3))
    projections = [
        Projection(
            source,
            "out",
            Identity(np.array(draw(within(-255, 255)))),
            port,
            draw(st.integers(1, 5)),
            draw(st.integers(-6, 6)),
        )
        for port in neuron.ports
        for source in draw(st.lists(st.sampled_from(["in", "in", "out"]), max_size=2))
    ]
    phase = draw(st.sampled_from([0, None, 2]))
    return Program(
        (
            Population("in", (1,), Source(-400, 400, 0, draw(st.sampled_from([1.0, 0.5, 2.5])))),
            Population("out", (1,), neuron, offset, phase),
        ),
        tuple(projections),
        "integer",
        ("out",),
        stride=stride,
    )


STIMULI = st.lists(st.lists(within(-400, 400), min_size=6, max_size=6), min_size=1, max_size=3)


@given(programs(), STIMULI)
def test_the_oracle_and_the_reference_agree(program: Program, shown: list[list[int]]) -> None:
    stimulus = Stimulus({"in": np.array(shown)[..., None]})
    try:
        wanted = expected(Case("test/extreme", "All agree.", program, stimulus))["out"]
    except InputError as error:
        # Where a sum or a state leaves its width, a Program says nothing.
        if "24 bits do not hold" in str(error):
            return
        raise
    found = reference.run(program, stimulus, Record(state=True))["out"]
    assert np.array_equal(wanted.output, found.output)
    assert set(wanted.state) == set(found.state)
    for name, values in wanted.state.items():
        assert np.array_equal(values, found.state[name])
