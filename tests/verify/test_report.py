"""The report as JSON, JUnit, a table and a page."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console

from eideploy.errors import InputError, OutputError
from eideploy.program import Trace
from eideploy.verify import (
    Accuracy,
    Artifact,
    Hop,
    Limits,
    Report,
    Specimen,
    Verification,
    compare,
    from_document,
    measure,
    plots,
    table,
    to_document,
    to_html,
    to_junit,
    write_html,
    write_json,
    write_junit,
)
from eideploy.verify.table import compact, percent

HandMade = Callable[..., Artifact]
EVIL = "<script>alert('1')</script>&\x00"


@pytest.fixture
def passing(hand_made: HandMade) -> Verification:
    trained, frozen, program = (hand_made(name) for name in ("trained", "frozen", "program"))
    frozen.trace["lif2"].output[1, 4, 2] = 1
    program.trace["lif2"].output[1, 4, 2] = 1
    return _verification(
        [
            compare(trained, frozen, relation="bounded", labels=np.asarray([1, 1, 1, 0])),
            compare(frozen, program, relation="exact", floating=True),
        ],
        [trained, frozen, program],
    )


@pytest.fixture
def failing(hand_made: HandMade) -> Verification:
    """lif2 differs in the deployed network from sample 3, step 2, neuron 4 on."""
    floating = hand_made("program")
    quantized, deployed = (hand_made(name, integer=True) for name in ("quantized", "lava-fixed"))
    deployed.trace["lif2"].output[3, 2, 4] = 1
    deployed.trace["lif2"].state["v"][3, 2, 4] = 2
    deployed.trace["lif2"].output[0, 5, 0] = 1
    skipped = Hop(
        "quantized→twin",
        "exact",
        "skipped",
        0.0,
        Accuracy(),
        0,
        (),
        "quantized",
        "twin",
        reasons=("torch is missing",),
    )
    return _verification(
        [
            compare(floating, quantized, relation="bounded", limits=Limits()),
            skipped,
            compare(quantized, deployed, relation="exact", state=True),
        ],
        [floating, quantized, deployed],
    )


def _verification(hops: list[Hop], artifacts: list[Artifact]) -> Verification:
    verdict = "fail" if any(hop.status == "fail" for hop in hops) else "pass"
    report = Report("digits_mlp", hops[-1].after, 4, 6, verdict, tuple(hops), "0.1")
    by_name = {artifact.name: artifact for artifact in artifacts}
    specimens = {
        hop.name: _specimen(by_name[hop.before], by_name[hop.after], hop.relation)
        for hop in hops
        if hop.status != "skipped" and artifacts
    }
    overview = None
    if artifacts:
        first, *_, last = artifacts
        overview = compare(first, last, relation="bounded"), _specimen(first, last, "bounded")
    return Verification(report, specimens, overview, {})


def _specimen(before: Artifact, after: Artifact, relation: Any) -> Specimen:
    return Specimen.cut(before, after, measure(before, after, relation=relation))


def renamed(verification: Verification, name: str) -> Verification:
    """The same with the model and a population of another name."""
    report = replace(
        verification.report,
        model=name,
        hops=tuple(
            replace(
                hop,
                populations=tuple(
                    replace(p, name=name if p.name == "lif2" else p.name) for p in hop.populations
                ),
                culprit=hop.culprit and name,
                reasons=tuple(reason.replace("lif2", name) for reason in hop.reasons),
            )
            for hop in verification.report.hops
        ),
    )

    def artifact(old: Artifact) -> Artifact:
        recordings = old.trace.recordings.items()
        return replace(
            old,
            trace=Trace({name if k == "lif2" else k: r for k, r in recordings}),
            thresholds={name if k == "lif2" else k: v for k, v in old.thresholds.items()},
        )

    specimens = {
        key: replace(s, before=artifact(s.before), after=artifact(s.after))
        for key, s in verification.specimens.items()
    }
    return replace(verification, report=report, specimens=specimens)


# JSON


def test_the_document_has_every_field_of_the_schema(failing: Verification) -> None:
    document = json.loads(json.dumps(to_document(failing.report)))
    assert document["schema"] == "eideploy.verify/1"
    assert {"model", "target", "samples", "steps", "verdict", "hops"} <= document.keys()
    hop = document["hops"][-1]
    assert {
        "name",
        "relation",
        "status",
        "seconds",
        "accuracy",
        "state_mismatches",
        "populations",
    } <= hop.keys()
    assert (hop["name"], hop["relation"], hop["status"]) == (
        "quantized→lava-fixed",
        "exact",
        "fail",
    )
    assert hop["accuracy"] == {"before": None, "after": None}
    lif2 = next(p for p in hop["populations"] if p["name"] == "lif2")
    assert {"neurons": 5, "compared_bins": 120, "mismatched_bins": 2}.items() <= lif2.items()
    assert {"spikes_before": 4, "spikes_after": 6}.items() <= lif2.items()
    first = {"sample": 3, "step": 2, "neuron": 4, "before": 0, "after": 1, "margin": -1}
    assert first.items() <= lif2["first_divergence"].items()


def test_a_report_survives_the_way_to_disk_and_back(passing: Verification, tmp_path: Path) -> None:
    write_json(tmp_path / "report.json", passing.report)
    document = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert from_document({**document, "added": 1}) == passing.report


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema",), "eideploy.verify/2", "expected 'eideploy.verify/1'"),
        (("samples",), "4", r"report\.samples is '4', expected int"),
        (("samples",), True, r"report\.samples is True"),
        (("verdict",), "maybe", r"report\.verdict is 'maybe'"),
        (("hops",), {}, r"report\.hops is"),
        (("hops", 1, "accuracy", "after"), "x", r"report\.hops\[1\]\.accuracy\.after"),
        (("hops", 0, "populations", 1, "first_divergence"), {"step": 1}, "sample, neuron.*missing"),
    ],
)
def test_a_document_of_the_wrong_form_says_where(
    passing: Verification, path: tuple[Any, ...], value: object, message: str
) -> None:
    document = to_document(passing.report)
    inner: Any = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(InputError, match=message):
        from_document(document)


def test_a_document_that_is_none_says_so() -> None:
    with pytest.raises(InputError, match="not a verification report"):
        from_document([1])


# JUnit


def test_junit_has_a_case_per_hop_and_population(failing: Verification) -> None:
    root = ElementTree.fromstring(to_junit(failing.report))
    assert root.tag == "testsuites"
    assert [suite.get("name") for suite in root] == [
        "program→quantized",
        "quantized→twin",
        "quantized→lava-fixed",
    ]
    counts = {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "9", "failures": "2", "errors": "0", "skipped": "1"}
    for suite in root:
        assert suite.get("tests") == str(len(suite.findall("testcase")))
        assert suite.get("failures") == str(len(suite.findall("testcase/failure")))
    failed = [
        case.get("name") for case in root.iter("testcase") if case.find("failure") is not None
    ]
    assert failed == ["exact hop", "lif2"]
    failure = root.findall(".//testcase[@name='lif2']/failure")[-1]
    assert "sample 3, step 2, neuron 4: 0 → 1" in str(failure.get("message"))
    skip = root.find(".//skipped")
    assert skip is not None
    assert skip.get("message") == "torch is missing"


def test_junit_fails_for_a_hop_whose_populations_are_fine(hand_made: HandMade) -> None:
    before, after = hand_made(), hand_made("after")
    after.trace["readout"].output[0, :, 0] = 9
    hop = compare(before, after, relation="bounded", labels=np.ones(4, int))
    root = ElementTree.fromstring(to_junit(_verification([hop], []).report))
    (failure,) = root.iter("failure")
    assert failure.get("message") == ("accuracy drops by 25.00 points, at most 0.5 is allowed")


def test_junit_of_any_name_is_well_formed(failing: Verification, tmp_path: Path) -> None:
    write_junit(tmp_path / "junit.xml", renamed(failing, EVIL).report)
    root = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert EVIL.replace("\x00", "\ufffd") in {case.get("name") for case in root.iter("testcase")}


# Table


def printed(report: Report, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(table(report))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_table_fits_80_columns_with_the_largest_numbers(failing: Verification) -> None:
    names = ("trained→frozen", "frozen→program", "quantized→twin-cuda", "quantized→lava-fixed")
    lif2 = failing.report.hops[-1].populations[1]
    largest = replace(lif2, compared_bins=123_000_000, mismatched_bins=45_600_000)
    hops = tuple(
        replace(
            failing.report.hops[-1],
            name=name,
            relation="bounded",
            populations=(largest,),
            state_mismatches=123_456,
            agreement=100.0,
            accuracy=Accuracy(100.0, 100.0),
            run_seconds=1234.5,
        )
        for name in names
    )
    lines = printed(replace(failing.report, hops=hops), 80).splitlines()
    assert max(map(len, lines)) <= 80
    for name in names:
        (row,) = (line for line in lines if line.startswith(f"{name} ") and "45.6M" in line)
        for cell in ("bounded", "fail", "45.6M/123M", "123k", "100.00", "100.0→100.0", "1234.5"):
            assert cell in row.split()


def test_a_long_name_costs_the_table_no_figure(failing: Verification) -> None:
    hop = replace(failing.report.hops[-1], after="a-chip-with-a-name-that-is-far-too-long")
    text = printed(replace(failing.report, hops=(hop,)), 80)
    assert "…" not in text
    assert f"{hop.mismatched_bins}/{hop.compared_bins}" in text


def test_the_table_says_where_a_hop_parts_and_why_one_was_skipped(failing: Verification) -> None:
    lines = printed(failing.report, 80)
    assert "quantized→lava-fixed fail" in lines
    assert "first at lif2, sample 3, step 2, neuron 4: 0 → 1 (margin −1)" in lines
    assert "torch is missing" in lines
    assert lines.rstrip().endswith("FAIL  digits_mlp on lava-fixed, 4 samples of 6 steps")


def test_the_table_warns_of_silence_and_takes_names_literally(hand_made: HandMade) -> None:
    before, after = hand_made(), hand_made("after")
    for side in (before, after):
        side.trace["lif2"].output[:] = 0
    verification = _verification([compare(before, after, relation="exact")], [before, after])
    assert verification.report.silent == ("lif2",)
    lines = printed(renamed(verification, "[bold]odd[/nothing]").report, 100)
    assert "[bold]odd[/nothing] never spikes" in lines


@pytest.mark.parametrize(
    ("count", "text"),
    {
        0: "0",
        9_999: "9999",
        10_000: "10k",
        105_920: "106k",
        999_499: "999k",
        999_500: "1M",
        1_105_920: "1.11M",
        123_000_000_000: "123G",
        5_000_000_000_000: "5T",
    }.items(),
)
def test_counts_are_short(count: int, text: str) -> None:
    assert compact(count) == text


def test_a_percentage_is_never_rounded_up_to_all() -> None:
    assert [percent(value) for value in (100.0, 99.9999, 98.126)] == ["100.00", "99.99", "98.13"]


# Page


class _Page(HTMLParser):
    """Collects the tags, what they refer to, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for key, value in attrs:
            if key in ("src", "href", "srcset", "poster", "data", "action"):
                self.references.append(value or "")
            if key == "id":
                self.ids.append(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.mark.parametrize("which", ["passing", "failing"])
def test_the_page_needs_nothing_from_outside(which: str, request: pytest.FixtureRequest) -> None:
    page = to_html(request.getfixturevalue(which))
    parsed = _Page(page)
    for reference in parsed.references:
        assert reference.startswith("data:image/svg+xml;base64,") or reference[1:] in parsed.ids
    without_data = re.sub(r"data:[^\"]*", "", page)
    assert not re.search(r"https?:|//|url\(|@import|<script|<link|<iframe", without_data)
    for reference in parsed.references:
        if reference.startswith("data:"):
            picture = base64.b64decode(reference.partition(",")[2])
            assert ElementTree.fromstring(picture).tag.endswith("svg")


def test_the_page_of_a_failure_shows_the_hop_that_fails(failing: Verification) -> None:
    page = _Page(to_html(failing))
    assert "quantized→lava-fixed does not hold: lif2 parts first" in page.text
    assert "First at lif2, sample 3, step 2, neuron 4: 0 → 1 (margin −1)" in page.text
    assert "quantized and lava-fixed, spike for spike" in page.text
    assert "Sample 3, the one in which they part first" in page.text
    assert "1 differing bin in this sample" in page.text
    assert "torch is missing" in page.text
    assert page.tags.count("img") == 2 * 2 + 1  # both sides of two populations, and the potential


def test_the_page_of_a_success_shows_training_against_the_target(passing: Verification) -> None:
    page = _Page(to_html(passing))
    assert "trained and program, spike for spike" in page.text
    assert "Sample 1, the one in which they part first" in page.text
    assert "does not hold" not in page.text


def test_the_page_shows_every_hop_that_fails(failing: Verification, hand_made: HandMade) -> None:
    frozen, program = hand_made("frozen"), hand_made("program")
    frozen.trace["lif1"].output[0, 4, 1, 1] = 1
    before = _verification(
        [compare(frozen, program, relation="exact", floating=True)], [frozen, program]
    )
    report = replace(failing.report, hops=(*before.report.hops, *failing.report.hops))
    specimens = {**before.specimens, **failing.specimens}
    page = _Page(to_html(replace(failing, report=report, specimens=specimens)))
    shown = re.findall(r"(\S+) and (\S+), spike for spike", page.text)
    assert shown == [("frozen", "program"), ("quantized", "lava-fixed")]


@pytest.mark.parametrize(("also_here", "shown"), [(True, "lif2"), (False, "lif1")])
def test_the_page_shows_the_sample_that_parts_first_and_in_it_the_culprit_if_it_can(
    hand_made: HandMade, also_here: bool, shown: str
) -> None:
    before, after = hand_made("program"), hand_made("quantized")
    after.trace["lif1"].output[1, 0, 0, 0] = 1  # one bin of 144 is within the limit
    after.trace["lif2"].output[0, 2] = 1
    after.trace["lif2"].output[1, 3, 4] = also_here
    hop = compare(before, after, relation="bounded")
    assert (hop.status, hop.culprit) == ("fail", "lif2")
    page = _Page(to_html(_verification([hop], [before, after])))
    assert "Sample 1, the one in which they part first" in page.text
    assert re.search(rf"{shown}, sample 1, step {3 if also_here else 0}", page.text)


def test_the_page_of_a_hop_without_any_shared_population_says_why(hand_made: HandMade) -> None:
    before, after = hand_made("program"), replace(hand_made("odd"), trace=Trace({}))
    page = _Page(
        to_html(_verification([compare(before, after, relation="exact")], [before, after]))
    )
    assert "lif1 is missing in odd" in page.text
    assert "spike for spike" not in page.text


def test_the_page_of_two_equal_sides_says_so(hand_made: HandMade) -> None:
    sides = [hand_made("program", integer=True), hand_made("lava-fixed", integer=True)]
    page = _Page(to_html(_verification([compare(*sides, relation="exact")], sides)))
    assert "Sample 0; they never part" in page.text
    assert page.tags.count("img") == 4


def test_the_page_of_one_neuron_without_labels() -> None:
    spikes = np.zeros((2, 5, 1), np.uint8)
    before, after = (_single(name, spikes.copy(), spikes + 0.5) for name in ("program", "twin"))
    after.trace["lif"].output[1, 3, 0] = 1
    hop = compare(before, after, relation="bounded")
    page = _Page(to_html(_verification([hop], [before, after])))
    assert "neuron 0 of 1, steps 0–4 of 5" in page.text
    assert "ccuracy –" not in page.text


def test_the_page_escapes_every_name(failing: Verification) -> None:
    page = to_html(renamed(failing, EVIL))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "alert('1')" not in page


def test_a_raster_colours_what_only_its_own_side_has() -> None:
    both, own, other, neither = (1, 1), (1, 0), (0, 1), (0, 0)
    before, after = (
        np.asarray([[both[side], own[side]], [other[side], neither[side]]]) for side in (0, 1)
    )
    seen = _colours(plots.raster(before, after, first_neuron=0, first_step=0, before=True))
    assert seen == {plots.INK, plots.BEFORE, plots.AFTER_PALE, "#ffffff"}
    seen = _colours(plots.raster(after, before, first_neuron=0, first_step=0, before=False))
    assert seen == {plots.INK, plots.AFTER, plots.BEFORE_PALE, "#ffffff"}
    seen = _colours(plots.raster(before, before, first_neuron=0, first_step=0, before=True))
    assert seen == {plots.INK, "#ffffff"}


def _colours(picture: str) -> set[str]:
    """Colours of the image inside an SVG."""
    from matplotlib.image import imread

    svg = base64.b64decode(picture.partition(",")[2]).decode()
    found = re.search(r"data:image/png;base64,([^\"]+)", svg)
    assert found
    pixels = imread(io.BytesIO(base64.b64decode(found[1])), format="png")[..., :3]
    return {
        "#" + "".join(f"{round(255 * channel):02x}" for channel in pixel)
        for pixel in np.unique(pixels.reshape(-1, 3), axis=0)
    }


def test_a_large_population_is_shown_where_it_differs() -> None:
    v = np.zeros((1, 900, 4000))
    sides = []
    for name in ("program", "lava-float"):
        spikes = np.zeros(v.shape, np.uint8)
        spikes[0, 700, 3000] = name == "program"
        spikes[0, 5, 1] = 1
        sides.append(_single(name, spikes, v))
    page = _Page(to_html(_verification([compare(*sides, relation="exact")], sides)))
    shown = re.search(r"neurons (\d+)–(\d+) of 4,000, steps (\d+)–(\d+) of 900", page.text)
    assert shown
    low, high, start, stop = map(int, shown.groups())
    assert low <= 3000 <= high
    assert start <= 700 <= stop
    assert page.tags.count("img") == 3


def _single(name: str, spikes: Any, v: Any) -> Artifact:
    from eideploy.program import Recording

    return Artifact(name, Trace({"lif": Recording(spikes, {"v": v})}), {"lif": np.asarray(1.0)})


def test_files_are_written_whole_or_not_at_all(failing: Verification, tmp_path: Path) -> None:
    write_html(tmp_path / "report.html", failing)
    assert (tmp_path / "report.html").read_text(encoding="utf-8").endswith("</html>\n")
    blocked = tmp_path / "report.html" / "below.html"
    for write in (
        lambda: write_html(blocked, failing),
        lambda: write_json(blocked, failing.report),
        lambda: write_junit(blocked, failing.report),
    ):
        with pytest.raises(OutputError, match=r"below\.html"):
            write()
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
