"""Comparing two artifacts: one hop."""

from __future__ import annotations

import math
from dataclasses import replace
from time import perf_counter
from typing import NamedTuple

import numpy as np

from eideploy.program import Array, Recording
from eideploy.verify.artifact import Artifact
from eideploy.verify.bins import Excuse, Tally, blocks, tally
from eideploy.verify.judge import judged
from eideploy.verify.report import (
    Accuracy,
    Divergence,
    Hop,
    Limits,
    Number,
    PopulationResult,
    Relation,
)
from eideploy.verify.ties import Ties, excuses, find_ties


class _Pair(NamedTuple):
    """One population on both sides, with θ where it is known."""

    name: str
    before: Recording
    after: Recording
    theta_before: Array | None
    theta_after: Array | None
    spiking: bool


def compare(
    before: Artifact,
    after: Artifact,
    *,
    relation: Relation,
    name: str = "",
    state: bool = False,
    labels: Array | None = None,
    limits: Limits | None = None,
    floating: bool = False,
) -> Hop:
    """Compare two artifacts that ran on the same stimulus.

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
        name: `before→after` unless given.
        state: compare state variables too.
        labels: class of each sample [sample], for the accuracy.
        limits: of a bounded hop; the defaults of `Limits` unless given.
        floating: both sides are float64 of possibly different orders of summation.
    """
    started = perf_counter()
    limits = limits or Limits()
    pairs, not_compared, reasons = _pairs(before, after)
    found: dict[str, Ties] = {}
    if relation == "exact" and floating:
        found = {
            pair.name: find_ties(pair.before, pair.after, pair.theta_before, pair.theta_after)
            for pair in pairs
            if pair.spiking
        }
    excused: dict[str, Excuse] = {}
    if any(len(ties.split) for ties in found.values()):
        samples, steps = pairs[0].before.output.shape[:2]
        excused = excuses(found, before.wires or after.wires, samples, steps)

    results = []
    for pair in pairs:
        result = _output_result(pair, relation, floating, excused.get(pair.name), limits)
        if pair.name in found:
            result = replace(result, ties=found[pair.name].count)
        if state:
            result, missing = _with_state(pair, result, floating, excused.get(pair.name))
            reasons += [f"{pair.name}.{key} was recorded on one side only" for key in missing]
        results.append(result)

    hop = Hop(
        name=name or f"{before.name}→{after.name}",
        relation=relation,
        status="pass",
        seconds=0.0,
        accuracy=Accuracy(before.accuracy(labels), after.accuracy(labels)),
        state_mismatches=sum(result.state_mismatches for result in results),
        populations=tuple(results),
        before=before.name,
        after=after.name,
        state=state,
        run_seconds=after.seconds,
        agreement=min((r.agreement for r in results if r.agreement is not None), default=None),
        limits=limits if relation == "bounded" else None,
        not_compared=tuple(not_compared),
    )
    return judged(replace(hop, seconds=perf_counter() - started), reasons)


def _pairs(before: Artifact, after: Artifact) -> tuple[list[_Pair], list[str], list[str]]:
    """Populations that both sides have, in order of depth; names that were left out; objections."""
    left, right = before.trace.recordings, after.trace.recordings
    needed = {*before.outputs, *after.outputs}
    pairs, alone, reasons = [], [], []
    for name in dict.fromkeys((*left, *right)):
        if name in left and name in right:
            if left[name].output.shape == right[name].output.shape:
                theta = before.thresholds.get(name), after.thresholds.get(name)
                spiking = before.spikes(name) or after.spikes(name)
                pairs.append(_Pair(name, left[name], right[name], *theta, spiking))
            else:
                reasons.append(
                    f"{name} has shape {left[name].output.shape} in {before.name} and "
                    f"{right[name].output.shape} in {after.name}"
                )
        else:
            alone.append(name)
            has, lacks = (before, after) if name in left else (after, before)
            if name in needed or has.spikes(name):
                reasons.append(f"{name} is missing in {lacks.name}")
    reasons += [
        f"{pair.name} holds values that are not finite in {side.name}"
        for pair in pairs
        for side, recording in ((before, pair.before), (after, pair.after))
        if not (pair.spiking or np.all(np.isfinite(recording.output)))
    ]
    reasons += [f"output {name} was not recorded" for name in sorted(needed - {*left, *right})]
    # Sorting is stable: populations of the same depth stay in the order of the first side.
    pairs.sort(key=lambda pair: max(pair.before.offset, pair.after.offset))
    return pairs, alone, reasons


