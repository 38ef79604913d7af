"""The ladder: every form of a network is run, and each is held against the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Protocol

from eideploy import __version__
from eideploy.errors import MissingComponentError, UnsupportedError
from eideploy.program import Program, Stimulus, Trace
from eideploy.simulate import reference
from eideploy.simulate.record import Progress, Record
from eideploy.targets import Target
from eideploy.verify.artifact import Artifact
from eideploy.verify.compare import compare
from eideploy.verify.report import Accuracy, Hop, Limits, Relation, Report, Status

StageProgress = Callable[[str, int, int], None]
"""Called with (name of the artifact that is made, samples done, samples in all)."""


class Executor(Protocol):
    """What runs a Program: the reference, the twin or a target."""

    def __call__(
        self, program: Program, stimulus: Stimulus, record: Record, progress: Progress | None
    ) -> Trace:
        """Run `program` on `stimulus`."""


@dataclass(frozen=True, eq=False)
class Verification:
    """A report and what it is about.

    Args:
        report: the verdict and its hops.
        artifacts: by name, from training to the target; a twin that agreed is left out, since it
            is what it was held against.
    """

    report: Report
    artifacts: Mapping[str, Artifact]


def verify(
    *,
    model: str,
    stimulus: Stimulus,
    target: Target,
    float_program: Program,
    program: Program,
    deployed: Program | None = None,
    trained: Trace | None = None,
    frozen: Trace | None = None,
    folded: bool = False,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> Verification:
    """Run the ladder that leads to a target and compare every hop of it.

        trained→frozen                  bounded
        frozen→program                  exact
        program→TARGET                  as a float target declares
        program→quantized               bounded
        quantized→twin, →twin-cuda      exact, state too
        quantized→TARGET                as an integer target declares; if exact, state too, unless
                                        it says that it `records_state` not

    Where the graph was folded, `program` is called `folded` and its hop from `frozen` is bounded:
    the constant gain is an approximation, and this is where it is measured.

    A hop is not there if one of its ends is not. A twin that cannot run is a hop that is skipped,
    with the reason; the one on CUDA is there only where CUDA is. Skipped too is the last hop where
    the target is the reference: it would hold the definition against itself.

    Args:
        model: name for the report.
        stimulus: what is shown to all of them; with labels, accuracy is judged too.
        target: where the network is deployed.
        float_program: the network in float64.
        program: what the target's pipeline made; for a float target `float_program` itself.
        deployed: what is handed to the target, if not `program`.
        trained: what the trained torch model did; populations are named as in the Program.
        frozen: what it did with the fixed floor of its stabilizers.
        folded: whether `float_program` comes from a graph whose divisive gains are constants.
        limits: of the bounded hops.
        progress: called while anything runs.

    Raises:
        EideployError: what the target or the reference says, such as `TargetError`.
    """
    run = partial(_run, stimulus=stimulus, progress=progress)
    hold = partial(compare, labels=stimulus.labels, limits=limits)
    artifacts = {
        name: Artifact.of(name, float_program, trace)
        for name, trace in (("trained", trained), ("frozen", frozen))
        if trace is not None
    }
    hops = []
    if trained is not None and frozen is not None:
        hops.append(hold(artifacts["trained"], artifacts["frozen"], relation="bounded"))

    name = "folded" if folded else "program"
    last = artifacts[name] = run(name, float_program, reference.run)
    if frozen is not None:
        relation: Relation = "bounded" if folded else "exact"
        hops.append(hold(artifacts["frozen"], last, relation=relation, floating=not folded))

    floating = target.arithmetic == "float"
    if not floating:
        quantized = artifacts["quantized"] = run("quantized", program, reference.run)
        hops.append(hold(last, quantized, relation="bounded"))
        last = quantized
        # A twin that is the target itself is run once, as the target.
        for hop, twin in _twins(last, program, run, hold) if target.name != "twin" else ():
            hops.append(hop)
            if twin is not None and hop.status == "fail":
                artifacts[twin.name] = twin

    if target.name == "reference" and deployed is None:
        hops.append(_skipped(last, target.name, "the reference would be compared with itself"))
    else:
        exact = target.relation == "exact"
        state = exact and getattr(target, "records_state", True)
        end = run(target.name, deployed or program, target.run, state=state)
        artifacts[end.name] = end
        hops.append(
            hold(
                last,
                end,
                relation="exact" if exact else "bounded",
                state=state and not floating,
                floating=floating,
            )
        )
    report = Report(
        model=model,
        target=target.name,
        samples=stimulus.samples,
        steps=stimulus.steps,
        verdict=_verdict({hop.status for hop in hops}),
        hops=tuple(hops),
        version=__version__,
    )
    return Verification(report, artifacts)


def _verdict(found: set[Status]) -> Status:
    """`pass` if at least one hop holds and none fails."""
    return "fail" if "fail" in found else "pass" if "pass" in found else "skipped"


def _run(
    name: str,
    program: Program,
    execute: Executor,
    *,
    stimulus: Stimulus,
    progress: StageProgress | None,
    state: bool = True,
) -> Artifact:
    started = perf_counter()
    told = partial(progress, name) if progress else None
    trace = execute(program, stimulus, Record(state=state), told)
    return Artifact.of(name, program, trace, perf_counter() - started)


def _twins(
    before: Artifact,
    program: Program,
    run: Callable[[str, Program, Executor], Artifact],
    hold: Callable[..., Hop],
) -> Iterator[tuple[Hop, Artifact | None]]:
    """The hop to the torch twin on the CPU, and to the one on CUDA where there is one."""
    try:
        from eideploy.simulate import twin
    except ImportError as error:
        yield _skipped(before, "twin", f"torch cannot be imported: {error}"), None
        return
    for name, device in (("twin", None), ("twin-cuda", "cuda")):
        try:
            after = run(name, program, partial(twin.run, device=device))
        except (MissingComponentError, UnsupportedError) as error:
            if device is None or isinstance(error, UnsupportedError):
                yield _skipped(before, name, error.what), None
            return
        yield hold(before, after, relation="exact", state=True), after


def _skipped(before: Artifact, name: str, reason: str) -> Hop:
    return Hop(
        name=f"{before.name}→{name}",
        relation="exact",
        status="skipped",
        seconds=0.0,
        accuracy=Accuracy(),
        state_mismatches=0,
        populations=(),
        before=before.name,
        after=name,
        state=True,
        reasons=(reason,),
    )
