"""The report as JUnit XML."""

from __future__ import annotations

import os

from eideploy.files import write_text
from eideploy.verify.report import Hop, PopulationResult, Report, Status
from eideploy.verify.suites import Check, Outcome, Suite, to_xml
from eideploy.verify.table import where

OUTCOMES: dict[Status, Outcome] = {"pass": "passed", "fail": "failure", "skipped": "skipped"}


def to_junit(report: Report) -> str:
    """A test suite per hop, in it a test case for the hop itself and one per population."""
    return to_xml(
        f"{report.model} on {report.target}", [_suite(report, hop) for hop in report.hops]
    )


def write_junit(path: str | os.PathLike[str], report: Report) -> None:
    """Write the XML to `path`. Raises `OutputError` if it cannot be written."""
    write_text(path, to_junit(report))


def _suite(report: Report, hop: Hop) -> Suite:
    group, seconds = f"{report.model}.{hop.name}", hop.run_seconds + hop.seconds
    verdict = Check(
        group,
        f"{hop.relation} hop",
        seconds,
        OUTCOMES[hop.status],
        "; ".join(hop.reasons),
        hop.relation,
    )
    populations = [
        Check(group, p.name, 0.0, "failure", _summary(p), hop.relation)
        if p.status == "fail"
        else Check(group, p.name)
        for p in hop.populations
    ]
    return Suite(hop.name, (verdict, *populations), seconds)


def _summary(population: PopulationResult) -> str:
    agreement = "" if population.agreement is None else f", agreement {population.agreement:.4f} %"
    return (
        f"{population.mismatched_bins:,} of {population.compared_bins:,} bins and "
        f"{population.state_mismatches:,} state values differ{agreement}; "
        f"first at {where(population)}"
    )
