"""Random cases are the same for ever, small, and hold everything that a Program can hold."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from itertools import islice

import numpy as np
import pytest

from eideploy.compile.ranges import emitted_ranges, port_ranges
from eideploy.conform import Case
from eideploy.conform.digest import case_digest
from eideploy.conform.expected import expected
from eideploy.conform.generate import generated, generated_case
from eideploy.program import Conv2d, Dense, Identity, Population, Program, Projection, Source, Trace
from eideploy.program.neuron import STATE_MAX
from eideploy.program.neurons import NEURONS

CASES = 300

DIGESTS = {
    "random/0-0000": "711dd8d975caec36963d0902f554be373cc933adfad4c7ccd86359dc3aa8c608",
    "random/3-0017": "855c8d3e8a4a5772fa25ef60c5ac35740f21b9d2013c2778f9226bfa4911b1f0",
    "random/12345-0999": "66809c3d20e28f5d176d6863e276432c065f2465557c80046e85528a360d8ea8",
    "random/float-0-0000": "0085c8d7ee222ee95fd79442d61fb651e16d6ad3ac47885658b9fe7b69c82389",
    "random/float-3-0017": "b54352851fc47613a9b1f5f57bd4cc2eef34fd4215de8e63be09c1afb4d58289",
}


def program_of(case: Case) -> Program:
    assert isinstance(case.network, Program)
    return case.network


@pytest.fixture(scope="module")
def integer() -> list[Case]:
    return list(generated(CASES, seed=5))


@pytest.fixture(scope="module")
def floating() -> list[Case]:
    return list(generated(CASES, seed=5, arithmetic="float"))


@pytest.fixture(scope="module")
def traces(integer: list[Case]) -> list[Trace]:
    return [expected(case) for case in integer]


@pytest.mark.parametrize("name", DIGESTS)
def test_a_case_is_the_same_for_ever(name: str) -> None:
    *_, seed, index = name.replace("/", "-").split("-")
    case = generated_case(int(index), int(seed), "float" if "float" in name else "integer")
    assert case.name == name
    assert case_digest(case) == DIGESTS[name]


def test_a_case_does_not_depend_on_how_many_are_asked_for() -> None:
    few, many = generated(4, seed=2), islice(generated(1000, seed=2), 4)
    assert [(c.name, case_digest(c)) for c in few] == [(c.name, case_digest(c)) for c in many]


def test_seeds_and_indices_give_cases_of_their_own() -> None:
    found = [case_digest(case) for seed in range(20) for case in generated(5, seed)]
    assert len(set(found)) == len(found)


def _features(case: Case) -> Iterator[str]:
    """What a Program has and is, each in a word or two."""
    program = program_of(case)
    ends = program.by_name
    yield from (f"{len(program.sources)} inputs", f"{len(program.outputs)} outputs")
    yield from (f"stride {program.stride}", f"{case.stimulus.samples} samples")
    yield "one step" if case.stimulus.steps == 1 else "several steps"
    for population in program.populations:
        yield from _of_population(population)
    for projection in program.projections:
        yield from _of_projection(projection, program.lag(projection))
        if projection.source == projection.target:
            yield "loop of one"
        elif ends[projection.source].offset >= ends[projection.target].offset:
            yield "loop of several"


def _of_population(population: Population) -> Iterator[str]:
    neuron = population.neuron
    yield type(neuron).__name__
    yield f"shape of {len(population.shape)}"
    phase = population.reset_phase
    yield "reset never" if phase is None else "reset at 0" if phase == 0 else "reset within"
    if "reset" in vars(neuron):
        yield f"reset by {vars(neuron)['reset']}"
    for name, value in neuron.parameters().items():
        if np.any(value):
            yield f"{type(neuron).__name__}.{name}"
        if value.size > 1:
            yield f"{type(neuron).__name__}.{name} for each"


def _of_projection(projection: Projection, lag: int) -> Iterator[str]:
    yield from (projection.port, projection.sign, f"{min(lag, 2)} steps late")
    yield "shift left" if projection.exponent > 0 else "shift right" if projection.exponent else ""
    if projection.delay > 30:
        yield "long delay"
    match projection.operator:
        case Dense():
            yield "Dense"
        case Identity(weight=weight):
            yield f"Identity of rank {weight.ndim}"
        case Conv2d() as operator:
            yield "Conv2d"
            for name in ("stride", "padding", "dilation"):
                height, width = getattr(operator, name)
                yield f"{name} of rows" if height > (name != "padding") else ""
                yield f"{name} of columns" if width > (name != "padding") else ""
            yield "groups" if operator.groups > 1 else "one group"


COMMON = {
    *("1 inputs", "2 inputs", "1 outputs", "2 outputs", "stride 1", "stride 2", "stride 3"),
    *("1 samples", "2 samples", "3 samples", "one step", "several steps"),
    *("shape of 1", "shape of 2", "shape of 3", "reset never", "reset at 0", "reset within"),
    *("reset by value", "reset by subtract", "loop of one", "loop of several", "long delay"),
    *("input", "balanced", "shunt", "mixed", "excitatory", "inhibitory"),
    *("0 steps late", "1 steps late", "2 steps late"),
    *("Dense", "Identity of rank 0", "Identity of rank 1", "Conv2d", "groups", "one group"),
    *("stride of rows", "stride of columns", "padding of rows", "padding of columns"),
    *("dilation of rows", "dilation of columns"),
}


def _parameters(arithmetic: str) -> set[str]:
    """All parameters of all neuron models of an arithmetic, with one for all and one for each."""
    return {
        f"{name}.{field}{each}"
        for name, model in NEURONS.items()
        if arithmetic in model.arithmetic and model is not Source
        for field in (item.name for item in fields(model))
        if field != "reset"
        for each in ("", " for each")
    }


def test_integer_programs_hold_everything(integer: list[Case]) -> None:
    counts = Counter(feature for case in integer for feature in set(_features(case)))
    wanted = COMMON | _parameters("integer") | {"shift left", "shift right"}
    assert not {feature for feature in wanted if counts[feature] < 3}


def test_float_programs_hold_everything(floating: list[Case]) -> None:
    counts = Counter(feature for case in floating for feature in set(_features(case)))
    wanted = COMMON | _parameters("float") - {"Relay.shift", "Relay.shift for each"}
    assert not {feature for feature in wanted if counts[feature] < 3}


def test_most_have_spikes_and_silence(integer: list[Case], traces: list[Trace]) -> None:
    def tells(case: Case, trace: Trace) -> bool:
        spiking = [p.name for p in program_of(case).populations if p.neuron.spiking]
        return any(0 < trace[name].output.mean() < 1 for name in spiking)

    assert sum(map(tells, integer, traces)) > CASES * 0.6


def test_states_become_negative_wrap_and_clip(traces: list[Trace]) -> None:
    states = [r.state for trace in traces for r in trace.recordings.values() if "u" in r.state]
    assert sum(bool(np.any(state["v"] < 0)) for state in states) > 50
    assert sum(bool(np.any(np.abs(state["v"]) == STATE_MAX)) for state in states) > 5
    assert (
        sum(bool(np.any(np.abs(np.diff(state["u"], axis=1)) > STATE_MAX)) for state in states) > 5
    )


def test_they_are_small_and_aligned(integer: list[Case], floating: list[Case]) -> None:
    for case in (*integer, *floating):
        program = program_of(case)
        synapses = sum(_synapses(p, program.by_name[p.target].shape) for p in program.projections)
        assert synapses * case.stimulus.steps * case.stimulus.samples < 300_000
        for projection in program.projections:
            assert 1 <= projection.delay <= 62
            assert program.slack(projection) >= 0
            assert program.slack(projection) % program.stride == 0


def _synapses(projection: Projection, shape: tuple[int, ...]) -> int:
    weight = projection.operator.weight
    positions = math.prod(shape) // len(weight) if isinstance(projection.operator, Conv2d) else 1
    return weight.size * positions


def test_no_sum_leaves_what_holds_it(integer: list[Case]) -> None:
    for case in integer:
        ports, emitted = port_ranges(program_of(case)), emitted_ranges(program_of(case))
        assert max(float(np.max(r.magnitude)) for r in ports.values()) <= STATE_MAX
        assert max(float(np.max(r.magnitude)) for r in emitted.values()) <= 2**15


def test_weights_are_what_loihi_holds(integer: list[Case]) -> None:
    allowed = {
        "mixed": set(range(-256, 255, 2)),
        "excitatory": set(range(256)),
        "inhibitory": set(range(-255, 1)),
    }
    for case in integer:
        for projection in program_of(case).projections:
            weight = projection.operator.weight
            assert set(np.unique(weight).tolist()) <= allowed[projection.sign]
