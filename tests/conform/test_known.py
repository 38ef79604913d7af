"""Known differences: what a list of them allows, and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_targets import CASES, EQUAL, Fake, crash, output, refuse

from eideploy.conform.known import known_differences, load_known, parse_known
from eideploy.conform.run import conform
from eideploy.errors import InputError

LISTED = """
- case: threshold/equality
  reason: This chip compares with ≥.
"""

WRONG = output(lambda spikes: 1 - spikes)


def of(target, text, cases=(EQUAL,)):
    return conform(target, cases, known=parse_known(text, "known.yaml"))


def test_a_case_that_fails_as_listed_is_known():
    found = of(Fake(change=WRONG, records_state=False), LISTED)
    assert found.results[0].status == "known"
    assert found.results[0].reason.startswith("This chip compares with ≥. (out, sample 0, step 0")
    assert found.results[0].divergence is not None
    assert found.verdict == "skipped"  # nothing passed, so nothing is claimed


def test_a_listed_case_that_passes_fails():
    found = of(Fake(), LISTED, CASES)
    assert [result.status for result in found.results] == ["fail", "pass", "pass"]
    assert "known.yaml as a known difference: This chip" in found.results[0].reason
    assert found.verdict == "fail"


@pytest.mark.parametrize(("before", "status"), [(crash, "error"), (refuse, "unsupported")])
def test_breaking_and_refusing_are_no_differences(before, status):
    assert of(Fake(before=before), LISTED).results[0].status == status


def test_a_pattern_stands_for_all_cases_that_it_matches():
    known = parse_known("- {case: 't*/e*', reason: a}\n- {case: 'threshold/*', reason: b}", "x")
    assert known.reason("threshold/equality") == "a"
    assert known.reason("threshold/above") == "b"
    assert known.reason("decay/half") is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- case: threshold/equality", "reason: Field required"),
        ("- {case: a/b, reason: ' '}", "at least 1 character"),
        ("- {case: a/b, reason: c, since: d}", "since"),
        ("a/b: c", "valid tuple"),
        ("nothing", "valid tuple"),
        ("- {case: a/b, reason: c}\n- {case: a/b, reason: d}", "lists a/b more than once"),
        ("- {", "not a YAML file"),
    ],
)
def test_a_list_that_is_wrong_is_refused(text, complaint):
    with pytest.raises(InputError, match=r"known\.yaml") as raised:
        parse_known(text, "known.yaml")
    assert complaint in str(raised.value)


def test_an_empty_file_lists_nothing():
    assert parse_known("# none\n", "known.yaml").differences == ()


def test_a_case_that_does_not_exist_is_refused_with_the_nearest():
    known = parse_known("- {case: threshold/equalty, reason: a}", "known.yaml")
    with pytest.raises(InputError, match=r"no case is called 'threshold/equalty'") as raised:
        known.check(case.name for case in CASES)
    assert raised.value.remedy == "Did you mean 'threshold/equality'?"
    with pytest.raises(InputError, match=r"nowhere/\*"):
        parse_known("- {case: nowhere/*, reason: a}", "known.yaml").check(["threshold/equality"])


def test_a_target_brings_its_own(tmp_path: Path):
    file = tmp_path / "known.yaml"
    file.write_text(LISTED, encoding="utf-8")
    for path in (file, str(file)):
        assert known_differences(Fake(known_differences=path)).reason("threshold/equality")
    assert known_differences(Fake()).differences == ()
    with pytest.raises(InputError, match="cannot be read"):
        load_known(tmp_path / "missing.yaml")
