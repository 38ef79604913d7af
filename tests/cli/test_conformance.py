"""Verb `conform`: what it runs, what it says, what it writes, and how it ends."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from fake_targets import announce

from eideploy.cli.app import run
from eideploy.conform.cases import suite
from eideploy.conform.cases.quick import QUICK
from eideploy.conform.selection import select
from eideploy.program import load_program, load_stimulus, load_trace
from eideploy.simulate import reference
from eideploy.simulate.record import Record

FEW = ("--case", "threshold/*")


@pytest.fixture
def fakes(tmp_path_factory, monkeypatch):
    """The fake targets are installed."""
    folder = tmp_path_factory.mktemp("installed")
    announce(folder)
    monkeypatch.syspath_prepend(folder)


@pytest.fixture
def document(capsys):
    """Run the verb with --json; its exit code and what it says."""

    def conform(*arguments: object) -> tuple[int, dict]:
        code = run(["conform", *map(str, arguments), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return conform


def test_a_right_target_passes(fakes, document):
    code, found = document("--target", "fake-right", *FEW)
    assert code == 0
    assert (found["schema"], found["target"], found["verdict"]) == (
        "eideploy.conform/1", "fake-right", "pass",
    )  # fmt: skip
    assert found["counts"]["pass"] == len(found["cases"]) > 5


def test_a_wrong_target_fails_and_is_told_where(fakes, capsys):
    assert run(["conform", "--target", "fake-wrong", *FEW]) == 1
    text = capsys.readouterr().out
    assert "FAIL  fake-wrong" in text
    assert re.search(r"✗ fake-wrong: threshold/.*\n  out, sample 0, step \d+, neuron \d+", text)


def test_what_supports_nothing_proves_nothing(fakes, document):
    code, found = document("--target", "fake-refusing", *FEW)
    assert (code, found["verdict"]) == (1, "skipped")
    assert {case["reason"] for case in found["cases"]} == {"no leak here"}


def test_several_targets_are_a_matrix_in_every_report(fakes, tmp_path, capsys):
    files = {kind: tmp_path / f"report.{kind}" for kind in ("json", "html", "xml", "md")}
    code = run(
        [
            *("conform", "-t", "fake-right", "-t", "fake-refusing", *FEW),
            *("-o", str(files["json"]), "--html", str(files["html"])),
            *("--junit", str(files["xml"]), "--markdown", str(files["md"])),
        ]
    )
    assert code == 1
    written = json.loads(files["json"].read_text(encoding="utf-8"))
    assert [target["target"] for target in written["targets"]] == ["fake-right", "fake-refusing"]
    assert len(ElementTree.parse(files["xml"]).getroot()) == 2
    assert "<h1>Conformance of fake-right, fake-refusing</h1>" in files["html"].read_text("utf-8")
    count = len(select(suite(), ["threshold/*"]))
    assert f"| threshold | {count}/{count} | 0/{count} ({count} unsupported) |" in files[
        "md"
    ].read_text(encoding="utf-8")


def test_columns_written_elsewhere_are_shown_beside(fakes, tmp_path, document):
    elsewhere = tmp_path / "elsewhere.json"
    document("-t", "fake-right", *FEW, "-o", elsewhere)
    code, found = document("-t", "fake-wrong", *FEW, "--with", elsewhere)
    assert code == 1
    assert [target["verdict"] for target in found["targets"]] == ["fail", "pass"]
    code, found = document("--with", elsewhere)
    assert (code, found["target"]) == (0, "fake-right")


def test_known_differences_in_a_file(fakes, tmp_path, document):
    known = tmp_path / "known.yaml"
    known.write_text("- {case: threshold/*, reason: It is late.}\n", encoding="utf-8")
    code, found = document("-t", "fake-wrong", "--case", "t*/*", "--known", known)
    listed = [case for case in found["cases"] if case["topic"] == "threshold"]
    assert {case["status"] for case in listed} <= {"known", "fail"}
    assert any(case["status"] == "known" for case in listed)
    code, found = document("-t", "fake-right", *FEW, "--known", known)
    assert code == 1
    assert "is listed in" in found["cases"][0]["reason"]


def test_random_cases_are_added(fakes, document):
    arguments = ("-t", "fake-right", "--generate", 3, "--seed", 5, "--case", "random/*")
    code, found = document(*arguments)
    assert [case["name"] for case in found["cases"]] == [f"random/5-000{i}" for i in range(3)]
    assert code == 0


def test_cases_are_listed(capsys):
    assert run(["conform", "--list", *FEW]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(select(suite(), ["threshold/*"]))
    assert all(re.fullmatch(r"threshold/[a-z0-9-]+ +\S.*\.", line) for line in lines)


def test_cases_are_listed_as_json(document):
    code, found = document("--list")
    assert code == 0
    assert [case["name"] for case in found["cases"]] == [case.name for case in suite()]
    assert {"integer", "float", None} >= {case["arithmetic"] for case in found["cases"]}


def test_the_quick_cases_are_a_few_of_each_topic(document):
    quick = document("--list", "--quick")[1]["cases"]
    assert 40 <= len(quick) <= 100
    cases = list(suite())
    assert {case["topic"] for case in quick} == {case.topic for case in cases}
    assert all(select(cases, [pattern]) for pattern in QUICK)


def test_cases_as_files_are_all_that_a_backend_needs(tmp_path: Path, capsys):
    folder = tmp_path / "cases"
    assert run(["conform", "--write", str(folder), *FEW, "--case", "decay/*"]) == 0
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    assert {case["topic"] for case in index["cases"]} == {"threshold", "decay"}
    for case in index["cases"]:
        program = load_program(folder / case["network"])
        shown, wanted = (load(folder / case[what]) for load, what in (
            (load_stimulus, "stimulus"), (load_trace, "expected"),
        ))  # fmt: skip
        assert (shown.samples, shown.steps) == (case["samples"], case["steps"])
        found = reference.run(program, shown, Record())
        for name, recording in wanted.recordings.items():
            assert np.array_equal(found[name].output, recording.output), case["name"]
            assert set(recording.state) == (set(found[name].state) if case["state"] else set())
    assert run(["conform", "--write", str(folder)]) == 2
    assert "is not empty" in capsys.readouterr().err


def test_a_graph_is_written_as_a_graph(tmp_path: Path):
    from eideploy.graph import read

    graph = next(case for case in suite() if case.arithmetic is None and case.options.dt)
    folder = tmp_path / "cases"
    assert run(["conform", "--write", str(folder), "--case", graph.name]) == 0
    (entry,) = json.loads((folder / "index.json").read_text(encoding="utf-8"))["cases"]
    assert entry["network"].endswith(".nir")
    assert entry["options"]["dt"] == graph.options.dt
    assert set(read(folder / entry["network"]).nodes) == set(graph.network.nodes)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "Give --target NAME, one of"),
        (["-t", "twn"], 2, "Did you mean 'twin'?"),
        (["-t", "fake-absent"], 3, "the chip is not plugged in"),
        (["-t", "fake-right", "--case", "treshold/*"], 2, "Did you mean 'threshold/*'?"),
        (["-t", "fake-right", "--case", "threshold"], 2, "Did you mean 'threshold/*'?"),
        (["-t", "fake-right", "--executor", "runtime"], 2, "has no option --executor"),
        (["-t", "fake-right", "--known", "nowhere.yaml"], 2, "nowhere.yaml cannot be read"),
        (["-t", "fake-right", "-t", "fake-wrong", "--known", "k"], 2, "about one target"),
        (["--with", "nowhere.json"], 2, "nowhere.json cannot be read"),
        (["--generate", "-1", "-t", "fake-right"], 2, "--generate"),
        (["-t", "fake-right", "--recordings", "nowhere"], 2, "there is no folder nowhere"),
        (["--list", "--write", "cases"], 2, "--list runs nothing and writes nothing"),
    ],
)
def test_mistakes_are_answered(fakes, capsys, arguments, code, said):
    assert run(["conform", *arguments]) == code
    captured = capsys.readouterr()
    assert said in re.sub(r"\s+", " ", captured.err)
    assert captured.out == ""


def test_an_option_goes_to_the_targets_that_have_it(fakes, document):
    code, found = document("-t", "fake-right", "-t", "twin", "--device", "cpu", *FEW)
    assert code == 0
    assert [target["options"].get("device") for target in found["targets"]] == [None, "cpu"]
