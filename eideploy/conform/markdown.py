"""The support matrix as Markdown, and putting it into a text between markers.

It says nothing that changes from run to run: no times, no versions.
"""

from __future__ import annotations

from collections.abc import Sequence

from eideploy.conform.result import Conformance, Result, Status
from eideploy.conform.wording import all_topics, tally, titles
from eideploy.errors import InputError

BEGIN, END = "<!-- conformance:begin -->", "<!-- conformance:end -->"


def matrix(conformances: Sequence[Conformance]) -> str:
    """A table of topics by targets: cases that pass of those that apply, and what the others do."""
    rows = [
        ["topic", *(f"`{title}`" for title in titles(conformances))],
        ["---", *("---:" for _ in conformances)],
    ]
    for topic in all_topics(conformances):
        rows.append([topic, *(_cell(one.topics.get(topic, ())) for one in conformances)])
    rows.append(["**all**", *(f"**{_cell(one.results)}**" for one in conformances)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def summary(conformances: Sequence[Conformance]) -> str:
    """A table of targets: how many cases apply to each, and how many of them end in which way."""
    ways: tuple[tuple[str, tuple[Status, ...]], ...] = (
        ("pass", ("pass",)),
        ("unsupported", ("unsupported",)),
        ("known to differ", ("known",)),
        ("fail or break", ("fail", "error")),
    )
    rows = [
        ["target", "cases", *(way for way, _ in ways)],
        ["---", "---:", *("---:" for _ in ways)],
    ]
    for title, one in zip(titles(conformances), conformances, strict=True):
        counts = [sum(map(one.count, statuses)) for _, statuses in ways]
        rows.append([f"`{title}`", *map(str, (len(one.results), *counts))])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def replace_block(text: str, block: str, begin: str = BEGIN, end: str = END) -> str:
    """The text with what stands between the two markers, each on a line of its own, exchanged.

    Raises:
        InputError: the markers are not there exactly once, in this order.
    """
    before, found, rest = text.partition(f"{begin}\n")
    _, closed, after = rest.partition(end)
    if not found or not closed or text.count(begin) != 1 or text.count(end) != 1:
        raise InputError(f"the text does not hold {begin} and, below it, {end}, once each")
    return f"{before}{begin}\n{block.strip()}\n{end}{after}"


def _cell(results: Sequence[Result]) -> str:
    return tally(results) if results else ""
