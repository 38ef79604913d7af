"""Measurements of parts of the samples add up to that of all of them, whatever the parts are."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eideploy.errors import InputError
from eideploy.program import Recording, Stimulus, Trace
from eideploy.simulate import reference
from eideploy.verify import (
    Artifact,
    Hop,
    Limits,
    Measurement,
    Report,
    Verification,
    Wire,
    judge,
    measure,
    merge,
    verify,
)

SAMPLES, STEPS = 7, 5
SHAPES = {"lif1": (2, 2), "lif2": (3,), "readout": (2,)}
WIRES = (Wire("lif1", "lif2", 0), Wire("lif2", "lif2", 1), Wire("lif2", "readout", 0))


def artifact(name: str, arrays: dict[str, Any]) -> Artifact:
    recordings = {
        key: Recording(output, {"v": v} if key != "readout" else {}, offset)
        for offset, (key, (output, v)) in enumerate(arrays.items(), start=1)
    }
    return Artifact(
        name,
        Trace(recordings),
        {key: np.ones(()) for key in ("lif1", "lif2")},
        ("readout",),
        WIRES,
    )


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Artifact, Artifact]:
    """Two sides that differ in some bins, some of them ties, with readouts of all magnitudes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    before, after = {}, {}
    for name, shape in SHAPES.items():
        extents = (SAMPLES, STEPS, *shape)
        if name == "readout":
            graded = rng.normal(size=extents) * 10 ** rng.uniform(-9, 9, extents)
            other = graded * (1 + rng.choice([0, 1e-12, 1e-3], extents))
            if draw(st.booleans()):
                other[draw(st.integers(0, SAMPLES - 1)), 0] = np.nan
            before[name], after[name] = (graded, None), (other, None)
            continue
        v = rng.uniform(0, 2, extents)
        v[rng.random(extents) < draw(st.sampled_from([0, 0.05]))] = 1.0
        spikes = (v > 1).astype(np.uint8)
        flipped = spikes ^ (rng.random(extents) < draw(st.sampled_from([0, 0.02, 0.3])))
        tied = spikes ^ (rng.random(extents) < 0.5)
        flipped = np.where(v == 1, tied, flipped).astype(np.uint8)
        other = v + rng.choice([0, 1e-12, 1], extents, p=[0.9, 0.08, 0.02])
        before[name], after[name] = (spikes, v), (flipped, other)
    return artifact("before", before), artifact("after", after)


def part(side: Artifact, samples: slice) -> Artifact:
    recordings = {
        name: Recording(r.output[samples], {k: v[samples] for k, v in r.state.items()}, r.offset)
        for name, r in side.trace.recordings.items()
    }
    return replace(side, trace=Trace(recordings))


def untimed(hop: Hop) -> Hop:
    return replace(hop, seconds=0.0, run_seconds=0.0)


LABELS = np.array([0, 1, 1, 0, 1, 0, 0])
CUTS = st.lists(st.integers(1, SAMPLES - 1), unique=True).map(sorted)
WAYS = st.sampled_from(
    [
        {"relation": "exact", "state": True},
        {"relation": "exact", "state": True, "floating": True},
        {"relation": "bounded"},
    ]
)


@settings(max_examples=100)
@given(sides=pairs(), cuts=CUTS, way=WAYS, order=st.randoms(use_true_random=False))
def test_parts_add_up_to_the_whole(
    sides: tuple[Artifact, Artifact], cuts: list[int], way: dict[str, Any], order: Any
) -> None:
    before, after = sides
    edges = [0, *cuts, SAMPLES]
    slices = [slice(*edge) for edge in pairwise(edges)]
    order.shuffle(slices)
    parts = [
        measure(part(before, s), part(after, s), labels=LABELS[s], start=s.start, **way)
        for s in slices
    ]
    whole = measure(before, after, labels=LABELS, **way)
    for limits in (Limits(), Limits(100, 60)):
        assert untimed(judge(merge(parts), limits)) == untimed(judge(whole, limits))
    assert merge(parts).parting == whole.parting


def test_only_parts_of_one_comparison_are_added(hand_made: Callable[..., Artifact]) -> None:
    one, two, three = (hand_made(name) for name in ("a", "b", "c"))
    with pytest.raises(InputError, match="cannot add up a→b and a→c"):
        merge([measure(one, x, relation="exact") for x in (two, three)])
    with pytest.raises(InputError, match="different things"):
        merge([measure(one, two, relation=relation) for relation in ("exact", "bounded")])