def _output_result(
    pair: _Pair, relation: Relation, floating: bool, excuse: Excuse | None, limits: Limits
) -> PopulationResult:
    """Compare what a population emitted."""
    before, after = pair.before.output, pair.after.output
    spiking = pair.spiking
    count = Tally(0, 0, None)
    if relation == "exact" or spiking:
        count = tally(before, after, floating=floating and not spiking, excuse=excuse)
    agreement = None
    if spiking:
        agreement = 100 * (1 - (count.differing + count.excused) / max(1, before.size))
    spikes = [int(np.count_nonzero(side)) if spiking else 0 for side in (before, after)]
    holds = count.differing == 0
    if relation == "bounded":
        silenced = spiking and spikes.count(0) == 1
        holds = agreement is None or (agreement >= limits.agreement and not silenced)
    return PopulationResult(
        name=pair.name,
        neurons=math.prod(before.shape[2:]),
        compared_bins=before.size if relation == "exact" or spiking else 0,
        mismatched_bins=count.differing,
        spikes_before=spikes[0],
        spikes_after=spikes[1],
        first_divergence=_divergence(pair, "output", count.first),
        status="pass" if holds else "fail",
        spiking=spiking,
        silent=spiking and not any(spikes),
        agreement=agreement,
        distance=_distance(before, after, spiking) if relation == "bounded" else None,
        attributed_bins=count.excused,
        latency=pair.after.offset,
    )


def _with_state(
    pair: _Pair, result: PopulationResult, floating: bool, excuse: Excuse | None
) -> tuple[PopulationResult, list[str]]:
    """Add the comparison of state, and name the variables that only one side has."""
    before, after = pair.before.state, pair.after.state
    for variable in (name for name in before if name in after):
        count = tally(before[variable], after[variable], floating=floating, excuse=excuse)
        first = _divergence(pair, variable, count.first)
        result = replace(
            result,
            state_mismatches=result.state_mismatches + count.differing,
            first_divergence=_earlier(result.first_divergence, first),
            status="fail" if count.differing else result.status,
        )
    return result, sorted({*before} ^ {*after})


def _divergence(
    pair: _Pair, variable: str, first: tuple[int, int, int] | None
) -> Divergence | None:
    if first is None:
        return None
    step, sample, neuron = first

    def value(side: Recording, variable: str) -> Number:
        values = side.output if variable == "output" else side.state[variable]
        return _plain(values[sample, step].flat[neuron])

    margin = None
    if pair.theta_before is not None and "v" in pair.before.state:
        theta = np.broadcast_to(pair.theta_before, pair.before.output.shape[2:]).flat[neuron]
        margin = value(pair.before, "v") - _plain(theta)
    return Divergence(
        sample,
        step,
        neuron,
        _finite(value(pair.before, variable)),
        _finite(value(pair.after, variable)),
        _finite(margin),
        variable,
    )


def _plain(value: np.generic) -> Number:
    number: Number = value.item()
    return number


def _finite(value: Number | None) -> Number | None:
    return value if value is not None and math.isfinite(value) else None


def _earlier(one: Divergence | None, other: Divergence | None) -> Divergence | None:
    """The one that comes first: step, then sample, then neuron; the first named if equal."""
    found = [divergence for divergence in (one, other) if divergence]
    return min(found, key=lambda d: (d.step, d.sample, d.neuron), default=None)


def _distance(before: Array, after: Array, spiking: bool) -> float:
    """How far apart two outputs are, in a way that spike agreement does not show.

    Spikes: Σ|Δcount| / Σcount. Graded values, which may have another unit on each side: the sine
    of the angle between them. Both are 0 if one side is silent and so is the other, and 1 if it
    is not.
    """
    if spiking:
        counts = [side.sum(axis=1, dtype=np.int64) for side in (before, after)]
        total = int(counts[0].sum())
        moved = int(np.abs(counts[0] - counts[1]).sum())
        return moved / total if total else float(moved > 0)
    dot = np.zeros(3)
    for block in blocks(before.shape):
        a, b = (side[block].astype(np.float64).ravel() for side in (before, after))
        dot += a @ a, b @ b, a @ b
    if not dot[0] or not dot[1]:
        return float(dot[0] != dot[1])
    return math.sqrt(max(0.0, 1 - dot[2] ** 2 / (dot[0] * dot[1])))
