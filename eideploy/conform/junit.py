"""What the suite says as JUnit XML: a suite for each target, a test for each case."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eideploy.conform.result import Conformance, Result, Status
from eideploy.conform.wording import titles
from eideploy.files import write_text
from eideploy.verify.suites import Check, Outcome, Suite, to_xml

OUTCOMES: dict[Status, Outcome] = {
    "pass": "passed",
    "fail": "failure",
    "known": "skipped",
    "unsupported": "skipped",
    "error": "error",
    "skipped": "skipped",
}


def to_junit(conformances: Sequence[Conformance]) -> str:
    """The XML. What is unsupported or known is skipped, with the reason."""
    return to_xml(
        "conformance",
        [
            Suite(
                title,
                tuple(_check(title, result) for result in conformance.results),
                sum(result.seconds for result in conformance.results),
            )
            for title, conformance in zip(titles(conformances), conformances, strict=True)
        ],
    )


def write_junit(path: Path, conformances: Sequence[Conformance]) -> None:
    """Write the XML to `path`. Raises `OutputError` if it cannot be written."""
    write_text(path, to_junit(conformances))


def _check(title: str, result: Result) -> Check:
    message = result.reason
    if OUTCOMES[result.status] == "skipped":
        message = f"{result.status}: {message}"
    return Check(
        f"{title}.{result.topic}",
        result.case,
        result.seconds,
        OUTCOMES[result.status],
        message,
        "conformance",
    )
