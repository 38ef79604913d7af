"""The conformance suite: how faithfully does a backend run spiking networks?

Cases hold a small network each, a stimulus and what has to come out, which an oracle says that
shares no code with any executor.
"""

from eideploy.conform.case import Case
from eideploy.conform.result import Conformance, Result, Status

__all__ = ["Case", "Conformance", "Result", "Status"]
