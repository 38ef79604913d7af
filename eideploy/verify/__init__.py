"""Holding the forms of a network against each other: traces → hops → verdict → report.

`verify` climbs the ladder from training to a target; `compare` is one hop of it. What it counts
(`measure`) adds up over parts of the samples (`merge`), and is judged in the end (`judge`).
"""

from eideploy.verify.artifact import Artifact, Wire
from eideploy.verify.compare import compare
from eideploy.verify.document import SCHEMA, from_document, to_document, write_json
from eideploy.verify.html import to_html, write_html
from eideploy.verify.judge import judge
from eideploy.verify.junit import to_junit, write_junit
from eideploy.verify.ladder import Verification, verify
from eideploy.verify.measure import measure
from eideploy.verify.measurement import Measurement, PopulationMeasurement, merge
from eideploy.verify.report import (
    Accuracy,
    Divergence,
    Hop,
    Limits,
    PopulationResult,
    Report,
)
from eideploy.verify.specimen import Specimen
from eideploy.verify.table import table

__all__ = [
    "SCHEMA",
    "Accuracy",
    "Artifact",
    "Divergence",
    "Hop",
    "Limits",
    "Measurement",
    "PopulationMeasurement",
    "PopulationResult",
    "Report",
    "Specimen",
    "Verification",
    "Wire",
    "compare",
    "from_document",
    "judge",
    "measure",
    "merge",
    "table",
    "to_document",
    "to_html",
    "to_junit",
    "verify",
    "write_html",
    "write_json",
    "write_junit",
]
