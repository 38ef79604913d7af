"""The conformance suite: how faithfully does a backend run spiking networks?

Cases hold a small network each, a stimulus and what has to come out, which an oracle says that
shares no code with any executor.
"""

from eideploy.conform.case import Case
from eideploy.conform.known import KnownDifferences, known_differences
from eideploy.conform.result import Conformance, Result, Status
from eideploy.conform.run import conform, run_case

__all__ = [
    "Case",
    "Conformance",
    "KnownDifferences",
    "Result",
    "Status",
    "conform",
    "known_differences",
    "run_case",
]
