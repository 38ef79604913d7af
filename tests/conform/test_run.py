"""Running cases on targets: what is a pass, what is not, and what is said of it."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from fake_targets import (
    CASES,
    CHAIN,
    DECAY,
    EQUAL,
    Fake,
    crash,
    mistake,
    output,
    refuse,
    state,
)

from eideploy.conform.cases import suite
from eideploy.conform.run import conform, run_case
from eideploy.conform.silicon import Recorded
from eideploy.jobs import Crew, Plan
from eideploy.program import Recording, Trace
from eideploy.targets import load_target


class Known(Fake):
    """It is known what it depends on, so that a run of it can be resumed."""

    digest = "the same as ever"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_right_target_passes(case):
    result = run_case(Fake(), case)
    assert (result.case, result.claim, result.status) == (case.name, case.claim, "pass")
    assert result.reason == ""
    assert result.divergence is None


def test_the_first_divergence_is_named_in_words():
    early = Fake(change=output(lambda spikes: np.roll(spikes, -1, axis=1)), records_state=False)
    result = run_case(early, EQUAL)
    assert result.status == "fail"
    assert result.reason.startswith("out, sample 0, step 2, neuron 0: expected 0, found 1; ")
    assert result.population == "out"
    assert (result.divergence.before, result.divergence.after) == (0, 1)


def test_state_is_compared_and_named():
    wrong = Fake(change=state(v=lambda v: v + (v < 0)))
    result = run_case(wrong, DECAY)
    assert result.status == "fail"
    assert result.reason.startswith("out.v, sample 0, step 0, neuron 1: expected −192, found −191")


@pytest.mark.parametrize(
    "target",
    [
        Fake(change=state(v=lambda v: v + 1), records_state=False),
        Fake(change=state(v=lambda v: v + 1), relation="bounded"),
    ],
    ids=["without state", "bounded"],
)
def test_state_that_a_target_does_not_answer_for_is_not_compared(target):
    assert run_case(target, DECAY).status == "pass"


def test_a_case_may_be_about_outputs_alone():
    case = replace(DECAY, state=False)
    assert run_case(Fake(change=state(v=lambda v: v + 1)), case).status == "pass"


def test_state_that_is_missing_fails():
    silent = Fake(change=lambda name, r: Recording(r.output, {}, r.offset))
    result = run_case(silent, DECAY)
    assert result.status == "fail"
    assert "out.v was recorded on one side only" in result.reason


@pytest.mark.parametrize("missing", ["first", "out"])
def test_a_population_that_is_missing_fails(missing):
    result = run_case(Fake(change=lambda name, r: None if name == missing else r), CHAIN)
    assert result.status == "fail"
    assert f"{missing} is missing in fake" in result.reason


def test_nothing_at_all_fails():
    assert run_case(Fake(change=lambda name, r: None), CHAIN).status == "fail"


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a[:, :-1],
        lambda a: a[..., None],
        lambda a: a[:1, :1, 0],
        lambda a: a.swapaxes(0, 1),
    ],
    ids=["a step short", "an axis more", "an axis less", "axes swapped"],
)
def test_a_wrong_shape_fails(change):
    result = run_case(Fake(change=output(change), records_state=False), EQUAL)
    assert result.status == "fail"
    assert "has shape" in result.reason


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("graph-layers/output-of-a-sum", "end"),
        ("graph-images/pool-as-output", "pool"),
        ("graph-time/delay-in-front-of-an-output", "end"),
    ],
)
def test_graded_values_of_a_graph_are_compared_where_they_are_in_its_units(name, wrong):
    (case,) = (case for case in suite() if case.name == name)
    assert run_case(Fake(), case).status == "pass"
    more = output(lambda values: values + 1)
    result = run_case(Fake(change=lambda n, r: more(n, r) if n == wrong else r), case)
    assert (result.status, result.population) == ("fail", wrong)


@pytest.mark.parametrize("dtype", [bool, np.int64, np.float32])
def test_spikes_of_another_type_count_by_their_value(dtype):
    target = Fake(change=output(lambda a: a.astype(dtype)), records_state=False)
    assert run_case(target, EQUAL).status == "pass"


@pytest.mark.parametrize(
    "change",
    [lambda a: a.astype(object), lambda a: a.astype(str), lambda a: a * 1j],
    ids=["objects", "text", "complex numbers"],
)
def test_what_is_no_number_is_an_error(change):
    result = run_case(Fake(change=output(change), records_state=False), EQUAL)
    assert result.status == "error"
    assert "expected an array of real numbers" in result.reason


def test_values_that_are_not_finite_fail():
    target = Fake(change=output(lambda a: np.where(a, np.nan, a)), records_state=False)
    result = run_case(target, EQUAL)
    assert result.status == "fail"
    assert "expected 1, found not finite" in result.reason


def test_a_refusal_is_unsupported_in_the_words_of_the_target():
    result = run_case(Fake(before=refuse), EQUAL)
    assert (result.status, result.reason) == ("unsupported", "no leak here")


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (crash, r"ZeroDivisionError: on the way \(fake_targets\.py, line \d+\)"),
        (mistake, "InputError: I do not like this Program"),
        (lambda program: sys.exit(0), r"SystemExit: 0 \(test_run\.py, line \d+\)"),
    ],
)
def test_whatever_else_is_raised_is_an_error(before, reason):
    result = run_case(Fake(before=before), EQUAL)
    assert result.status == "error"
    assert re.fullmatch(reason, result.reason)


def test_what_is_no_trace_is_an_error():
    result = run_case(Fake(change=lambda name, r: "spikes"), EQUAL)
    assert result.status == "error"


def test_an_oracle_that_fails_is_no_pass():
    loop = replace(
        EQUAL, stimulus=replace(EQUAL.stimulus, values={"elsewhere": np.ones((1, 2, 1))})
    )
    result = run_case(Fake(), loop)
    assert result.status == "error"
    assert result.reason.startswith("the oracle failed: ")


def test_an_expected_trace_that_is_given_is_the_one_that_counts():
    zeros = np.zeros((1, 5, 1), np.uint8)
    case = replace(EQUAL, state=False)
    assert run_case(Fake(), case, Trace({"out": Recording(zeros)})).status == "fail"


def test_an_interrupt_ends_the_suite():
    def interrupt(program):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_case(Fake(before=interrupt), EQUAL)


def test_the_suite_goes_on_after_an_error_and_keeps_its_order():
    def moody(program):
        if len(program.populations) == 3:
            crash(program)

    seen = []
    found = conform(Fake(before=moody), CASES, progress=lambda *done: seen.append(done))
    assert [result.case for result in found.results] == [case.name for case in CASES]
    assert [result.status for result in found.results] == ["pass", "pass", "error"]
    assert found.verdict == "fail"
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_cases_of_the_other_arithmetic_are_not_run_but_counted():
    class Floating(Fake):
        arithmetic = "float"

    found = conform(Floating(before=crash), CASES)
    assert (found.results, found.not_applicable, found.verdict) == ((), 3, "skipped")


def test_what_was_run_is_written_down():
    found = conform(Fake(), [EQUAL])
    assert found.target == "fake"
    assert found.options["relation"] == "exact"
    assert found.environment["numpy"] == np.__version__
    assert "python" in found.environment


def test_recordings_of_chips_are_further_cases():
    trace = Trace({"out": Recording(np.zeros((1, 5, 1), np.uint8))})
    chips = [
        Recorded("silicon/one", "It was silent.", replace(EQUAL, name="silicon/one"), trace),
        Recorded("silicon/two", "It spoke.", reason="no recording here"),
    ]
    found = conform(Fake(), [EQUAL], recordings=chips)
    assert [(r.case, r.status) for r in found.results] == [
        (EQUAL.name, "pass"), ("silicon/one", "fail"), ("silicon/two", "skipped"),
    ]  # fmt: skip
    assert (found.results[2].reason, found.results[2].claim) == ("no recording here", "It spoke.")


def test_what_was_done_before_an_interruption_is_not_done_again(tmp_path):
    asked = []

    def interrupted(program):
        asked.append(program)
        if len(asked) == 2:
            raise KeyboardInterrupt

    plan = Plan(cache=tmp_path, resume=True)
    with pytest.raises(KeyboardInterrupt):
        conform(Known(before=interrupted), CASES, plan=plan)
    found = conform(Known(before=interrupted), CASES, plan=plan)
    assert len(asked) == 2 + len(CASES) - 1
    assert [result.status for result in found.results] == ["pass"] * len(CASES)


def test_what_was_done_by_other_code_is_done_again(tmp_path, monkeypatch):
    asked = []

    def interrupted(program):
        asked.append(program)
        if len(asked) == 2:
            raise KeyboardInterrupt

    plan = Plan(cache=tmp_path, resume=True)
    with pytest.raises(KeyboardInterrupt):
        conform(Known(before=interrupted), CASES, plan=plan)
    monkeypatch.setattr("eideploy.conform.run.source", lambda module: f"{module}, changed")
    conform(Known(before=interrupted), CASES, plan=plan)
    assert len(asked) == 2 + len(CASES)


@pytest.mark.slow
def test_workers_give_the_same_results():
    cases = [case for case in suite() if case.topic in ("threshold", "graph-layers", "carry")]
    target = load_target("twin")
    alone, shared = (conform(target, cases, plan=Plan(Crew(w))) for w in (None, 2))
    timeless = [
        [replace(result, seconds=0.0) for result in found.results] for found in (alone, shared)
    ]
    assert timeless[0] == timeless[1]
    assert {result.status for result in alone.results} >= {"pass", "unsupported"}
