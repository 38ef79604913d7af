"""Reports of the suite: JSON there and back, JUnit, Markdown, the page and the table."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from eideploy.conform import Conformance, Result
from eideploy.conform.document import (
    MATRIX_SCHEMA,
    SCHEMA,
    decode,
    documents,
    encode,
    from_document,
    read_json,
    to_document,
    write_json,
)
from eideploy.conform.html import to_html, write_html
from eideploy.conform.junit import to_junit, write_junit
from eideploy.conform.markdown import BEGIN, END, matrix, replace_block, summary
from eideploy.conform.table import table
from eideploy.errors import InputError
from eideploy.verify.report import Divergence

EVIL = 'a <b> & "c" \x0b \ud800 é'

FIRST = Divergence(0, 2, 1, 1, None, None, "v")
CHIP = Conformance(
    "chip",
    (
        Result("threshold/equality", "pass", 0.25, claim="Equal is not above."),
        Result("threshold/above", "pass", 0.5, claim="One above is above."),
        Result("decay/half", "fail", 0.5, "out.v differs", "out", FIRST, "It halves."),
        Result("decay/none", "known", 0.0, "rounds to −∞ (out.v differs)", claim="It stays."),
        Result("decay/full", "unsupported", 0.0, "no leak here", claim="It is gone."),
        Result("paths/chain", "error", 0.0, "ZeroDivisionError: on the way", claim="It goes on."),
        Result("silicon/loihi", "skipped", 0.0, "no recordings here", claim="A chip did it."),
    ),
    {"executor": "fast"},
    "0.1.0",
    {"python": "3.10.12"},
    3,
)
TWIN = Conformance(
    "twin",
    (
        Result("threshold/equality", "pass", 0.125, claim="Equal is not above."),
        Result("delays/long", "pass", 0.125, claim="It waits."),
    ),
    {"device": "cpu"},
    "0.1.0",
)


def test_json_holds_everything_and_comes_back():
    document = json.loads(json.dumps(to_document(CHIP)))
    assert document["schema"] == SCHEMA
    assert document["verdict"] == "fail"
    assert document["counts"] == {
        "pass": 2, "fail": 1, "known": 1, "unsupported": 1, "error": 1, "skipped": 1,
    }  # fmt: skip
    assert document["topics"]["decay"] == {"fail": 1, "known": 1, "unsupported": 1}
    assert document["cases"][2]["first_divergence"] == {
        "sample": 0, "step": 2, "neuron": 1, "before": 1, "after": None, "margin": None,
        "variable": "v",
    }  # fmt: skip
    assert from_document(document) == CHIP


def test_several_targets_are_one_document(tmp_path: Path):
    file = tmp_path / "matrix.json"
    write_json(file, [CHIP, TWIN])
    assert json.loads(file.read_text(encoding="utf-8"))["schema"] == MATRIX_SCHEMA
    assert read_json(file) == (CHIP, TWIN)
    write_json(file, [TWIN])
    assert read_json(file) == (TWIN,)


def test_what_follows_from_the_cases_is_counted_again():
    document = to_document(CHIP) | {"verdict": "pass", "counts": {}}
    assert from_document(document).verdict == "fail"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"schema": "eideploy.verify/1"}, "schema 'eideploy.verify/1'"),
        ({"cases": {}}, "cases is {}"),
        ({"target": 3}, "target is 3"),
        ({"options": {"executor": 1}}, "options.executor is 1"),
        ({"cases": [{"name": "a/b"}]}, r"cases\[0\]: status missing"),
        ({"cases": ["a/b"]}, r"cases\[0\] is 'a/b'"),
    ],
)
def test_a_document_that_is_wrong_is_refused(change, complaint):
    with pytest.raises(InputError, match=complaint):
        from_document(to_document(TWIN) | change)


@pytest.mark.parametrize("status", ["passed", None])
def test_a_status_that_is_none_is_refused(status):
    document = to_document(TWIN)
    document["cases"][0]["status"] = status
    with pytest.raises(InputError, match=r"cases\[0\]\.status is .*expected one of 'pass', 'fail'"):
        from_document(document)


@pytest.mark.parametrize("text", ["", "{", "[]", f'{{"schema": "{MATRIX_SCHEMA}"}}'])
def test_a_file_that_is_no_report_is_refused_by_name(text, tmp_path: Path):
    file = tmp_path / "other.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"other\.json"):
        read_json(file)


def test_a_report_that_is_not_there_is_refused_once_by_name(tmp_path: Path):
    with pytest.raises(InputError) as raised:
        read_json(tmp_path / "none.json")
    assert raised.value.what.endswith("none.json cannot be read: No such file or directory")
    assert "--output" in raised.value.remedy


@pytest.mark.parametrize("result", CHIP.results, ids=lambda result: result.status)
def test_a_journal_gives_back_what_it_was_given(result):
    assert decode(encode(result)) == result


def test_junit_says_what_continuous_integration_needs():
    root = ElementTree.fromstring(to_junit([CHIP, TWIN]))
    counts = {name: root.get(name) for name in ("tests", "failures", "errors", "skipped", "time")}
    assert counts == {"tests": "9", "failures": "1", "errors": "1", "skipped": "3", "time": "1.500"}
    assert [suite.get("name") for suite in root] == ["chip", "twin"]
    half = root.find(".//testcase[@name='decay/half']")
    assert half.get("classname") == "chip.decay"
    assert half.find("failure").text == "out.v differs"
    assert root.find(".//testcase[@name='paths/chain']/error") is not None
    assert root.find(".//testcase[@name='decay/full']/skipped").get("message") == (
        "unsupported: no leak here"
    )


def test_the_matrix_counts_and_names_what_does_not_pass():
    assert matrix([CHIP, TWIN]) == (
        "| topic | `chip` | `twin` |\n"
        "| --- | ---: | ---: |\n"
        "| threshold | 2/2 | 1/1 |\n"
        "| decay | 0/3 (1 failed, 1 known to differ, 1 unsupported) |  |\n"
        "| paths | 0/1 (1 broke) |  |\n"
        "| silicon | 0/1 (1 skipped) |  |\n"
        "| delays |  | 1/1 |\n"
        "| **all** | **2/7 (1 failed, 1 broke, 1 known to differ, 1 unsupported, 1 skipped)** "
        "| **2/2** |\n"
    )


def test_the_summary_counts_how_cases_ended():
    assert summary([CHIP, TWIN]) == (
        "| target | cases | pass | unsupported | known to differ | fail or break |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: |\n"
        "| `chip` | 7 | 2 | 1 | 1 | 2 |\n"
        "| `twin` | 2 | 2 | 0 | 0 | 0 |\n"
    )


def test_the_matrix_does_not_change_with_time_and_place():
    later = replace(
        CHIP,
        results=tuple(replace(result, seconds=9.0) for result in CHIP.results),
        environment={"python": "3.13.0"},
        version="9",
    )
    assert matrix([later]) == matrix([CHIP])


def test_columns_of_one_target_are_told_apart_by_what_differs():
    slow = replace(CHIP, options={"executor": "slow", "timeout": "None"})
    fast = replace(CHIP, options={"executor": "fast", "timeout": "None"})
    assert matrix([slow, TWIN, fast]).splitlines()[0] == (
        "| topic | `chip (executor=slow)` | `twin` | `chip (executor=fast)` |"
    )


def test_columns_of_two_machines_are_told_apart_by_what_they_run():
    old, new = (
        replace(TWIN, environment={"python": version, "platform": "any"})
        for version in ("3.10", "3.13")
    )
    assert matrix([old, new]).splitlines()[0] == (
        "| topic | `twin (python=3.10)` | `twin (python=3.13)` |"
    )


def test_a_block_between_markers_is_replaced_and_nothing_else():
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = replace_block(text, "new\n")
    assert once == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    assert replace_block(once, "new\n") == once
    assert replace_block(f"{BEGIN}\n{END}\n", "new") == f"{BEGIN}\nnew\n{END}\n"


@pytest.mark.parametrize("text", ["", f"{BEGIN}\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{END}\n" * 2])
def test_markers_that_are_missing_are_named(text):
    with pytest.raises(InputError, match="conformance:begin"):
        replace_block(text, "new")


def test_the_page_needs_nothing_else_and_leads_from_topics_to_cases():
    page = to_html([CHIP, TWIN])
    assert not re.search(r"(src|href)=\"(?!#)", page)
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert {"topic-decay", "topic-delays", "topics"} <= links
    assert links <= set(re.findall(r'id="([^"]+)"', page))
    for text in ("It halves.", "no leak here", "out.v differs", "ZeroDivisionError: on the way"):
        assert text in page


def test_the_page_says_by_signs_what_it_says_by_colours():
    page = to_html([CHIP])
    for sign, word in {"✓": "passed", "✗": "failed", "≠": "known to differ", "!": "broke"}.items():
        assert re.search(rf">{re.escape(sign)}</span>\s*{word}", page)


def test_equal_results_of_two_targets_keep_their_names():
    one, two = (replace(CHIP, target=name, results=CHIP.results[:1]) for name in ("one", "two"))
    chips = re.findall(r'class="chip pass">.*?</span> (\w+)</span>', to_html([one, two]))
    assert chips == ["one", "two"]


def test_names_of_any_kind_are_escaped(tmp_path: Path):
    evil = Conformance(EVIL, (Result(f"{EVIL}/x", "fail", 0.0, EVIL, claim=EVIL),), {}, "0")
    assert "a <b>" not in to_html([evil])
    write_junit(tmp_path / "junit.xml", [evil])
    assert ElementTree.parse(tmp_path / "junit.xml").getroot().get("tests") == "1"


def test_files_are_written(tmp_path: Path):
    write_html(tmp_path / "page.html", [TWIN])
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == to_html([TWIN])


def test_the_table_shows_what_is_wrong_and_the_verdict():
    shown = StringIO()
    Console(width=200, file=shown).print(table([CHIP]))
    text = shown.getvalue()
    assert "✗ 0/3 (1 failed, 1 known to differ, 1 unsupported)" in text
    assert "✗ chip: decay/half" in text
    assert "out.v differs" in text
    assert "FAIL  chip: 2 of 7 cases passed, 1 failed, 1 broke" in text
    assert "3 not for its arithmetic" in text


def test_the_table_names_the_first_failures_and_counts_the_others():
    results = tuple(Result(f"decay/{i}", "fail", reason=f"off by {i}") for i in range(15))
    shown = StringIO()
    Console(width=200, file=shown).print(table([Conformance("chip", results, {}, "0")]))
    said = shown.getvalue()
    assert [f"off by {i}" in said for i in range(15)] == [True] * 10 + [False] * 5
    assert "chip: 5 more" in said


def test_cases_that_break_alike_are_one_entry_of_the_table():
    shown, broken = StringIO(), "TypeError: no such layer"
    results = tuple(Result(f"decay/{i}", "error", 0.0, broken) for i in range(3))
    Console(width=200, file=shown).print(table([Conformance("chip", results, {}, "0")]))
    assert "! chip: 3 cases broke" in shown.getvalue()
    assert shown.getvalue().count(broken) == 1


def test_documents_of_one_target_is_its_own():
    assert documents([TWIN]) == to_document(TWIN)
