"""The report as JUnit XML, which continuous integration shows as a list of tests."""

from __future__ import annotations

import os
import re
from xml.etree import ElementTree

from eideploy.files import write_text
from eideploy.verify.report import Hop, PopulationResult, Report
from eideploy.verify.table import where

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""


def to_junit(report: Report) -> str:
    """A test suite per hop, in it a test case for the hop itself and one per population."""
    root = ElementTree.Element("testsuites", name=xml_text(f"{report.model} on {report.target}"))
    suites = [_suite(root, report, hop) for hop in report.hops]
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, 0)) for suite in suites)))
    root.set("time", f"{sum(hop.run_seconds + hop.seconds for hop in report.hops):.3f}")
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def write_junit(path: str | os.PathLike[str], report: Report) -> None:
    """Write the XML to `path`. Raises `OutputError` if it cannot be written."""
    write_text(path, '<?xml version="1.0" encoding="UTF-8"?>\n' + to_junit(report))


def _suite(root: ElementTree.Element, report: Report, hop: Hop) -> ElementTree.Element:
    suite = ElementTree.SubElement(root, "testsuite", name=xml_text(hop.name))
    classname = xml_text(f"{report.model}.{hop.name}")
    verdict = ElementTree.SubElement(
        suite,
        "testcase",
        classname=classname,
        name=f"{hop.relation} hop",
        time=f"{hop.run_seconds + hop.seconds:.3f}",
    )
    reasons = "; ".join(hop.reasons)
    if hop.status == "skipped":
        ElementTree.SubElement(verdict, "skipped", message=xml_text(reasons))
    elif hop.status == "fail":
        fail(verdict, hop.relation, reasons)
    for population in hop.populations:
        case = ElementTree.SubElement(
            suite, "testcase", classname=classname, name=xml_text(population.name), time="0.000"
        )
        if population.status == "fail":
            fail(case, hop.relation, _summary(population))
    suite.set("tests", str(1 + len(hop.populations)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", "0")
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    suite.set("time", f"{hop.run_seconds + hop.seconds:.3f}")
    return suite


def fail(case: ElementTree.Element, kind: str, message: str) -> None:
    """Add to a test case that it failed, and why."""
    failure = ElementTree.SubElement(case, "failure", type=kind, message=xml_text(message))
    failure.text = xml_text(message)


def _summary(population: PopulationResult) -> str:
    agreement = "" if population.agreement is None else f", agreement {population.agreement:.4f} %"
    return (
        f"{population.mismatched_bins:,} of {population.compared_bins:,} bins and "
        f"{population.state_mismatches:,} state values differ{agreement}; "
        f"first at {where(population)}"
    )


def xml_text(text: str) -> str:
    """The text without what XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
