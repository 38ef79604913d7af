"""Comparing two artifacts: one hop."""

from __future__ import annotations

from eideploy.program import Array
from eideploy.verify.artifact import Artifact
from eideploy.verify.judge import judge
from eideploy.verify.measure import measure
from eideploy.verify.report import Hop, Limits, Relation


def compare(
    before: Artifact,
    after: Artifact,
    *,
    relation: Relation,
    state: bool = False,
    labels: Array | None = None,
    limits: Limits | None = None,
    floating: bool = False,
) -> Hop:
    """Compare two artifacts that ran on the same stimulus: `measure` them, and `judge`.

    An `exact` hop holds if no output differs (and no state variable, if `state`). If `floating`,
    graded values and state are equal within 1e-9·max(1, |value|), and spikes that differ are
    forgiven where they are, or are downstream of, a tie; more than one tie in a million spike bins
    fails the hop. A `bounded` hop holds within `limits`, and asks no equality of graded values,
    which may be in different units on the two sides, but that they are finite. It fails where one
    side never spikes and the other does: a silent network agrees with a sparse one in most bins. It
    is skipped where there are neither spikes nor labels, since nothing is left to judge by.

    Either fails if an output population or a spiking population is missing on one side, or has
    another shape there; an exact hop also if nothing was compared.

    Args:
        before: the side that is held to be right.
        after: the side that is judged.
        relation: what has to hold.
        state: compare state variables too.
        labels: class of each sample [sample], for the accuracy.
        limits: of a bounded hop; the defaults of `Limits` unless given.
        floating: both sides are float64 of possibly different orders of summation.
    """
    measured = measure(
        before, after, relation=relation, state=state, labels=labels, floating=floating
    )
    return judge(measured, limits)
