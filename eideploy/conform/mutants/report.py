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
class EndToEndResult:
    """What became of one mutant on a trained network.

    Args:
        mutant: its name.
        status: of the hop from the integer Program to the mutant, as in `verify`: exact, state too;
            `error` if the mutant broke, `unsupported` if it refused the network.
        bins: outputs of neurons that differ.
        accuracy: of the mutant in percent; None without labels or a result.
    """

    mutant: str
    status: Literal["pass", "fail", "error", "unsupported"]
    bins: int = 0
    accuracy: float | None = None


@dataclass(frozen=True)
class EndToEnd:
    """What became of all mutants on a trained network.

    Args:
        network: its name.
        samples: how many were shown.
        steps: of each.
        accuracy: of the network in integers, in percent; None without labels.
        results: one for each mutant.
    """

    network: str
    samples: int
    steps: int
    accuracy: float | None
    results: tuple[EndToEndResult, ...]

    @property
    def found(self) -> int:
        """Mutants that `verify` finds: some spike, graded value or state is another."""
        return sum(result.status == "fail" for result in self.results)

    @property
    def found_in_output(self) -> int:
        """Mutants that a comparison of what neurons emit finds."""
        return sum(result.bins > 0 for result in self.results)

    @property
    def found_in_accuracy(self) -> int:
        """Mutants whose accuracy is another, by however little."""
        return sum(self.moves(result) for result in self.results)

    def moves(self, result: EndToEndResult) -> bool:
        """Whether a mutant has another accuracy than the network."""
        return result.accuracy is not None and result.accuracy != self.accuracy


@dataclass(frozen=True)
class MutationReport:
    """What became of all mutants.

    Args:
        findings: one for each mutant.
        cases: number of cases there were to ask.
        unsound: what the unmutated twin made of the cases that it did not pass.
        all_finders: whether every case was asked, or only until one found the mutant.
        version: of eideploy.
        networks: the same mutants on trained networks.
    """

    findings: tuple[Finding, ...]
    cases: int
    unsound: tuple[Result, ...]
    all_finders: bool
    version: str
    networks: tuple[EndToEnd, ...] = ()

    @property
    def found(self) -> int:
        """Number of mutants that were found."""
        return sum(finding.found for finding in self.findings)

    @property
    def survivors(self) -> tuple[Finding, ...]:
        """Those that were not."""
        return tuple(finding for finding in self.findings if not finding.found)

    @property
    def kinds(self) -> dict[str, tuple[Finding, ...]]:
        """Findings by what the mistake is about, in the order in which they come up."""
        kinds: dict[str, list[Finding]] = {}
        for finding in self.findings:
            kinds.setdefault(finding.kind, []).append(finding)
        return {kind: tuple(findings) for kind, findings in kinds.items()}

    @property
    def score(self) -> float:
        """Mutants that were found in percent."""
        return 100 * self.found / len(self.findings) if self.findings else 0.0

    @property
    def verdict(self) -> Literal["pass", "fail"]:
        """`pass` if every mutant was found, and the twin without a mistake passes every case."""
        sound = self.findings and not self.unsound
        return "pass" if sound and not self.survivors else "fail"