def test_a_part_whose_shape_is_odd_spoils_the_population(
    hand_made: Callable[..., Artifact],
) -> None:
    before, after = hand_made("a"), hand_made("b")
    short = Recording(after.trace["lif2"].output[:, :3], {}, 2)
    odd = replace(after, trace=Trace({**after.trace.recordings, "lif2": short}))
    parts: list[Measurement] = [
        measure(before, side, relation="bounded") for side in (after, odd, after)
    ]
    hop = judge(merge(parts))
    assert hop.reasons == ("lif2 has shape (12, 6, 5) in a and (12, 3, 5) in b",)
    assert [p.name for p in hop.populations] == ["lif1", "readout"]


def untimed_report(report: Report) -> Report:
    return replace(report, hops=tuple(map(untimed, report.hops)))


@pytest.fixture
def climb(network: Any, rewritten: Callable[..., Any]) -> Callable[..., Verification]:
    """Verifies the small network, by default on a target that deploys it wrongly."""
    lif2 = network.integer.by_name["lif2"]
    wrong = replace(lif2, neuron=replace(lif2.neuron, threshold=np.array(4160)))

    def run(**changes: Any) -> Verification:
        arguments = {
            "model": "small",
            "stimulus": network.stimulus,
            "target": rewritten(),
            "float_program": network.floating,
            "program": network.integer,
            "deployed": network.integer.replace_population(wrong),
            "frozen": lambda shown: reference.run(network.floating, shown),
            "limits": Limits(20, 95),
        }
        return verify(**{**arguments, **changes})

    return run


@pytest.mark.parametrize(("chunk_bytes", "per_chunk"), [(1, 1), (150_000, 7)])
def test_the_report_does_not_depend_on_the_chunks(
    climb: Callable[..., Verification], chunk_bytes: int, per_chunk: int
) -> None:
    calls: list[tuple[str, int, int]] = []
    whole = climb()
    chunked = climb(chunk_bytes=chunk_bytes, progress=lambda *call: calls.append(call))
    assert whole.report.verdict == "fail"
    assert untimed_report(chunked.report) == untimed_report(whole.report)
    assert sum(call == ("rewritten", 10, 10) for call in calls) == 1
    starts = [done for name, done, _ in calls if name == "twin"]
    assert max(after - before for before, after in pairwise(starts)) == per_chunk
    for name, specimen in whole.specimens.items():
        other = chunked.specimens[name]
        assert (other.sample, other.parting) == (specimen.sample, specimen.parting)
        for key, recording in specimen.after.trace.recordings.items():
            assert np.array_equal(recording.output, other.after.trace[key].output)


def test_samples_that_depend_on_one_another_are_shown_together(
    climb: Callable[..., Verification], network: Any
) -> None:
    """A state that is never reset goes on from sample to sample, on one side alone."""
    carried = replace(network.integer.by_name["lif1"], reset_phase=None)
    deployed = network.integer.replace_population(carried)
    calls: list[tuple[str, int, int]] = []
    chunked = climb(deployed=deployed, chunk_bytes=1, progress=lambda *call: calls.append(call))
    assert untimed_report(chunked.report) == untimed_report(climb(deployed=deployed).report)
    assert calls.count(("rewritten", 0, 10)) == 1


def test_memory_does_not_grow_with_the_samples(
    climb: Callable[..., Verification], network: Any
) -> None:
    def peak(samples: int, chunk_bytes: int = 200_000) -> int:
        values = np.broadcast_to(network.stimulus.values["input"][:1], (samples, 9, 12))
        # What waits for the collector comes and goes with the version of Python.
        gc.freeze()
        tracemalloc.start()
        climb(
            stimulus=Stimulus({"input": values}),
            chunk_bytes=chunk_bytes,
            progress=lambda *_: gc.collect(),
        )
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        gc.unfreeze()
        return found

    peak(6)  # what is only loaded once
    few, many, at_once = peak(12), peak(60), peak(60, 10**9)
    # Python's own lists of free objects grow for a while too.
    assert many < 2 * few
    assert at_once > 2 * many
