"""What the suite says as one HTML file that needs no network and no other file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from eideploy.conform.result import Conformance, Result, Status
from eideploy.conform.wording import SIGNS, WORDS, all_topics, tally, titles, worst
from eideploy.files import write_text
from eideploy.page import render


@dataclass(frozen=True)
class Cell:
    """A topic on a target: its results, and what to show of them."""

    results: tuple[Result, ...]

    @property
    def status(self) -> Status:
        """The one that counts most."""
        return worst(self.results)

    @property
    def passed(self) -> str:
        """Those that pass of those that apply."""
        return tally(self.results).partition(" (")[0]

    @property
    def others(self) -> str:
        """What became of the others."""
        return tally(self.results).partition(" (")[2].removesuffix(")")


@dataclass(frozen=True)
class Line:
    """A case, and what became of it on each target; None where it does not apply."""

    name: str
    claim: str
    results: tuple[Result | None, ...]


def to_html(conformances: Sequence[Conformance]) -> str:
    """The page: topics by targets; below, of each topic its cases and what became of them."""
    topics = all_topics(conformances)
    return render(
        files(__package__).joinpath("matrix.html.j2").read_text("utf-8"),
        {},
        version=conformances[0].version,
        conformances=conformances,
        titles=titles(conformances),
        topics={
            topic: [Cell(one.topics.get(topic, ())) for one in conformances] for topic in topics
        },
        lines={name: _lines(name, conformances) for name in topics},
        totals=[Cell(one.results) for one in conformances],
        signs=SIGNS,
        words={"pass": "passed", **WORDS},
    )


def write_html(path: Path, conformances: Sequence[Conformance]) -> None:
    """Write the page to `path`. Raises `OutputError` if it cannot be written."""
    write_text(path, to_html(conformances))


def _lines(topic: str, conformances: Sequence[Conformance]) -> list[Line]:
    """The cases of a topic, in the order in which they come up."""
    columns = [{r.case: r for r in one.topics.get(topic, ())} for one in conformances]
    claims = {case: result.claim for column in columns for case, result in column.items()}
    return [
        Line(case, claim, tuple(column.get(case) for column in columns))
        for case, claim in claims.items()
    ]
