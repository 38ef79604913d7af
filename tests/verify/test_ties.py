"""Ties: what is one, what it explains, and how many are too many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from eideploy.program import Array, Recording, Trace
from eideploy.verify import Artifact, Wire, compare
from eideploy.verify.ties import find_ties

HandMade = Callable[..., Artifact]


def tie(before: Artifact, after: Artifact, name: str, *index: int) -> None:
    """Let the two sides fall on different sides of θ = 1, each by less than the tolerance."""
    for side, v in ((before, 1 + 1e-12), (after, 1 - 1e-12)):
        side.trace[name].state["v"][index] = v
        side.trace[name].output[index] = v > 1


def of(spikes: Array, v: Array) -> Recording:
    return Recording(spikes.astype(np.uint8), {"v": v})


@pytest.mark.parametrize(
    ("theta", "margin", "count"),
    [
        (0.0, 0.99e-9, 1),
        (0.0, 1e-9, 0),  # the bound itself is not one
        (1.0, -0.99e-9, 1),
        (1.0, 1.01e-9, 0),
        (1e-3, 0.99e-9, 1),  # max(1, |θ|): small thresholds do not narrow it
        (-1000.0, 0.99e-6, 1),
        (1000.0, 1.01e-6, 0),
    ],
)
@pytest.mark.parametrize("side", [0, 1])
def test_a_bin_close_to_the_threshold_on_either_side_is_a_tie(
    theta: float, margin: float, count: int, side: int
) -> None:
    far, near = np.full((1, 2, 3), theta + 1), np.full((1, 2, 3), theta + 1)
    near[0, 1, 2] = theta + margin
    sides = [of(far > theta, far), of(near > theta, near)]
    if side:
        sides.reverse()
    found = find_ties(*sides, np.asarray(theta), np.asarray(theta))
    assert found.count == count
    assert len(found.split) == (1 if count and margin < 0 else 0)


def test_thresholds_may_be_one_per_neuron() -> None:
    v = np.tile([1.0, 2.0, 3.0], (2, 2, 1))
    theta = np.asarray([1.0, 2.5, 3.0])
    assert find_ties(of(v > theta, v), of(v > theta, v), theta, None).count == 8


def test_without_a_potential_there_are_no_ties() -> None:
    spikes = np.zeros((1, 2, 3), np.uint8)
    assert find_ties(Recording(spikes), Recording(spikes), np.asarray(0.0), None).count == 0


def test_a_tie_is_counted_and_explains_itself(hand_made: HandMade) -> None:
    before, after = hand_made(), hand_made("after")
    tie(before, after, "lif1", 2, 2, 0, 1)
    hop = compare(before, after, relation="exact", floating=True)
    assert (hop.ties, hop.attributed_bins, hop.mismatched_bins) == (1, 1, 0)
    assert hop.populations[0].status == "pass"
    assert hop.populations[0].agreement == pytest.approx(100 * (1 - 1 / 144))


DOWNSTREAM = [  # population, index, whether a tie of lif1 in sample 2, step 2, neuron 1 explains it
    ("lif1", (2, 3, 1, 2), True),
    ("lif1", (2, 2, 1, 2), False),  # another neuron in the same step
    ("lif1", (2, 1, 0, 1), False),  # earlier
    ("lif1", (1, 3, 0, 1), False),  # another sample
    ("lif2", (2, 2, 4), True),  # feed-forward acts within the step
    ("lif2", (2, 1, 4), False),
    ("lif2", (3, 5, 4), False),
    ("readout", (2, 2, 0), True),  # two populations away
    ("readout", (2, 1, 0), False),
]


@pytest.mark.parametrize(("name", "index", "explained"), DOWNSTREAM)
def test_what_is_downstream_of_a_tie_is_attributed_to_it(
    hand_made: HandMade, name: str, index: tuple[int, ...], explained: bool
) -> None:
    before, after = hand_made(), hand_made("after")
    tie(before, after, "lif1", 2, 2, 0, 1)
    after.trace[name].output[index] += 1
    hop = compare(before, after, relation="exact", floating=True)
    assert (hop.attributed_bins, hop.mismatched_bins) == ((2, 0) if explained else (1, 1))
    assert hop.culprit == (None if explained else name)


@pytest.mark.parametrize(("step", "explained"), [(2, False), (3, True)])
def test_around_a_loop_a_tie_arrives_a_step_later(
    hand_made: HandMade, step: int, explained: bool
) -> None:
    before, after = hand_made(), hand_made("after")
    loop = (*before.wires, Wire("lif2", "lif1", 1))
    tie(before, after, "lif2", 0, 2, 3)
    after.trace["lif1"].output[0, step, 1, 1] ^= 1
    hop = compare(replace(before, wires=loop), after, relation="exact", floating=True)
    assert hop.mismatched_bins == (0 if explained else 1)


def test_a_tie_in_which_both_sides_agree_explains_nothing(hand_made: HandMade) -> None:
    before, after = hand_made(), hand_made("after")
    for side in (before, after):
        side.trace["lif1"].state["v"][2, 2, 0, 1] = 1.0
    after.trace["lif2"].output[2, 4, 0] ^= 1
    hop = compare(before, after, relation="exact", floating=True)
    assert (hop.ties, hop.attributed_bins, hop.mismatched_bins) == (1, 0, 1)
    assert hop.culprit == "lif2"


def test_integers_know_no_ties(hand_made: HandMade) -> None:
    before, after = hand_made(integer=True), hand_made("after", integer=True)
    for side in (before, after):
        side.trace["lif1"].state["v"][2, 2, 0, 1] = 1
    after.trace["lif1"].output[2, 2, 0, 1] = 1  # what ≥ in place of > would do
    hop = compare(before, after, relation="exact", state=True)
    assert (hop.ties, hop.mismatched_bins, hop.culprit) == (0, 1, "lif1")


@pytest.mark.parametrize(("ties", "status"), [(0, "pass"), (1, "pass"), (2, "fail")])
def test_more_than_one_tie_in_a_million_bins_fails(ties: int, status: str) -> None:
    v = np.zeros((1000, 10, 100))
    v[np.arange(ties), 3, 7] = 1.0
    recording = of(v > 1, v)
    artifact = Artifact("a", Trace({"lif": recording}), {"lif": np.asarray(1.0)})
    hop = compare(artifact, replace(artifact, name="b"), relation="exact", floating=True)
    assert (hop.ties, hop.mismatched_bins, hop.status) == (ties, 0, status)
    if ties > 1:
        assert "2 of 1,000,000 spike bins are ties" in hop.reasons[0]
