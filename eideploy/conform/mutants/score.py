"""How many mutants the suite finds, and by which cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from eideploy import __version__
from eideploy.compile import CompileOptions, run_passes
from eideploy.conform.case import Case
from eideploy.conform.expected import expected
from eideploy.conform.mutants.mutant import UNMUTATED, Mutant
from eideploy.conform.mutants.report import Finding, MutationReport
from eideploy.conform.result import Result
from eideploy.conform.run import run_case
from eideploy.errors import UnsupportedError
from eideploy.program import Program, Trace
from eideploy.verify.rungs import StageProgress

LONG = 10_000
"""Cases of more steps take seconds, and are asked only of mutants that no other case finds."""


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

    @property
    def size(self) -> int:
        """About how long it takes: neurons that are updated, over all steps."""
        stimulus, network = self.case.stimulus, self.case.network
        assert isinstance(network, Program)
        neurons = sum(population.size for population in network.populations)
        return stimulus.samples * stimulus.steps * neurons

    def ask(self, mutant: Mutant) -> Result:
        """What a mutant makes of it."""
        return run_case(mutant, self.case, self.answer)


def question(case: Case) -> Question | None:
    """The case, if it can be asked a backend of integers.

    What the twin refuses is asked too: a backend that runs it all the same may get it wrong. Only a
    graph that cannot be compiled is left out.
    """
    if not case.applies_to(UNMUTATED.arithmetic):
        return None
    answer, ready = expected(case), case
    if not isinstance(case.network, Program):
        try:
            network = run_passes(UNMUTATED.pipeline(case.options), case.network)
        except UnsupportedError:
            return None
        # A graph has no state that all targets scale alike.
        ready = replace(case, network=network, options=CompileOptions(), state=False)
    return Question(ready, answer, run_case(UNMUTATED, ready, answer))


def score(
    mutants: Sequence[Mutant],
    cases: Sequence[Case],
    *,
    all_finders: bool = True,
    progress: StageProgress | None = None,
) -> MutationReport:
    """Hold mutants against cases.

    A mutant is found by a case that it fails, that is by a wrong result; that it breaks or refuses
    is no finding. Nothing is found by a case that the unmutated twin does not pass either.

    Args:
        mutants: wrong backends.
        cases: the suite, or some of it.
        all_finders: ask every case but the long ones, to know all that find a mutant; else only
            until one does.
        progress: called while cases are prepared and while mutants are asked.
    """
    report = progress or _silent
    asked: list[Question] = []
    findings: list[Finding] = []
    with _one_thread():
        for done, case in enumerate(cases, start=1):
            ready = question(case)
            asked += [ready] if ready else []
            report("cases", done, len(cases))
        sound = [q for q in asked if q.unmutated.status in ("pass", "unsupported")]
        for mutant in mutants:
            findings.append(_examined(mutant, _in_order(mutant, sound), all_finders))
            report("mutants", len(findings), len(mutants))
    return MutationReport(
        findings=tuple(findings),
        cases=len(asked),
        unsound=tuple(q.unmutated for q in asked if q not in sound),
        all_finders=all_finders,
        version=__version__,
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Cases are small: more threads of torch take three times the time and do nothing sooner."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _silent(stage: str, done: int, total: int) -> None:
    """Nobody wants to know how far it is."""


def _in_order(mutant: Mutant, sound: Sequence[Question]) -> list[Question]:
    """Long ones last; before, those of the mutant's topic first, and of these the small ones."""
    return sorted(sound, key=lambda q: (_is_long(q), q.case.topic != mutant.kind, q.size))


def _is_long(question: Question) -> bool:
    return question.case.stimulus.steps > LONG


def _examined(mutant: Mutant, asked: Iterable[Question], all_finders: bool) -> Finding:
    results: list[Result] = []
    found = False
    for one in asked:
        if found and (not all_finders or _is_long(one)):
            break
        results.append(one.ask(mutant))
        found |= results[-1].status == "fail"
    failed = [result for result in results if result.status == "fail"]
    return Finding(
        mutant=mutant.name,
        kind=mutant.kind,
        fault=mutant.fault,
        asked=len(results),
        finders=tuple(result.case for result in failed),
        broken=tuple(result.case for result in results if result.status == "error"),
        reason=failed[0].reason if failed else "",
    )
