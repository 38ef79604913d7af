"""What the suite says, on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from eideploy.conform.result import Conformance, Result, Status
from eideploy.conform.wording import SIGNS, WORDS, all_topics, tally, titles, worst

MOST = 10
"""Failures that a terminal shows one by one."""

COLOURS: dict[Status, str] = {
    "pass": "green",
    "fail": "bold red",
    "known": "magenta",
    "unsupported": "yellow",
    "error": "bold red",
    "skipped": "dim",
}


def table(conformances: Sequence[Conformance]) -> RenderableType:
    """Topics by targets; below what did not pass, and why; last a verdict for each target.

    Beside other targets a column is narrow, and refusals are only counted.
    """
    alone = len(conformances) == 1
    parts: list[RenderableType] = [_matrix(conformances, alone), Text()]
    for title, conformance in zip(titles(conformances), conformances, strict=True):
        parts += _explained(title, conformance, alone)
    parts += [
        _verdict(title, conformance)
        for title, conformance in zip(titles(conformances), conformances, strict=True)
    ]
    return Group(*parts)


def _matrix(conformances: Sequence[Conformance], alone: bool) -> Table:
    matrix = Table(box=SIMPLE_HEAD, padding=0, show_edge=False, collapse_padding=True)
    matrix.add_column("topic", no_wrap=True)
    for title in titles(conformances):
        matrix.add_column(title, overflow="fold")
    for topic in all_topics(conformances):
        cells = [conformance.topics.get(topic, ()) for conformance in conformances]
        matrix.add_row(topic, *(_cell(results, alone) for results in cells))
    return matrix


def _cell(results: Sequence[Result], alone: bool) -> Text:
    if not results:
        return Text()
    status = worst(results)
    said = tally(results) if alone else tally(results).partition(" ")[0]
    return Text(f"{SIGNS[status]} {said}", COLOURS[status])


def _explained(title: str, conformance: Conformance, alone: bool) -> list[RenderableType]:
    """What did not pass: the first failures one by one, the others by their reason."""
    parts: list[RenderableType] = []
    failed = conformance.count("fail")
    groups: dict[tuple[Status, str], list[Result]] = {}
    for result in conformance.results:
        if result.status == "fail" and len(parts) < MOST:
            parts.append(_line("fail", f"{title}: {result.case}", result.reason))
        elif result.status not in ("pass", "fail") and (alone or result.status != "unsupported"):
            groups.setdefault((result.status, result.reason), []).append(result)
    if failed > MOST:
        parts.append(_line("fail", f"{title}: {failed - MOST} more", "--html and -o name them all"))
    for (status, reason), results in groups.items():
        what = results[0].case if len(results) == 1 else f"{len(results)} cases"
        parts.append(_line(status, f"{title}: {what} {WORDS[status]}", reason))
    return [*parts, Text()] if parts else []


def _line(status: Status, what: str, reason: str) -> RenderableType:
    head = Text(f"{SIGNS[status]} {what}", COLOURS[status])
    return Group(head, Padding(Text(reason), (0, 0, 0, 2), expand=False))


def _verdict(title: str, conformance: Conformance) -> Text:
    colour = {"pass": "green", "fail": "bold red", "skipped": "yellow"}[conformance.verdict]
    others = [f"{conformance.count(s)} {word}" for s, word in WORDS.items() if conformance.count(s)]
    if conformance.not_applicable:
        others.append(f"{conformance.not_applicable} not for its arithmetic")
    passed = f"{conformance.count('pass')} of {len(conformance.results)} cases passed"
    return Text.assemble(
        (conformance.verdict.upper(), colour), f"  {title}: {', '.join([passed, *others])}"
    )
