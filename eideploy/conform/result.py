"""What the suite says of a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from eideploy.verify.report import Divergence

Status = Literal["pass", "fail", "known", "unsupported", "error", "skipped"]
"""Outcome of a case.

`pass`: bin for bin (and state for state) what was expected. `fail`: it was not; or it was, and is
listed as a known difference. `known`: it was not, and is listed. `unsupported`: the target refused
it, in its own words. `error`: it broke. `skipped`: the case itself cannot be made here.
"""


@dataclass(frozen=True)
class Result:
    """What became of one case on one target.

    Args:
        case: its name.
        status: see `Status`.
        seconds: time that compiling and running it took.
        reason: why it is not a pass, a sentence or two.
        population: in which the first divergence is; empty without one.
        divergence: the first value that differs: `before` is expected, `after` was found.
        claim: what must hold, as the case says it.
    """

    case: str
    status: Status
    seconds: float = 0.0
    reason: str = ""
    population: str = ""
    divergence: Divergence | None = None
    claim: str = ""

    @property
    def topic(self) -> str:
        """The topic of the case."""
        return self.case.split("/", 1)[0]


@dataclass(frozen=True)
class Conformance:
    """What became of all cases on one target.

    Args:
        target: its name.
        options: of the target, by name, as text: what was run is `target(options)`.
        results: in the order of the suite.
        version: of eideploy.
        environment: versions of Python and of what computed, by name.
        not_applicable: cases of the other arithmetic, which were not run.
    """

    target: str
    results: tuple[Result, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    not_applicable: int = 0

    def count(self, status: Status) -> int:
        """How many cases ended so."""
        return sum(result.status == status for result in self.results)

    @property
    def topics(self) -> dict[str, tuple[Result, ...]]:
        """Results by topic, both in the order of the suite."""
        found: dict[str, tuple[Result, ...]] = {}
        for result in self.results:
            found[result.topic] = (*found.get(result.topic, ()), result)
        return found

    @property
    def verdict(self) -> Literal["pass", "fail", "skipped"]:
        """`pass` if something passed and nothing failed or broke."""
        if self.count("fail") or self.count("error"):
            return "fail"
        return "pass" if self.count("pass") else "skipped"
