"""Wrong backends, and how many of them the suite finds.

A mutant is the twin with one mistake in it. If a suite passes a mutant, it would pass a backend
with that mistake; a good suite fails all of them.
"""

from eideploy.conform.mutants.edit import Edit, edited
from eideploy.conform.mutants.end_to_end import end_to_end
from eideploy.conform.mutants.faults import MUTANTS
from eideploy.conform.mutants.mutant import UNMUTATED, Mutant
from eideploy.conform.mutants.report import EndToEnd, EndToEndResult, Finding, MutationReport
from eideploy.conform.mutants.score import score

__all__ = [
    "MUTANTS",
    "UNMUTATED",
    "Edit",
    "EndToEnd",
    "EndToEndResult",
    "Finding",
    "Mutant",
    "MutationReport",
    "edited",
    "end_to_end",
    "score",
]
