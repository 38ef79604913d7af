"""Whether a hop holds, why not, and where to look."""

from __future__ import annotations

import math
from dataclasses import replace

from eideploy.verify.measurement import Measurement, PopulationMeasurement
from eideploy.verify.report import Accuracy, Hop, Limits, PopulationResult, Status
from eideploy.verify.ties import PER_MILLION


def judge(measured: Measurement, limits: Limits | None = None) -> Hop:
    """The hop with its status, the reasons for it and the culprit.

    Args:
        measured: what was counted, over all samples.
        limits: of a bounded hop; the defaults of `Limits` unless given.
    """
    limits = limits or Limits()
    results = tuple(_result(p, measured, limits) for p in measured.populations if p.comparable)
    hop = Hop(
        name=f"{measured.before}→{measured.after}",
        relation=measured.relation,
        status="pass",
        seconds=measured.seconds,
        accuracy=Accuracy(*(_percent(count, measured.samples) for count in measured.correct)),
        state_mismatches=sum(result.state_mismatches for result in results),
        populations=results,
        before=measured.before,
        after=measured.after,
        state=measured.state,
        run_seconds=measured.run_seconds,
        agreement=min((r.agreement for r in results if r.agreement is not None), default=None),
        limits=limits if measured.relation == "bounded" else None,
        not_compared=measured.not_compared,
    )
    missing = _missing(measured)
    reasons = [*missing, *_objections(hop)]
    status: Status = "fail" if reasons else "pass"
    if not hop.compared_bins and (hop.relation == "exact" or hop.accuracy.after is None):
        reasons.append("there is nothing to compare: no spikes, and no labels to judge by")
        status = "fail" if missing or hop.relation == "exact" else "skipped"
    return replace(
        hop,
        status=status,
        reasons=tuple(reasons),
        culprit=_culprit(hop) if status == "fail" else None,
    )


def _percent(count: int | None, samples: int) -> float | None:
    return None if count is None else 100 * (count / samples)


def _result(
    counted: PopulationMeasurement, measured: Measurement, limits: Limits
) -> PopulationResult:
    """One population alone: whether it holds, and shares in place of counts."""
    spiking, relation = counted.spiking, measured.relation
    agreement = None
    if spiking:
        differing = counted.differing + counted.excused
        agreement = 100 * (1 - differing / max(1, math.prod(counted.shapes[0])))
    holds = counted.differing == 0 and counted.state_differing == 0
    if relation == "bounded":
        silenced = spiking and counted.spikes.count(0) == 1
        holds = agreement is None or (agreement >= limits.agreement and not silenced)
    return PopulationResult(
        name=counted.name,
        neurons=math.prod(counted.shapes[0][2:]),
        compared_bins=counted.compared,
        mismatched_bins=counted.differing,
        spikes_before=counted.spikes[0],
        spikes_after=counted.spikes[1],
        first_divergence=counted.first,
        status="pass" if holds else "fail",
        spiking=spiking,
        silent=spiking and not any(counted.spikes),
        state_mismatches=counted.state_differing,
        agreement=agreement,
        distance=_distance(counted) if relation == "bounded" else None,
        ties=counted.ties,
        attributed_bins=counted.excused,
        latency=counted.offsets[1],
    )


def _distance(counted: PopulationMeasurement) -> float:
    """How far apart two outputs are, in a way that spike agreement does not show.

    Spikes: Σ|Δcount| / Σcount. Graded values, which may have another unit on each side: the sine
    of the angle between them. Both are 0 if one side is silent and so is the other, and 1 if it
    is not.
    """
    if counted.spiking:
        total = counted.spikes[0]
        return counted.moved / total if total else float(counted.moved > 0)
    aa, bb, ab = counted.products
    if not aa or not bb:
        return float(bool(aa) != bool(bb))
    return math.sqrt(max(0.0, float(1 - ab**2 / (aa * bb))))


def _missing(measured: Measurement) -> list[str]:
    """What could not be compared though it should have been, a sentence each."""
    before, after = measured.before, measured.after
    reasons = list(measured.missing)
    for population in measured.populations:
        name, (one, other) = population.name, population.shapes
        if not population.comparable:
            reasons.append(f"{name} has shape {one} in {before} and {other} in {after}")
        reasons += [
            f"{name} holds values that are not finite in {side}"
            for side, finite in zip((before, after), population.finite, strict=True)
            if not finite
        ]
        reasons += [
            f"{name}.{key} was recorded on one side only" for key in population.state_missing
        ]
    return reasons


def _objections(hop: Hop) -> list[str]:
    """Why a hop does not hold, apart from what is missing."""
    reasons = []
    if hop.relation == "exact":
        if hop.mismatched_bins:
            reasons.append(f"{hop.mismatched_bins:,} of {hop.compared_bins:,} bins differ")
        if hop.state_mismatches:
            reasons.append(f"{hop.state_mismatches:,} state values differ")
        bins = sum(p.compared_bins for p in hop.populations if p.spiking)
        if hop.ties * 1_000_000 > bins * PER_MILLION:
            reasons.append(
                f"{hop.ties:,} of {bins:,} spike bins are ties, more than {PER_MILLION} in a "
                "million: too many to call this exact"
            )
        return reasons
    assert hop.limits is not None
    reasons += [
        f"{p.name} agrees in {p.agreement:.2f} % of its bins, at least "
        f"{hop.limits.agreement:g} % is asked"
        for p in hop.populations
        if p.agreement is not None and p.agreement < hop.limits.agreement
    ]
    reasons += [
        f"{p.name} spikes {p.spikes_before:,} times in {hop.before}, {p.spikes_after:,} times in "
        f"{hop.after}"
        for p in hop.populations
        if p.spiking and [p.spikes_before, p.spikes_after].count(0) == 1
    ]
    accuracy = hop.accuracy
    if accuracy.before is not None and accuracy.after is not None:
        drop = accuracy.before - accuracy.after
        if drop > hop.limits.accuracy_drop + 1e-9:  # 96.5 − 96.0 is not quite 0.5 in binary
            reasons.append(
                f"accuracy drops by {drop:.2f} points, at most "
                f"{hop.limits.accuracy_drop:g} is allowed"
            )
    return reasons


def _culprit(hop: Hop) -> str | None:
    """Where the two sides part first: the earliest step, and in it the least deep population.

    What is upstream parts no later than what it makes part downstream. On a bounded hop only
    populations beyond the limit count.
    """
    parted = [
        (p.first_divergence.step, depth, p.name)
        for depth, p in enumerate(hop.populations)
        if p.first_divergence and p.status == "fail"
    ]
    return min(parted)[2] if parted else None
