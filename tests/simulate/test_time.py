"""Delays, offsets, loops, sample boundaries and resets of the reference; the twin where it runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from eideploy.errors import InputError, StimulusError
from eideploy.program import (
    Identity,
    LIFNeuron,
    Population,
    Program,
    Projection,
    Relay,
    Source,
    Stimulus,
)
from eideploy.simulate import reference
from eideploy.simulate.record import Record

ONE = Identity(1.0)


def program(
    *populations: Population, projections: tuple[Projection, ...] = (), offset: int = 0
) -> Program:
    """An input of one neuron, range ±100, beside other populations."""
    source = Population("in", (1,), Source(-100, 100), offset)
    return Program((source, *populations), projections, "float", ("in",))


def shown(*samples: list[float]) -> Stimulus:
    return Stimulus({"in": np.array(samples, np.float64)[:, :, None]})


def output(trace: Any, name: str) -> list[list[float]]:
    return trace[name].output[:, :, 0].tolist()


TWO_SAMPLES = shown([1, 2, 3, 4], [5, 6, 7, 8])


@pytest.mark.parametrize(
    ("offset", "delay", "expected"),
    [
        (1, 1, [[1, 2, 3, 4], [5, 6, 7, 8]]),
        (3, 3, [[1, 2, 3, 4], [5, 6, 7, 8]]),
        (1, 2, [[0, 1, 2, 3], [0, 5, 6, 7]]),
        (0, 3, [[0, 0, 0, 1], [0, 0, 0, 5]]),
        (2, 9, [[0, 0, 0, 0], [0, 0, 0, 0]]),
    ],
)
def test_a_lag_shifts_within_the_sample(
    execute: Any, offset: int, delay: int, expected: list[list[float]]
) -> None:
    late = program(
        Population("out", (1,), Relay(), offset),
        projections=(Projection("in", "out", ONE, delay=delay),),
    )
    trace = execute(late, TWO_SAMPLES)
    assert output(trace, "out") == expected
    assert trace["out"].offset == offset


def test_an_input_may_have_an_offset_too(execute: Any) -> None:
    late = program(
        Population("out", (1,), Relay(), 3),
        projections=(Projection("in", "out", ONE, delay=2),),
        offset=1,
    )
    assert output(execute(late, TWO_SAMPLES), "out") == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_misaligned_spikes_come_from_the_next_step_and_sample() -> None:
    """Offset 2 but delay 1: what arrives was emitted one logical step later."""
    early = program(
        Population("out", (1,), Relay(), 2),
        projections=(Projection("in", "out", ONE, delay=1),),
    )
    assert output(reference.run(early, TWO_SAMPLES), "out") == [[2, 3, 4, 5], [6, 7, 8, 0]]


def test_a_loop_sums_up_and_starts_anew_with_each_sample(execute: Any) -> None:
    loop = program(
        Population("sum", (1,), Relay(), 1),
        projections=(
            Projection("in", "sum", ONE, delay=1),
            Projection("sum", "sum", ONE, delay=1),
        ),
    )
    assert loop.gap == 1
    assert output(execute(loop, TWO_SAMPLES), "sum") == [[1, 3, 6, 10], [5, 11, 18, 26]]


def test_a_loop_of_two_takes_as_long_as_its_delays(execute: Any) -> None:
    """a → b → a: what a emits is back after two steps, in Fibonacci's manner with its own past."""
    loop = program(
        Population("a", (1,), Relay(), 1),
        Population("b", (1,), Relay(), 2),
        projections=(
            Projection("in", "a", ONE, delay=1),
            Projection("a", "a", ONE, delay=1),
            Projection("a", "b", ONE, delay=1),
            Projection("b", "a", ONE, delay=1),
        ),
    )
    assert [loop.lag(p) for p in loop.projections] == [0, 1, 0, 2]
    trace = execute(loop, shown([1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0]))
    assert output(trace, "a") == [[1, 1, 2, 3, 5, 8], [0, 1, 1, 2, 3, 5]]
    assert output(trace, "b") == output(trace, "a")


def counting(reset_phase: int | None, threshold: float = 1e9) -> Program:
    """A neuron that adds up its input."""
    adding = LIFNeuron(1.0, 0.0, 1.0, 0.0, threshold)
    return program(
        Population("out", (1,), adding, offset=2, reset_phase=reset_phase),
        projections=(Projection("in", "out", ONE, delay=2),),
    )


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        (0, [[1, 3, 6, 10], [5, 11, 18, 26]]),
        (1, [[1, 2, 5, 9], [14, 6, 13, 21]]),
        (3, [[1, 3, 6, 4], [9, 15, 22, 8]]),
        (None, [[1, 3, 6, 10], [15, 21, 28, 36]]),
    ],
)
def test_the_reset_phase_says_before_which_step_state_starts_anew(
    phase: int | None, expected: list[list[float]]
) -> None:
    trace = reference.run(counting(phase), TWO_SAMPLES)
    assert trace["out"].state["v"][:, :, 0].tolist() == expected


def test_state_is_recorded_as_tested_and_output_after_the_test(execute: Any) -> None:
    trace = execute(counting(0, threshold=5), TWO_SAMPLES)
    assert trace["out"].state["v"][:, :, 0].tolist() == [[1, 3, 6, 4], [5, 11, 7, 8]]
    assert output(trace, "out") == [[0, 0, 1, 0], [0, 1, 1, 1]]


def test_a_reset_beyond_the_sample() -> None:
    with pytest.raises(InputError, match="reset phase lies beyond the 4 steps"):
        reference.run(counting(4), TWO_SAMPLES)


def test_the_reference_needs_delays() -> None:
    ready = counting(0)
    (projection,) = ready.projections
    unaligned = ready.replace_projection(projection, replace(projection, delay=0))
    with pytest.raises(InputError, match="it was not aligned"):
        reference.run(unaligned, TWO_SAMPLES)


def test_a_stimulus_that_does_not_fit(execute: Any) -> None:
    with pytest.raises(StimulusError, match="'in' has shape"):
        execute(counting(0), Stimulus({"in": np.zeros((1, 4, 2))}))


def test_progress_counts_samples(execute: Any) -> None:
    seen = []
    execute(counting(0), TWO_SAMPLES, None, lambda done, of: seen.append((done, of)))
    assert seen[-1] == (2, 2)
    assert seen == sorted(seen)


def test_everything_but_inputs_is_recorded_by_default(execute: Any) -> None:
    trace = execute(counting(0), TWO_SAMPLES)
    assert set(trace.recordings) == {"out"}
    assert set(trace["out"].state) == {"u", "v"}


def test_recording_without_state(execute: Any) -> None:
    trace = execute(counting(0), TWO_SAMPLES, Record(state=False))
    assert trace["out"].state == {}


def test_an_input_is_recorded_as_it_was_encoded(execute: Any) -> None:
    trace = execute(counting(0), TWO_SAMPLES, Record(("in",)))
    assert set(trace.recordings) == {"in"}
    assert output(trace, "in") == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_recording_what_does_not_exist(execute: Any) -> None:
    with pytest.raises(InputError, match=r"cannot record \['typo'\]; there are \['in', 'out'\]"):
        execute(counting(0), TWO_SAMPLES, Record(("out", "typo")))
