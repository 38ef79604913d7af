"""What is said of mutants: values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from eideploy.conform.result import Result


@dataclass(frozen=True)
class Finding:
    """What became of one mutant.

    Args:
        mutant: its name.
        kind: what its mistake is about.
        fault: the mistake, in a sentence.
        asked: number of cases it was asked.
        finders: cases that it failed, in the order in which they were asked.
        broken: cases in which it broke instead of giving a result; they do not find it.
        reason: how it failed the first of its finders.
    """

    mutant: str
    kind: str
    fault: str
    asked: int
    finders: tuple[str, ...]
    broken: tuple[str, ...] = ()
    reason: str = ""

    @property
    def found(self) -> bool:
        """Whether a case found it."""
        return bool(self.finders)


@dataclass(frozen=True)
class MutationReport:
    """What became of all mutants.

    Args:
        findings: one for each mutant.
        cases: number of cases there were to ask.
        unsound: what the unmutated twin made of the cases that it did not pass.
        all_finders: whether every case was asked, or only until one found the mutant.
        version: of eideploy.
    """

    findings: tuple[Finding, ...]
    cases: int
    unsound: tuple[Result, ...]
    all_finders: bool
    version: str

    @property
    def found(self) -> int:
        """Number of mutants that were found."""
        return sum(finding.found for finding in self.findings)

    @property
    def survivors(self) -> tuple[Finding, ...]:
        """Those that were not."""
        return tuple(finding for finding in self.findings if not finding.found)

    @property
    def score(self) -> float:
        """Mutants that were found in percent."""
        return 100 * self.found / len(self.findings) if self.findings else 0.0

    @property
    def verdict(self) -> Literal["pass", "fail"]:
        """`pass` if every mutant was found, and the twin without a mistake passes every case."""
        sound = self.findings and not self.unsound
        return "pass" if sound and not self.survivors else "fail"
