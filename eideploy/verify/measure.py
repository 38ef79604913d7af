"""Counting what differs between two artifacts. Nothing is judged here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from time import perf_counter
from typing import NamedTuple

import numpy as np

from eideploy.program import Array, Recording
from eideploy.verify.artifact import Artifact
from eideploy.verify.bins import Excuse, Tally, blocks, tally
from eideploy.verify.measurement import Measurement, PopulationMeasurement, earlier
from eideploy.verify.report import Divergence, Number, Relation
from eideploy.verify.ties import Ties, excuses, find_ties


class _Pair(NamedTuple):
    """One population on both sides, with θ where it is known."""

    name: str
    before: Recording
    after: Recording
    theta_before: Array | None
    theta_after: Array | None
    spiking: bool

    @property
    def comparable(self) -> bool:
        return self.before.output.shape == self.after.output.shape


def measure(
    before: Artifact,
    after: Artifact,
    *,
    relation: Relation,
    state: bool = False,
    labels: Array | None = None,
    floating: bool = False,
    start: int = 0,
) -> Measurement:
    """Count what differs between two artifacts that ran on the same samples.

    Args:
        before: the side that is held to be right.
        after: the other side.
        relation: what will have to hold; a bounded one asks no equality of graded values.
        state: compare state variables too.
        labels: class of each sample [sample], for the accuracy.
        floating: both sides are float64 of possibly different orders of summation.
        start: number of the first sample among all.
    """
    started = perf_counter()
    pairs, alone, missing = _pairs(before, after)
    excused: Mapping[str, Excuse] = {}
    found: Mapping[str, Ties] = {}
    if relation == "exact" and floating:
        found, excused = _ties(pairs, before, after)
    populations = []
    for pair in pairs:
        if not pair.comparable:
            populations.append(_blank(pair))
            continue
        excuse = excused.get(pair.name)
        counted = _output(pair, relation, floating, excuse, start)
        if pair.name in found:
            counted = replace(counted, ties=found[pair.name].count)
        if state:
            counted = _with_state(pair, counted, floating, excuse, start)
        populations.append(counted)
    return Measurement(
        before=before.name,
        after=after.name,
        relation=relation,
        state=state,
        samples=max((len(r.output) for r in before.trace.recordings.values()), default=0),
        correct=(before.correct(labels), after.correct(labels)),
        populations=tuple(populations),
        not_compared=tuple(alone),
        missing=tuple(missing),
        seconds=perf_counter() - started,
        run_seconds=after.seconds,
    )


def _pairs(before: Artifact, after: Artifact) -> tuple[list[_Pair], list[str], list[str]]:
    """Populations that both sides have, in order of depth; names that were left out; objections."""
    left, right = before.trace.recordings, after.trace.recordings
    needed = {*before.outputs, *after.outputs}
    pairs, alone, missing = [], [], []
    for name in dict.fromkeys((*left, *right)):
        if name in left and name in right:
            theta = before.thresholds.get(name), after.thresholds.get(name)
            spiking = before.spikes(name) or after.spikes(name)
            pairs.append(_Pair(name, left[name], right[name], *theta, spiking))
        else:
            alone.append(name)
            has, lacks = (before, after) if name in left else (after, before)
            if name in needed or has.spikes(name):
                missing.append(f"{name} is missing in {lacks.name}")
    missing += [f"output {name} was not recorded" for name in sorted(needed - {*left, *right})]
    # Sorting is stable: populations of the same depth stay in the order of the first side.
    pairs.sort(key=lambda pair: max(pair.before.offset, pair.after.offset))
    return pairs, alone, missing


def _ties(
    pairs: list[_Pair], before: Artifact, after: Artifact
) -> tuple[dict[str, Ties], dict[str, Excuse]]:
    """Ties of every spiking population, and what those in which the sides differ excuse."""
    found = {
        pair.name: find_ties(pair.before, pair.after, pair.theta_before, pair.theta_after)
        for pair in pairs
        if pair.spiking and pair.comparable
    }
    if not any(len(ties.split) for ties in found.values()):
        return found, {}
    samples, steps = next(p for p in pairs if p.comparable).before.output.shape[:2]
    return found, excuses(found, before.wires or after.wires, samples, steps)


def _blank(pair: _Pair) -> PopulationMeasurement:
    """Of a population before anything was counted."""
    return PopulationMeasurement(
        name=pair.name,
        shapes=(pair.before.output.shape, pair.after.output.shape),
        comparable=pair.comparable,
        spiking=pair.spiking,
        offsets=(pair.before.offset, pair.after.offset),
    )


def _output(
    pair: _Pair, relation: Relation, floating: bool, excuse: Excuse | None, start: int
) -> PopulationMeasurement:
    """Compare what a population emitted."""
    before, after = pair.before.output, pair.after.output
    blank, asked = _blank(pair), relation == "exact" or pair.spiking
    count = Tally(0, 0, None)
    if asked:
        count = tally(before, after, floating=floating and not pair.spiking, excuse=excuse)
    blank = replace(
        blank,
        compared=before.size if asked else 0,
        differing=count.differing,
        excused=count.excused,
        first=_divergence(pair, "output", count.first, start),
    )
    if pair.spiking:
        spikes = int(np.count_nonzero(before)), int(np.count_nonzero(after))
        moved = _moved(before, after) if relation == "bounded" else 0
        return replace(blank, spikes=spikes, moved=moved)
    finite = bool(np.isfinite(before).all()), bool(np.isfinite(after).all())
    if relation == "bounded":
        blank = replace(blank, products=_products(before, after))
    return replace(blank, finite=finite)


def _with_state(
    pair: _Pair,
    counted: PopulationMeasurement,
    floating: bool,
    excuse: Excuse | None,
    start: int,
) -> PopulationMeasurement:
    """Add the comparison of state, and name the variables that only one side has."""
    before, after = pair.before.state, pair.after.state
    for variable in (name for name in before if name in after):
        count = tally(before[variable], after[variable], floating=floating, excuse=excuse)
        counted = replace(
            counted,
            state_differing=counted.state_differing + count.differing,
            first=earlier(counted.first, _divergence(pair, variable, count.first, start)),
        )
    return replace(counted, state_missing=tuple(sorted({*before} ^ {*after})))


def _divergence(
    pair: _Pair, variable: str, first: tuple[int, int, int] | None, start: int
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
        start + sample,
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


def _moved(before: Array, after: Array) -> int:
    """Σ|Δcount| of spikes, over neurons and samples."""
    moved = 0
    for block in blocks(before.shape):
        counts = [np.count_nonzero(side[block], axis=1) for side in (before, after)]
        moved += int(np.abs(counts[0] - counts[1]).sum())
    return moved


def _products(before: Array, after: Array) -> tuple[Fraction, Fraction, Fraction]:
    """a·a, b·b and a·b, each rounded once a sample and summed over the samples without rounding."""
    sums = [Fraction(), Fraction(), Fraction()]
    for block in blocks(before.shape):
        a, b = (side[block].astype(np.float64) for side in (before, after))
        a, b = (side.reshape(len(side), -1) for side in (a, b))
        usable = np.isfinite(a) & np.isfinite(b)
        a, b = np.where(usable, a, 0), np.where(usable, b, 0)
        for index, product in enumerate((a * a, b * b, a * b)):
            sums[index] += sum(map(Fraction, product.sum(axis=1).tolist()))
    return sums[0], sums[1], sums[2]
