"""The twin against the reference, and what only the twin does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eideploy.errors import InputError, MissingComponentError, UnsupportedError
from eideploy.program import (
    Dense,
    EINeuronFixed,
    Identity,
    IntegratorFixed,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Relay,
    Source,
    Stimulus,
    Trace,
)
from eideploy.simulate import reference, twin
from eideploy.simulate.record import Record

Programs = Callable[[str], st.SearchStrategy[Program]]
Stimuli = Callable[[Program], st.SearchStrategy[Stimulus]]


def arrays(trace: Trace) -> Iterator[tuple[str, np.ndarray]]:
    """Every array of a trace with a name for messages."""
    for name, recording in trace.recordings.items():
        yield f"{name}.output", recording.output
        yield from ((f"{name}.{key}", values) for key, values in recording.state.items())


@settings(max_examples=120)
@given(data=st.data())
def test_integers_are_equal_in_every_bin_and_state(
    data: st.DataObject, programs: Programs, stimuli: Stimuli
) -> None:
    program = data.draw(programs("integer"))
    stimulus = data.draw(stimuli(program))
    expected = reference.run(program, stimulus)
    got = twin.run(program, stimulus, batch=data.draw(st.integers(1, 4)))
    assert list(got.recordings) == list(expected.recordings)
    for (name, before), (_, after) in zip(arrays(expected), arrays(got), strict=True):
        assert after.dtype == before.dtype
        assert np.array_equal(after, before), name


@settings(max_examples=120)
@given(data=st.data())
def test_floats_are_equal_up_to_rounding(
    data: st.DataObject, programs: Programs, stimuli: Stimuli
) -> None:
    program = data.draw(programs("float"))
    stimulus = data.draw(stimuli(program))
    expected = reference.run(program, stimulus)
    got = twin.run(program, stimulus, batch=data.draw(st.integers(1, 4)))
    for (name, before), (_, after) in zip(arrays(expected), arrays(got), strict=True):
        assert after.dtype == before.dtype
        # Weights are continuous, so that a potential within 1e-9 of its threshold is not met.
        np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-9, err_msg=name)
    assert {n: r.offset for n, r in got.recordings.items()} == {
        n: r.offset for n, r in expected.recordings.items()
    }


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@given(data=st.data())
def test_integers_are_equal_on_a_gpu(
    data: st.DataObject, programs: Programs, stimuli: Stimuli
) -> None:
    program = data.draw(programs("integer"))
    stimulus = data.draw(stimuli(program))
    expected = twin.run(program, stimulus)
    got = twin.run(program, stimulus, device="cuda")
    for (name, before), (_, after) in zip(arrays(expected), arrays(got), strict=True):
        assert np.array_equal(after, before), name


def relays(*weights: int | float, arithmetic: str = "integer", largest: int = 1) -> Program:
    """in → r0 → r1 → …, one neuron each, in integers with the given weights."""
    populations = [Population("in", (1,), Source(-largest, largest))]
    projections = []
    for index, weight in enumerate(weights):
        target = Population(f"r{index}", (1,), Relay(), offset=index + 1)
        projections.append(
            Projection(populations[-1].name, target.name, Dense(np.array([[weight]])), delay=1)
        )
        populations.append(target)
    return Program(tuple(populations), tuple(projections), arithmetic, (populations[-1].name,))


def shown(*values: float) -> Stimulus:
    """One sample of one input neuron."""
    return Stimulus({"in": np.array(values).reshape(1, -1, 1)})


@pytest.mark.parametrize("bits", [8, 23, 24, 25, 32, 52])
def test_sums_are_exact_up_to_53_bits(bits: int) -> None:
    """An odd number of 25 bits is no float32: the twin has to see that and use float64."""
    value = 2**bits - 1
    trace = twin.run(relays(1, 1, largest=value), shown(value, -value, 1))
    assert trace["r1"].output.ravel().tolist() == [value, -value, 1]


@pytest.mark.parametrize("bits", [23, 24, 25, 52])
def test_negative_weights_count_by_magnitude(bits: int) -> None:
    weight = 1 - 2**bits
    assert twin.run(relays(weight, -1), shown(1))["r1"].output.item() == -weight


def test_an_exponent_counts_where_its_sum_is_passed_on() -> None:
    program = relays(1, 2**13 + 1)
    first, _ = program.projections
    scaled = program.replace_projection(first, replace(first, exponent=12))
    assert twin.run(scaled, shown(1))["r1"].output.item() == 2**25 + 2**12
    too_large = program.replace_projection(first, replace(first, exponent=40))
    with pytest.raises(UnsupportedError, match=r"projection r0→r1.input"):
        twin.run(too_large, shown(1))


def test_a_sum_that_may_reach_53_bits_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"projection r0→r1.input: its sums may reach 9"):
        twin.run(relays(2**30, 2**23), shown(1))


def test_a_shift_in_a_relay_makes_room() -> None:
    program = relays(2**30, 2**23)
    program = program.replace_population(replace(program.by_name["r0"], neuron=Relay(shift=10)))
    assert twin.run(program, shown(1))["r1"].output.item() == 2**43


def test_what_is_shown_bounds_the_sums_not_what_could_be() -> None:
    program = relays(2**30, largest=2**40)
    assert twin.run(program, shown(3))["r0"].output.item() == 3 * 2**30
    with pytest.raises(UnsupportedError, match=r"in→r0.input"):
        twin.run(program, shown(2**23))


def test_a_bias_of_a_relay_counts_in_the_sums_behind_it() -> None:
    """2^24 + 1 is no float32."""
    program = relays(1, 1)
    biased = replace(program.by_name["r0"], neuron=Relay(bias=2**24))
    assert twin.run(program.replace_population(biased), shown(1))["r1"].output.item() == 2**24 + 1


def test_what_an_integrator_emits_counts_in_the_sums_behind_it() -> None:
    """The largest potential, which is odd, times 3 is no float32."""
    program = relays(1, 3)
    full = IntegratorFixed(4095, 0, 0, 0, initial=2**23 - 1)
    program = program.replace_population(replace(program.by_name["r0"], neuron=full))
    assert twin.run(program, shown(0))["r1"].output.item() == 3 * (2**23 - 1)


@pytest.mark.parametrize("exponent", [0, 39])
def test_a_neuron_is_exact_however_large_its_numbers_are(exponent: int) -> None:
    """2^14 · 2^39 and a bias of 1 is no float64; the quotient in its turn becomes as large."""
    program = relays(2**14 - 1)
    (only,) = program.projections
    program = program.replace_projection(only, replace(only, exponent=exponent))
    biased = replace(program.by_name["r0"], neuron=Relay(bias=1))
    sums = twin.run(program.replace_population(biased), shown(1, -1))["r0"].output
    total = (2**14 - 1) << exponent
    assert sums.ravel().tolist() == [total + 1, 1 - total]


def test_a_product_with_a_gain_is_exact_however_large_it_is() -> None:
    """(2^14 − 1) · 2^9 · (2^31 + 1) is no float64."""
    circuit = EINeuronFixed(4096, 2**31 + 1, 0, 1, 0, quotient_shift=9, quotient_bits=24)
    program = Program(
        (Population("in", (1,), Source(-1, 1)), Population("out", (1,), circuit, offset=1)),
        (Projection("in", "out", Dense(np.array([[2**14 - 1]])), "balanced", delay=1),),
        "integer",
        ("out",),
    )
    got = twin.run(program, shown(1, -1))["out"].state["v"]
    expected = ((2**14 - 1) * 2**9 * (2**31 + 1)) >> 8
    assert got.ravel().tolist() == [expected, -expected]


def test_a_loop_of_relays_has_no_bound() -> None:
    program = relays(1, 1)
    back = Projection("r1", "r0", Identity(1), delay=1)
    with pytest.raises(UnsupportedError, match=r"'r[01]': it is a graded relay in a loop"):
        twin.run(replace(program, projections=(*program.projections, back)), shown(1))


def test_reduced_precision_of_the_caller_does_not_matter() -> None:
    during = []
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        twin.run(
            relays(1),
            shown(1),
            progress=lambda *_: during.append(torch.get_float32_matmul_precision()),
        )
        after = torch.get_float32_matmul_precision()
    finally:
        torch.set_float32_matmul_precision(before)
    assert during == ["highest"]
    assert after == "medium"


def test_something_that_arrives_early_is_refused() -> None:
    program = relays(1, 1)
    late = replace(program.by_name["r0"], offset=3)
    with pytest.raises(UnsupportedError, match=r"in→r0.input: with a delay of 1 .* 2 steps early"):
        twin.run(program.replace_population(late), shown(1))


def test_something_that_arrives_between_two_steps_is_refused() -> None:
    program = replace(relays(1), stride=2)
    (early,) = program.projections
    late = program.replace_projection(early, replace(early, delay=2))
    with pytest.raises(UnsupportedError, match=r"in→r0.input: with a delay of 2 .* between two"):
        twin.run(late, shown(1))
    later = program.replace_projection(early, replace(early, delay=3))
    assert twin.run(later, shown(1, -1, 1))["r0"].output.ravel().tolist() == [0, 1, -1]


@pytest.mark.parametrize("phase", [None, 1])
def test_a_state_that_is_not_reset_at_the_start_is_refused(phase: int | None) -> None:
    program = relays(1)
    neuron = LIFNeuronFixed(0, 0, 0, 0, 1)
    carried = replace(program.by_name["r0"], neuron=neuron, reset_phase=phase)
    with pytest.raises(UnsupportedError, match=f"population 'r0': its reset phase is {phase}"):
        twin.run(program.replace_population(carried), shown(1))


def test_a_loop_within_one_step_is_refused() -> None:
    program = relays(1, 1)
    loop = tuple(replace(p, offset=0) for p in program.populations)
    back = Projection("r1", "r0", Identity(1))
    projections = (*(replace(p, delay=0) for p in program.projections), back)
    with pytest.raises(UnsupportedError, match=r"the loop (r0 → r1 → r0|r1 → r0 → r1): nothing"):
        twin.run(replace(program, populations=loop, projections=projections), shown(1))


def test_a_program_need_not_be_aligned() -> None:
    program = relays(2, 3)
    flat = replace(
        program,
        populations=tuple(replace(p, offset=0) for p in program.populations),
        projections=tuple(replace(p, delay=0) for p in program.projections),
    )
    assert twin.run(flat, shown(1, 0, -1))["r1"].output.ravel().tolist() == [6, 0, -6]


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 100])
def test_chunks_of_any_size(batch: int) -> None:
    stimulus = Stimulus({"in": np.arange(-5, 5).reshape(5, 2, 1) / 5})
    seen = []
    program = relays(2.0, arithmetic="float")
    trace = twin.run(program, stimulus, None, lambda *now: seen.append(now), batch=batch)
    assert np.array_equal(trace["r0"].output, 2 * stimulus.values["in"])
    assert seen == [(min(done + batch, 5), 5) for done in range(0, 5, batch)]


def test_a_chunk_of_no_samples() -> None:
    with pytest.raises(InputError, match="batch is 0"):
        twin.run(relays(1), shown(1), batch=0)


def test_a_division_that_is_not_known() -> None:
    with pytest.raises(InputError, match="division is 'long'"):
        twin.run(relays(1), shown(1), division="long")  # type: ignore[arg-type]


def test_a_device_that_does_not_exist() -> None:
    with pytest.raises(InputError, match="'abacus' is not the name"):
        twin.run(relays(1), shown(1), device="abacus")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there() -> None:
    with pytest.raises(MissingComponentError, match="torch cannot compute on 'cuda'"):
        twin.run(relays(1), shown(1), device="cuda")


def test_the_arrays_belong_to_the_caller() -> None:
    trace = twin.run(relays(1), shown(1), Record(("r0",)))
    trace["r0"].output[...] = 7
    assert trace["r0"].output.item() == 7
