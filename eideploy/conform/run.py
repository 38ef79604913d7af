"""Running the suite: every case on a target, each held against what the oracle expects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from traceback import extract_tb

import numpy as np

from eideploy import __version__
from eideploy.compile import run_passes
from eideploy.conform.case import Case
from eideploy.conform.document import decode, encode
from eideploy.conform.expected import expected as oracle
from eideploy.conform.known import KnownDifferences
from eideploy.conform.result import Conformance, Result
from eideploy.conform.silicon import CHIPS, Recorded
from eideploy.conform.surroundings import environment, options_of
from eideploy.errors import EideployError, UnsupportedError
from eideploy.jobs import Plan, run_tasks, source
from eideploy.program import Program, Recording, Trace
from eideploy.simulate.record import Progress, Record
from eideploy.targets import Target
from eideploy.verify import Artifact, Hop, compare
from eideploy.verify.table import number

Task = tuple[Case, "Trace | None"]
"""A case, and what has to come out if the oracle is not to be asked."""


def conform(
    target: Target,
    cases: Iterable[Case],
    *,
    recordings: Sequence[Recorded] = (),
    known: KnownDifferences | None = None,
    plan: Plan | None = None,
    progress: Progress | None = None,
) -> Conformance:
    """Run every case that applies to a target.

    What comes out does not depend on who does it: the results are in the order of the cases.

    Args:
        target: sure to be able to run here.
        cases: those of the other arithmetic are not run, and counted apart.
        recordings: what chips did, as further cases; those that are not here are skipped.
        known: where it is known to differ.
        plan: who does it, and where it is written down; this process and nowhere, unless given.
        progress: called with (cases done, cases in all).
    """
    every: list[Task] = [(case, None) for case in cases]
    every += [(one.case, one.trace) for one in recordings if one.case]
    asked = [task for task in every if task[0].applies_to(target.arithmetic)]
    known, plan = known or KnownDifferences(), plan or Plan()
    results: dict[int, Result] = {}
    with plan.journal((target, source(type(target).__module__), asked), encode, decode) as journal:
        done = run_tasks(
            partial(_run_task, target),
            asked,
            name=_name,
            crew=plan.crew,
            journal=journal,
            lost=_lost,
        )
        for index, result in done:
            results[index] = known.judge(result)
            if progress is not None:
                progress(len(results), len(asked))
    skipped = [
        Result(one.name, "skipped", reason=one.reason, claim=one.claim)
        for one in recordings
        if not one.case and target.arithmetic == CHIPS
    ]
    return Conformance(
        target=target.name,
        results=(*(results[index] for index in range(len(asked))), *skipped),
        options=options_of(target),
        version=__version__,
        environment=environment(),
        not_applicable=len(every) - len(asked),
    )


def run_case(target: Target, case: Case, expected: Trace | None = None) -> Result:
    """Run one case on a target and compare all that was expected, bin for bin.

    Only an `UnsupportedError` is a refusal. Whatever else is raised is an error of the target: no
    case is wrong, so none is a reason for an `InputError`.

    Args:
        target: sure to be able to run here.
        case: one that applies to it.
        expected: what has to come out; the oracle is asked unless it is given.
    """
    result = Result(case.name, "pass", claim=case.claim)
    if expected is None:
        try:
            expected = oracle(case)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the suite
            return replace(result, status="error", reason=f"the oracle failed: {_told(error)}")
    state = _compares_state(target, case)
    started = perf_counter()
    try:
        program = _program(target, case)
        asked = _asked(program, expected)
        record = Record(tuple(n for n in asked.recordings if n in program.by_name), state)
        found = target.run(program, case.stimulus, record)
        seconds = perf_counter() - started
        return replace(_judge(result, target, asked, found, state), seconds=seconds)
    except UnsupportedError as error:
        return replace(
            result,
            status="unsupported",
            reason=error.what,
            seconds=perf_counter() - started,
        )
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a target may break in any way
        return replace(
            result, status="error", reason=_told(error), seconds=perf_counter() - started
        )


def _compares_state(target: Target, case: Case) -> bool:
    return case.state and target.relation == "exact" and getattr(target, "records_state", True)


def _program(target: Target, case: Case) -> Program:
    """What the target runs: the Program of the case, or what its own pipeline makes of a graph."""
    if isinstance(case.network, Program):
        return case.network
    return run_passes(target.pipeline(case.options), case.network)


def _asked(program: Program, expected: Trace) -> Trace:
    """Of what is expected, what the target has to give: spikes and integers always.

    A graded value of a graph is asked for only where the compiler made a population of the node,
    and of an integer Program only where it says that it is in the units of the graph.
    """
    graded = {*program.by_name}
    if program.arithmetic == "integer":
        scales = program.metadata.get("output_scale", {})
        graded &= {name for name, scale in scales.items() if scale == 1}
    return Trace(
        {
            name: recording
            for name, recording in expected.recordings.items()
            if recording.output.dtype.kind != "f" or name in graded
        }
    )


def _judge(result: Result, target: Target, expected: Trace, found: Trace, state: bool) -> Result:
    """The result with its verdict; of a trace that is none, whatever Python makes of it."""
    held = {
        name: _held(recording, expected[name], name)
        for name, recording in found.recordings.items()
        if name in expected.recordings
    }
    # Without thresholds there are no ties: numbers in cases are such that floats are exact.
    hop = compare(
        Artifact("the oracle", expected, outputs=tuple(expected.recordings)),
        Artifact(target.name, Trace(held)),
        relation="exact",
        state=state,
        floating=target.arithmetic == "float",
    )
    if hop.status == "pass":
        return result
    return replace(
        result,
        status="fail",
        reason=_reason(hop),
        population=hop.suspect.name if hop.suspect else "",
        divergence=hop.suspect.first_divergence if hop.suspect else None,
    )


def _held(recording: Recording, expected: Recording, name: str) -> Recording:
    """Of a recording what is expected, and only if it is numbers."""
    state = {key: values for key, values in recording.state.items() if key in expected.state}
    for values in (recording.output, *state.values()):
        if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf":
            kind = getattr(values, "dtype", type(values).__name__)
            raise TypeError(f"{name} was recorded as {kind}, expected an array of real numbers")
    return replace(recording, state=state)


def _reason(hop: Hop) -> str:
    """Where the two sides part first, and by how much in all."""
    suspect, reasons = hop.suspect, list(hop.reasons)
    first = suspect.first_divergence if suspect else None
    if suspect and first:
        variable = "" if first.variable == "output" else f".{first.variable}"
        reasons.insert(
            0,
            f"{suspect.name}{variable}, sample {first.sample}, step {first.step}, "
            f"neuron {first.neuron}: expected {number(first.before)}, found {number(first.after)}",
        )
    return "; ".join(reasons)


def _told(error: BaseException) -> str:
    """An error in a line; of one that nobody raised on purpose, where it was raised too."""
    said = error.what if isinstance(error, EideployError) else str(error)
    line = f"{type(error).__name__}: {said}".removesuffix(": ")
    frames = extract_tb(error.__traceback__)
    if isinstance(error, EideployError) or not frames:
        return line
    return f"{line} ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"


def _name(task: Task) -> str:
    return task[0].name


def _run_task(target: Target, task: Task) -> Result:
    return run_case(target, *task)


def _lost(task: Task, why: str) -> Result:
    case, _ = task
    return Result(case.name, "error", reason=why, claim=case.claim)
