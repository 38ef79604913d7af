"""The ladder: every form of a network is run, and each is held against the one before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial

from eideploy import __version__
from eideploy.jobs import Plan
from eideploy.program import Program, Stimulus, Trace, encode
from eideploy.simulate import reference
from eideploy.simulate.record import Progress, Record
from eideploy.targets import Target
from eideploy.verify.allowance import in_all
from eideploy.verify.findings import Findings
from eideploy.verify.judge import judge
from eideploy.verify.part import Recorded, Stored, whole
from eideploy.verify.report import Accuracy, Hop, Limits, Relation, Report, Status
from eideploy.verify.rungs import Rung, Side, StageProgress, chunks
from eideploy.verify.shards import climb_in_parts
from eideploy.verify.specimen import Specimen

Show = Callable[[Stimulus], Trace]
"""What a trained network does when it is shown a stimulus; each sample for itself."""

CHUNK_BYTES = 2**28
"""About what the traces may take of the samples that are looked at together."""


@dataclass(frozen=True, eq=False)
class Verification:
    """A report and what it is about.

    Args:
        report: the verdict and its hops.
        specimens: the sample to look at of every hop that was looked at, by name of the hop.
        overview: the first form of the network against the last, and the sample to look at.
        seconds: time that each form took to run, by its name.
    """

    report: Report
    specimens: Mapping[str, Specimen]
    overview: tuple[Hop, Specimen] | None
    seconds: Mapping[str, float]


def verify(
    *,
    model: str,
    stimulus: Stimulus,
    target: Target,
    float_program: Program,
    program: Program,
    deployed: Program | None = None,
    trained: Show | Recorded | None = None,
    frozen: Show | Recorded | None = None,
    frozen_cuda: Show | Recorded | None = None,
    recorded: Show | Recorded | None = None,
    folded: bool = False,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
    chunk_bytes: int = CHUNK_BYTES,
    plan: Plan | None = None,
) -> Verification:
    """Run the ladder that leads to a target and compare every hop of it.

        trained→frozen                  bounded
        frozen→frozen-cuda              exact
        frozen→program                  exact
        recorded→program                exact
        program→TARGET                  as a float target declares
        program→quantized               bounded
        quantized→twin, →twin-cuda      exact, state too
        quantized→TARGET                as an integer target declares; if exact, state too, unless
                                        its `records_state` is False

    Where the graph was folded, `program` is called `folded` and its hop from `frozen` is bounded:
    the constant gain is an approximation, and this is where it is measured.

    A hop is not there if one of its ends is not. A twin that cannot run is a hop that is skipped,
    with the reason; the one on CUDA is there only where CUDA is. Skipped too is the last hop where
    the target is the reference: it would hold the definition against itself.

    All of them are shown some of the samples at a time, so that memory does not grow with their
    number; the report is that of all samples, whoever looked at which. A Program in which samples
    depend on one another is shown all of them at once.

    Args:
        model: name for the report.
        stimulus: what is shown to all of them; with labels, accuracy is judged too.
        target: where the network is deployed.
        float_program: the network in float64.
        program: what the target's pipeline made; for a float target `float_program` itself.
        deployed: what is handed to the target, if not `program`.
        trained: the trained torch model, or what it was recorded to do with the stimulus; it names
            populations as the Program does.
        frozen: the same with the fixed floor of its stabilizers, in float64.
        frozen_cuda: the same on a GPU, which adds in another order.
        recorded: what `float_program`, as it was compiled elsewhere, did there on the reference.
        folded: whether `float_program` comes from a graph whose divisive gains are constants.
        limits: of the bounded hops.
        progress: called while anything runs.
        chunk_bytes: about what the traces may take that a process holds at a time.
        plan: who looks at which samples, and whether it is written down; this process, unless
            given. With others, the `timeout` of a target is what each of them has in all.

    Raises:
        EideployError: what the target or the reference says, such as `TargetError`.
    """
    base = "folded" if folded else "program"
    torch = {"trained": trained, "frozen": frozen, "frozen-cuda": frozen_cuda}
    given: dict[str, Show | Recorded] = {n: side for n, side in torch.items() if side is not None}
    sides = [_given_side(name, float_program, side) for name, side in given.items()]
    sides.append(Side(base, float_program, reference.run))
    if recorded is not None:
        given["recorded"] = recorded
        sides.append(_given_side("recorded", float_program, recorded))
    rungs = _rungs_to(base, given.keys())

    last = base
    refused: dict[str, str] = {}
    floating, exact = target.arithmetic == "float", target.relation == "exact"
    if not floating:
        last = "quantized"
        sides.append(Side(last, program, reference.run))
        rungs.append(Rung(base, last, "bounded"))
        # A twin that is the target itself is run once, as the target.
        if target.name != "twin":
            twins, refused = _twins(program)
            sides += twins
            names = [*refused, *(side.name for side in twins)]
            rungs += [Rung(last, name, "exact", state=True) for name in names]

    relation: Relation = "exact" if exact else "bounded"
    state = exact and getattr(target, "records_state", True)
    rungs.append(Rung(last, target.name, relation, state=state and not floating, floating=floating))
    if target.name == "reference" and deployed is None:
        refused[target.name] = "the reference would be compared with itself"
    else:
        last = target.name
        sides.append(Side(last, deployed or program, in_all(target), state=state))

    known = {name: side for name, side in given.items() if isinstance(side, (Trace, Stored))}
    samples = whole(stimulus, known)
    for part in chunks(sides, stimulus, chunk_bytes):
        # What does not fit the inputs is refused before anything runs.
        encode(float_program, stimulus.take(part))
    overview = Rung(sides[0].name, last, "bounded")
    shown = rungs if overview in rungs or overview.before == last else [*rungs, overview]
    found = climb_in_parts(
        sides,
        tuple(shown),
        refused,
        samples,
        chunk_bytes=chunk_bytes,
        plan=plan or Plan(),
        progress=progress,
    )
    hops = {rung: _hop(rung, found, limits) for rung in rungs}
    report = Report(
        model=model,
        target=target.name,
        samples=stimulus.samples,
        steps=stimulus.steps,
        verdict=_verdict({hop.status for hop in hops.values()}),
        hops=tuple(hops.values()),
        version=__version__,
    )
    specimens = {hop.name: found.specimens[r] for r, hop in hops.items() if r in found.specimens}
    summary = None
    if overview in found.measured:
        summary = judge(found.measured[overview], limits), found.specimens[overview]
    return Verification(report, specimens, summary, found.seconds)


def _given_side(name: str, program: Program, side: Show | Recorded) -> Side:
    """A side that runs in torch, or was recorded; `program` is its counterpart."""
    if isinstance(side, (Trace, Stored)):
        return Side(name, program, None)
    # Who looks at other samples elsewhere may have no GPU.
    return Side(name, program, partial(_show, side), optional=name == "frozen-cuda")


def _rungs_to(base: str, given: Collection[str]) -> list[Rung]:
    """The rungs between the sides that were given and the float Program."""
    approximate = base == "folded"
    rungs = [
        Rung("trained", "frozen", "bounded"),
        Rung("frozen", "frozen-cuda", "exact", floating=True),
        Rung("frozen", base, "bounded" if approximate else "exact", floating=not approximate),
        Rung("recorded", base, "exact", floating=True),
    ]
    return [rung for rung in rungs if {rung.before, rung.after} <= {*given, base}]


def _show(
    show: Show, program: Program, stimulus: Stimulus, record: Record, progress: Progress | None
) -> Trace:
    return show(stimulus)


def _twins(program: Program) -> tuple[list[Side], dict[str, str]]:
    """The torch twin on the CPU and, where there is one, on CUDA; or why there is none."""
    try:
        from eideploy.simulate import twin
    except ImportError as error:
        return [], {"twin": f"torch cannot be imported: {error}"}
    twins = [Side("twin", program, twin.run, optional=True)]
    if twin.has_cuda():
        on_cuda = partial(twin.run, device="cuda")
        twins.append(Side("twin-cuda", program, on_cuda, optional=True))
    return twins, {}


def _hop(rung: Rung, found: Findings, limits: Limits | None) -> Hop:
    """The hop of a rung, skipped where its end could not be run."""
    if rung.after not in found.refused:
        return judge(found.measured[rung], limits)
    return Hop(
        name=f"{rung.before}→{rung.after}",
        relation=rung.relation,
        status="skipped",
        seconds=0.0,
        accuracy=Accuracy(),
        state_mismatches=0,
        populations=(),
        before=rung.before,
        after=rung.after,
        state=rung.state,
        reasons=(found.refused[rung.after],),
    )


def _verdict(found: set[Status]) -> Status:
    """`pass` if at least one hop holds and none fails."""
    return "fail" if "fail" in found else "pass" if "pass" in found else "skipped"
