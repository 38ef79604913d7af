"""How many mutants the suite finds, and by which cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from eideploy import __version__
from eideploy.compile import CompileOptions, integer_pipeline, run_passes
from eideploy.conform.case import Case
from eideploy.conform.expected import expected
from eideploy.conform.mutants.mutant import Mutant
from eideploy.conform.mutants.report import Finding, MutationReport
from eideploy.conform.result import Result
from eideploy.conform.run import run_case
from eideploy.errors import UnsupportedError
from eideploy.program import Program, Trace
from eideploy.simulate.record import Progress

UNMUTATED = Mutant("twin", "none", "No mistake: the twin as it is.")
"""What mutants are variations of, and what every case must pass."""


@dataclass(frozen=True, eq=False)
class Question:
    """A case that is ready to be asked again and again.

    Args:
        case: its graph, if it had one, is compiled already.
        answer: what has to come out.
        unmutated: what the twin makes of it.
    """

    case: Case
    answer: Trace
    unmutated: Result

    def ask(self, mutant: Mutant) -> Result:
        """What a mutant makes of it."""
        return run_case(mutant, self.case, self.answer)


def questions(cases: Iterable[Case]) -> Iterator[Question]:
    """The cases that a backend of integers can be asked.

    What the twin refuses is asked too: a backend that runs it all the same may get it wrong. Only a
    graph that cannot be compiled is left out.
    """
    for case in cases:
        if not case.applies_to("integer"):
            continue
        answer = expected(case)
        ready = case
        if not isinstance(case.network, Program):
            try:
                passes = integer_pipeline(case.options)
                network = run_passes(passes, case.network)
            except UnsupportedError:
                continue
            # A graph has no state that all targets scale alike.
            ready = replace(case, network=network, options=CompileOptions(), state=False)
        yield Question(ready, answer, run_case(UNMUTATED, ready, answer))


def score(
    mutants: Sequence[Mutant],
    cases: Iterable[Case],
    *,
    all_finders: bool = True,
    progress: Progress | None = None,
) -> MutationReport:
    """Hold mutants against cases.

    A mutant is found by a case that it fails, that is by a wrong result; that it breaks or refuses
    is no finding. Nothing is found by a case that the unmutated twin does not pass either.

    Args:
        mutants: wrong backends.
        cases: the suite, or some of it.
        all_finders: ask every case, to know all that find a mutant; else only until one does.
        progress: called with (mutants done, mutants in all).
    """
    asked = tuple(questions(cases))
    sound = [q for q in asked if q.unmutated.status in ("pass", "unsupported")]
    findings = []
    for mutant in mutants:
        findings.append(_examine(mutant, _in_order(mutant, sound), all_finders))
        if progress is not None:
            progress(len(findings), len(mutants))
    return MutationReport(
        findings=tuple(findings),
        cases=len(asked),
        unsound=tuple(q.unmutated for q in asked if q not in sound),
        all_finders=all_finders,
        version=__version__,
    )


def _in_order(mutant: Mutant, sound: Sequence[Question]) -> list[Question]:
    """Those of the mutant's topic first, and of these the quick ones."""
    return sorted(sound, key=lambda q: (q.case.topic != mutant.kind, q.unmutated.seconds))


def _examine(mutant: Mutant, asked: Iterable[Question], all_finders: bool) -> Finding:
    results = []
    for question in asked:
        results.append(question.ask(mutant))
        if results[-1].status == "fail" and not all_finders:
            break
    return Finding(
        mutant=mutant.name,
        kind=mutant.kind,
        fault=mutant.fault,
        asked=len(results),
        finders=tuple(r.case for r in results if r.status == "fail"),
        broken=tuple(r.case for r in results if r.status == "error"),
        reason=next((r.reason for r in results if r.status == "fail"), ""),
    )
