"""The report as one HTML file that needs no network and no other file."""

from __future__ import annotations

import os
from importlib.resources import files
from typing import Any

from eideploy.files import write_text
from eideploy.page import render
from eideploy.verify.exhibit import exhibits
from eideploy.verify.ladder import Verification
from eideploy.verify.report import Hop, Report
from eideploy.verify.table import number, percent, where


def to_html(verification: Verification) -> str:
    """The page: verdict, ladder, spikes and potential of what differs, a table per hop."""
    report = verification.report
    return render(
        files(__package__).joinpath("report.html.j2").read_text("utf-8"),
        {"percent": percent, "number": number, "where": where},
        version=report.version,
        report=report,
        ladder=_tree(report),
        failed=[hop for hop in report.hops if hop.status == "fail"],
        exact=[hop for hop in report.hops if hop.relation == "exact" and hop.status != "skipped"],
        exhibits=exhibits(verification),
    )


def write_html(path: str | os.PathLike[str], verification: Verification) -> None:
    """Write the page to `path`. Raises `OutputError` if it cannot be written."""
    write_text(path, to_html(verification))


def _tree(report: Report) -> dict[str, Any]:
    """The artifacts as a tree: each with the hops that lead on from it, and where they lead."""
    onward: dict[str, list[Hop]] = {}
    for hop in report.hops:
        onward.setdefault(hop.before, []).append(hop)

    def node(name: str) -> dict[str, Any]:
        return {"name": name, "hops": [(hop, node(hop.after)) for hop in onward.get(name, ())]}

    return node(report.hops[0].before)
