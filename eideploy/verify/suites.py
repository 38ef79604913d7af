"""JUnit XML, which continuous integration shows as lists of tests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree

Outcome = Literal["passed", "failure", "error", "skipped"]

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""

_COUNTS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


@dataclass(frozen=True)
class Check:
    """One test.

    Args:
        group: what it belongs to, in JUnit the name of a class.
        name: of the test.
        seconds: that it took.
        outcome: in words of JUnit.
        message: why it did not pass.
        kind: of a failure or an error.
    """

    group: str
    name: str
    seconds: float = 0.0
    outcome: Outcome = "passed"
    message: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Suite:
    """Tests that belong together, and the time of them all."""

    name: str
    checks: tuple[Check, ...]
    seconds: float


def to_xml(name: str, suites: Sequence[Suite]) -> str:
    """A whole XML file. What XML cannot hold is replaced."""
    root = ElementTree.Element("testsuites", name=_text(name))
    every = [check for suite in suites for check in suite.checks]
    _count(root, every, sum(suite.seconds for suite in suites))
    for suite in suites:
        element = ElementTree.SubElement(root, "testsuite", name=_text(suite.name))
        _count(element, suite.checks, suite.seconds)
        for check in suite.checks:
            _add(element, check)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode", xml_declaration=False)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _count(element: ElementTree.Element, checks: Sequence[Check], seconds: float) -> None:
    element.set("tests", str(len(checks)))
    for name, outcome in _COUNTS.items():
        element.set(name, str(sum(check.outcome == outcome for check in checks)))
    element.set("time", f"{seconds:.3f}")


def _add(suite: ElementTree.Element, check: Check) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=_text(check.group),
        name=_text(check.name),
        time=f"{check.seconds:.3f}",
    )
    if check.outcome == "passed":
        return
    outcome = ElementTree.SubElement(case, check.outcome, message=_text(check.message))
    if check.outcome != "skipped":
        outcome.set("type", check.kind)
        outcome.text = _text(check.message)


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
