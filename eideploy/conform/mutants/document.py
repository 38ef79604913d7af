"""What is said of mutants as a JSON document."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eideploy.conform.document import result_document
from eideploy.conform.mutants.report import EndToEnd, Finding, MutationReport
from eideploy.files import write_text

SCHEMA = "eideploy.mutants/1"


def to_document(report: MutationReport) -> dict[str, Any]:
    """What was found as plain JSON values."""
    return {
        "schema": SCHEMA,
        "version": report.version,
        "verdict": report.verdict,
        "mutants": len(report.findings),
        "found": report.found,
        "score": report.score,
        "cases": report.cases,
        "all_finders": report.all_finders,
        "unsound": [result_document(result) for result in report.unsound],
        "findings": [_finding(finding) for finding in report.findings],
        "networks": [_network(network) for network in report.networks],
    }


def write_json(path: Path, report: MutationReport) -> None:
    """Write the document to `path`. Raises `OutputError` if it cannot be written."""
    text = json.dumps(to_document(report), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def _finding(finding: Finding) -> dict[str, Any]:
    return {**asdict(finding), "found": finding.found}


def _network(network: EndToEnd) -> dict[str, Any]:
    return {
        **asdict(network),
        "found": network.found,
        "found_in_output": network.found_in_output,
        "found_in_accuracy": network.found_in_accuracy,
    }
