"""The suite finds wrong backends: a few by the case that is made for them, and, slowly, all."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from eideploy.cli.app import run
from eideploy.compile import CompileOptions, float_pipeline, integer_pipeline, run_passes
from eideploy.conform.cases import MODULES, suite
from eideploy.conform.cases.build import lif, show, single
from eideploy.conform.mutants import MUTANTS, UNMUTATED, Edit, Mutant, edited, end_to_end, score
from eideploy.conform.mutants.document import to_document
from eideploy.conform.mutants.markdown import to_markdown
from eideploy.conform.mutants.report import EndToEnd, EndToEndResult, Finding, MutationReport
from eideploy.conform.mutants.table import table
from eideploy.conform.run import run_case
from eideploy.errors import InputError
from eideploy.program import Program, Stimulus
from eideploy.simulate import twin
from eideploy.simulate.record import Record

FOUND_BY = {
    "mutant-threshold-reached": "threshold/equality-is-no-spike",
    "mutant-reset-by-subtraction": "reset/to-zero",
    "mutant-reset-to-zero-for-subtraction": "reset/subtract-keeps-the-rest",
    "mutant-reset-of-current": "reset/leaves-the-current",
    "mutant-decay-floor": "decay/voltage-of-negatives",
    "mutant-decay-nearest": "decay/voltage-of-positives",
    "mutant-current-decay-without-one": "decay/current-of-0-is-a-decay",
    "mutant-current-clips": "overflow/current-beyond-the-limits",
    "mutant-current-wraps-at-limit": "overflow/current-at-the-upper-limit",
    "mutant-voltage-wraps": "overflow/voltage-clips-above",
    "mutant-bias-late": "bias/from-the-first-step",
    "mutant-weight-sign-mode-ignored": "weights/last-bit-decides",
    "mutant-exponent-toward-zero": "weights/negative-sums-round-down",
    "mutant-sum-int32": "weights/sum-of-33-bits-shifted",
    "mutant-refractory-one-short": "refractory/one",
    "mutant-voltage-never-reset": "carry/not-the-potential",
    "mutant-delay-at-most-31": "delays/every-step-32-to-47",
    "mutant-kernel-flipped": "convolution/not-flipped",
    "mutant-padding-not-zero": "convolution/padding-is-zero",
    "mutant-pool-assumed": "convolution/stride-of-the-kernel",
    "mutant-division-floor": "circuits/quotient-of-negative-odd",
    "mutant-division-by-reciprocal": "circuits/quotient-exact-by-odd-divisors",
    "mutant-floor-added": "circuits/floor-active",
    "mutant-port-overwritten": "weights/excitation-beside-inhibition",
}
"""Mutants, and a case that is made to tell each from what is right."""

DOCS = Path(__file__).resolve().parents[2] / "docs" / "mutants.md"

BY_NAME = {mutant.name: mutant for mutant in MUTANTS}

scoring = import_module("eideploy.conform.mutants.score")


def crash(program: Program) -> Program:
    raise RuntimeError("out of memory")


CRASHES = Mutant("mutant-crashes", "threshold", "It breaks before it says anything.", change=crash)
REACHED = BY_NAME["mutant-threshold-reached"]


@pytest.fixture(scope="module")
def cases():
    """Those of the topics in which the mutants here are found."""
    topics = {name.partition("/")[0] for name in FOUND_BY.values()}
    return {case.name: case for case in suite() if case.topic in topics}


@pytest.fixture(scope="module")
def few(cases):
    """A handful of cases about the threshold."""
    return [case for case in cases.values() if case.topic == "threshold"][:4]


def test_mutants_are_named_and_explained():
    assert len(MUTANTS) >= 60
    assert len(BY_NAME) == len(MUTANTS)
    for mutant in MUTANTS:
        assert mutant.name.startswith("mutant-")
        assert mutant.fault.endswith(".")
        assert mutant.kind in MODULES
        assert mutant.edits or mutant.change


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutants_are_variations_of_the_twin_as_it_is_now(mutant):
    assert edited(mutant.edits) is not twin


@pytest.mark.parametrize("name", FOUND_BY)
def test_a_mutant_fails_the_case_that_is_made_for_it(name, cases):
    case = cases[FOUND_BY[name]]
    assert run_case(UNMUTATED, case).status == "pass"
    result = run_case(BY_NAME[name], case)
    assert result.status == "fail"
    assert result.divergence is not None


def test_the_twin_stays_as_it_is():
    program, stimulus = single(lif(threshold=10), 10), show([1, 1, 1])
    before = twin.run(program, stimulus)["out"]
    wrong = REACHED.run(program, stimulus, Record())["out"]
    after = twin.run(program, stimulus)["out"]
    np.testing.assert_array_equal(before.output, after.output)
    assert before.output.sum() != wrong.output.sum()


@pytest.mark.parametrize("before", ["spikes = v < threshold", "spikes"])
def test_an_edit_of_what_is_not_there_once_is_refused(before):
    with pytest.raises(InputError, match="expected 1"):
        edited((Edit("step", before, "spikes = v >= threshold"),))


def test_breaking_is_no_finding(few):
    report = score([CRASHES], few)
    assert (report.found, report.score, report.verdict) == (0, 0.0, "fail")
    (finding,) = report.survivors
    assert finding.broken == tuple(sorted((case.name for case in few), key=finding.broken.index))
    assert len(finding.broken) == finding.asked == len(few)


def test_a_mutant_that_is_right_survives(few):
    report = score([replace(UNMUTATED, name="mutant-of-nothing")], few)
    assert [finding.mutant for finding in report.survivors] == ["mutant-of-nothing"]
    assert report.survivors[0].broken == ()


def test_nothing_is_found_by_a_case_that_the_twin_fails(few, monkeypatch):
    monkeypatch.setattr(scoring, "UNMUTATED", BY_NAME["mutant-threshold-exceeded-by-two"])
    report = score([REACHED], few)
    assert report.unsound
    assert report.verdict == "fail"
    assert not {result.case for result in report.unsound} & set(report.findings[0].finders)


def test_stopping_early_finds_the_same(few):
    names = ("mutant-threshold-reached", "mutant-reset-before-test", "mutant-gain-ignored")
    mutants = [BY_NAME[name] for name in names]
    all_of_them = score(mutants, few, all_finders=True)
    first_only = score(mutants, few, all_finders=False)
    assert [f.found for f in all_of_them.findings] == [True, True, False]
    for whole, short in zip(all_of_them.findings, first_only.findings, strict=True):
        assert short.asked <= whole.asked == len(few)
        assert len(short.finders) == min(1, len(whole.finders))


def test_a_trained_network_is_held_against_what_is_right(dense_graph, frames):
    program = run_passes(integer_pipeline(CompileOptions()), dense_graph())
    stimulus = Stimulus({"input": frames((12,), samples=20)}, labels=np.zeros(20, dtype=int))
    names = ("mutant-reset-before-test", "mutant-delay-at-most-31")
    mutants = (*(BY_NAME[name] for name in names), CRASHES)
    found = end_to_end(mutants, "dense", program, stimulus)
    silent, same, broken = found.results
    assert [r.status for r in found.results] == ["fail", "pass", "error"]
    right, wrong = twin.run(program, stimulus), mutants[0].run(program, stimulus, Record())
    assert silent.bins == sum(
        np.count_nonzero(recording.output != wrong[name].output)
        for name, recording in right.recordings.items()
    )
    assert (same.bins, same.accuracy) == (0, found.accuracy)
    assert broken.accuracy is None
    assert (found.found, found.found_in_output) == (1, 1)


def test_a_network_in_floating_point_is_refused(dense_graph, frames):
    program = run_passes(float_pipeline(CompileOptions()), dense_graph())
    with pytest.raises(InputError, match="floating point"):
        end_to_end([REACHED], "dense", program, Stimulus({"input": frames((12,), samples=2)}))


@pytest.fixture
def report():
    """Of two mutants, of which one is found, and of a network that shows both."""
    findings = (
        Finding("mutant-a", "reset", "It forgets.", 3, ("reset/one", "reset/two")),
        Finding("mutant-b", "decay", "It rounds.", 3, ()),
    )
    network = EndToEnd(
        "digits",
        360,
        8,
        98.5,
        (EndToEndResult("mutant-a", "fail", 1200, 12.25), EndToEndResult("mutant-b", "fail")),
    )
    return MutationReport(findings, 3, (), True, "1.0", (network,))


def test_the_document_says_who_found_what(report):
    document = json.loads(json.dumps(to_document(report)))
    assert document["schema"] == "eideploy.mutants/1"
    assert (document["verdict"], document["found"], document["score"]) == ("fail", 1, 50.0)
    assert document["findings"][0]["finders"] == ["reset/one", "reset/two"]
    assert [finding["found"] for finding in document["findings"]] == [True, False]
    (network,) = document["networks"]
    assert [network[k] for k in ("found", "found_in_output", "found_in_accuracy")] == [2, 1, 1]


def test_the_page_says_who_found_what(report):
    lines = to_markdown(report, "eideploy conform --mutants").splitlines()
    assert "eideploy conform --mutants" in lines
    assert "| the suite: 3 cases for integers | **1** of 2 |" in lines
    assert (
        "| `a` | It forgets. | `reset/one` | 2 | 1,200 outputs differ; accuracy 98.5 → 12.2 % |"
    ) in lines
    assert "| `b` | It rounds. | **nothing** | 0 | state differs |" in lines
    assert [line for line in lines if line.startswith("## ")] == ["## Reset", "## Decay"]


def test_the_terminal_says_what_was_not_found(report):
    console = Console(width=100, record=True, file=StringIO())
    console.print(table(report))
    text = console.export_text()
    assert "✗ not found: mutant-b  It rounds." in text
    assert "FAIL  1 of 2 mutants found by 3 cases" in text


def test_the_verb_exits_with_0_only_if_all_are_found(monkeypatch, capsys, tmp_path):
    mutants = (REACHED, BY_NAME["mutant-relay-floor"])
    page = tmp_path / "mutants.md"
    asked = ["conform", "--mutants", "--case", "threshold/e*", "--json", "--markdown", str(page)]
    monkeypatch.setattr("eideploy.conform.mutants.MUTANTS", mutants)
    assert run(asked) == 1
    assert json.loads(capsys.readouterr().out)["found"] == 1
    assert "**1** of 2" in page.read_text(encoding="utf-8")
    monkeypatch.setattr("eideploy.conform.mutants.MUTANTS", mutants[:1])
    assert run(asked) == 0


@pytest.mark.parametrize(
    "arguments", [("--mutants", "--target", "twin"), ("--all-finders",), ("--against", "runs/x")]
)
def test_options_of_targets_and_of_mutants_do_not_mix(arguments, capsys):
    assert run(["conform", *arguments]) == 2
    assert "is about" in capsys.readouterr().err


def test_the_documentation_is_about_these_mutants():
    text = DOCS.read_text(encoding="utf-8")
    assert f"**{len(MUTANTS)}** of {len(MUTANTS)} |" in text
    for mutant in MUTANTS:
        assert f"| `{mutant.name.removeprefix('mutant-')}` | {mutant.fault} |" in text


@pytest.mark.slow
def test_the_suite_finds_all_of_them():
    report = score(MUTANTS, [*suite()], all_finders=False)
    assert [finding.mutant for finding in report.survivors] == []
    assert report.unsound == ()
    assert report.verdict == "pass"
