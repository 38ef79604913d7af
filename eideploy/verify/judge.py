"""Whether a hop holds, why not, and where to look."""

from __future__ import annotations

from dataclasses import replace

from eideploy.verify.report import Hop, Status
from eideploy.verify.ties import PER_MILLION


def judged(hop: Hop, missing: list[str]) -> Hop:
    """The hop with its status, the reasons for it and the culprit.

    Args:
        hop: what was compared and counted.
        missing: what could not be compared though it should have been, a sentence each.
    """
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
