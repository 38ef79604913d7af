"""The same mutants against a trained network: what does a check from end to end find alone?"""

from __future__ import annotations

from collections.abc import Sequence

from eideploy.conform.mutants.mutant import UNMUTATED, Mutant
from eideploy.conform.mutants.report import EndToEnd, EndToEndResult
from eideploy.errors import InputError, UnsupportedError
from eideploy.program import Program, Stimulus
from eideploy.simulate.record import Progress, Record
from eideploy.verify import Artifact, compare


def end_to_end(
    mutants: Sequence[Mutant],
    network: str,
    program: Program,
    stimulus: Stimulus,
    progress: Progress | None = None,
) -> EndToEnd:
    """Run every mutant on a network and compare all of it with what is right, as `verify` does.

    Args:
        mutants: wrong backends.
        network: its name.
        program: the network in integers.
        stimulus: what it is shown, with labels.
        progress: called with (mutants done, mutants in all).

    Raises:
        InputError: the network is not one of integers.
    """
    if program.arithmetic != "integer":
        raise InputError(f"{network} is in floating point; mutants are backends of integers")
    right = _run(UNMUTATED, program, stimulus)
    results = []
    for mutant in mutants:
        results.append(_result(mutant, right, program, stimulus))
        if progress is not None:
            progress(len(results), len(mutants))
    return EndToEnd(
        network=network,
        samples=stimulus.samples,
        steps=stimulus.steps,
        accuracy=right.accuracy(stimulus.labels),
        results=tuple(results),
    )


def _run(target: Mutant, program: Program, stimulus: Stimulus) -> Artifact:
    return Artifact.of(target.name, program, target.run(program, stimulus, Record()))


def _result(
    mutant: Mutant, right: Artifact, program: Program, stimulus: Stimulus
) -> EndToEndResult:
    try:
        found = _run(mutant, program, stimulus)
        hop = compare(right, found, relation="exact", state=True, labels=stimulus.labels)
    except UnsupportedError:
        return EndToEndResult(mutant.name, "unsupported")
    except Exception:  # noqa: BLE001 - a wrong backend may break in any way
        return EndToEndResult(mutant.name, "error")
    return EndToEndResult(
        mutant=mutant.name,
        status="fail" if hop.status == "fail" else "pass",
        bins=hop.mismatched_bins,
        accuracy=hop.accuracy.after,
    )
