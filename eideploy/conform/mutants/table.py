"""What is said of mutants, on a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from eideploy.conform.mutants.report import Finding, MutationReport


def table(report: MutationReport) -> RenderableType:
    """Which case found which mutant; below what was not found; last a verdict."""
    lines: list[RenderableType] = [_mutants(report), Text()]
    lines += [
        Text(f"✗ the twin without a mistake: {result.case}: {result.reason}", "bold red")
        for result in report.unsound
    ]
    lines += [
        Text.assemble((f"✗ not found: {finding.mutant}  ", "bold red"), finding.fault)
        for finding in report.survivors
    ]
    lines += [
        Text(
            f"{network.network}, {network.samples} samples from end to end: {network.found} found, "
            f"{network.found_in_output} of them by what neurons emit; "
            f"{network.found_in_accuracy} change the accuracy"
        )
        for network in report.networks
    ]
    colour = {"pass": "green", "fail": "bold red"}[report.verdict]
    said = f"{report.found} of {len(report.findings)} mutants found by {report.cases} cases"
    lines.append(Text.assemble((report.verdict.upper(), colour), f"  {said}"))
    return Group(*lines)


def _mutants(report: MutationReport) -> Table:
    found = Table(box=SIMPLE_HEAD, padding=0, show_edge=False, collapse_padding=True)
    found.add_column("mutant", overflow="fold")
    if report.all_finders:
        found.add_column("finders", justify="right")
    found.add_column("found by", overflow="fold")
    for findings in report.kinds.values():
        for finding in findings:
            cells = [Text(finding.mutant.removeprefix("mutant-")), _first(finding)]
            if report.all_finders:
                cells.insert(1, Text(str(len(finding.finders))))
            found.add_row(*cells)
        found.add_section()
    return found


def _first(finding: Finding) -> Text:
    if finding.found:
        return Text(f"✓ {finding.finders[0]}", "green")
    broken = f", broke in {len(finding.broken)} cases" if finding.broken else ""
    return Text(f"✗ none of {finding.asked}{broken}", "bold red")
