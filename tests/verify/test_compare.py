"""One hop: what counts as a difference, where it is found first, and what decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eideploy.errors import InputError
from eideploy.program import Recording, Trace
from eideploy.verify import Artifact, Divergence, Hop, Limits, PopulationResult, bins, compare

HandMade = Callable[..., Artifact]

BINS = 4 * 6 * (6 + 5 + 2)


def population(hop: Hop, name: str) -> PopulationResult:
    return next(result for result in hop.populations if result.name == name)


def without(artifact: Artifact, name: str) -> Artifact:
    recordings = {key: r for key, r in artifact.trace.recordings.items() if key != name}
    return replace(artifact, trace=Trace(recordings))


def with_recording(artifact: Artifact, name: str, recording: Recording) -> Artifact:
    return replace(artifact, trace=Trace({**artifact.trace.recordings, name: recording}))


def test_equal_artifacts_hold_and_every_bin_is_counted(hand_made: HandMade) -> None:
    hop = compare(hand_made("a", integer=True), hand_made("b", integer=True), relation="exact")
    assert (hop.name, hop.status, hop.culprit, hop.reasons) == ("a→b", "pass", None, ())
    assert (hop.compared_bins, hop.mismatched_bins) == (BINS, 0)
    lif1 = population(hop, "lif1")
    assert (lif1.neurons, lif1.spikes_before, lif1.spikes_after, lif1.latency) == (6, 4, 4, 1)
    assert hop.run_seconds == 2.0


def test_one_flipped_spike_is_found_with_its_margin(hand_made: HandMade) -> None:
    before, after = hand_made(integer=True), hand_made("after", integer=True)
    after.trace["lif2"].output[2, 4, 3] = 1
    hop = compare(before, after, relation="exact")
    assert (hop.status, hop.culprit, hop.mismatched_bins) == ("fail", "lif2", 1)
    assert hop.reasons == (f"1 of {BINS} bins differ",)
    lif2 = population(hop, "lif2")
    assert lif2.first_divergence == Divergence(2, 4, 3, before=0, after=1, margin=-1)
    assert [p.status for p in hop.populations] == ["pass", "fail", "pass"]


def test_first_divergence_is_by_step_then_sample_then_neuron_in_c_order(
    hand_made: HandMade,
) -> None:
    before, after = hand_made(integer=True), hand_made("after", integer=True)
    for sample, step, neuron in ((0, 5, (0, 0)), (3, 2, (0, 1)), (1, 2, (1, 2)), (1, 2, (1, 0))):
        after.trace["lif1"].output[(sample, step, *neuron)] ^= 1
    first = population(compare(before, after, relation="exact"), "lif1").first_divergence
    assert first is not None
    assert (first.sample, first.step, first.neuron) == (1, 2, 3)


def test_culprit_parts_first_even_if_another_differs_more(hand_made: HandMade) -> None:
    before, after = hand_made(integer=True), hand_made("after", integer=True)
    after.trace["lif2"].output[:, 3:] ^= 1
    after.trace["lif1"].output[3, 2, 0, 0] ^= 1
    assert compare(before, after, relation="exact").culprit == "lif1"


def test_in_the_same_step_the_culprit_is_the_one_that_is_less_deep(hand_made: HandMade) -> None:
    def backwards(artifact: Artifact) -> Artifact:
        recordings = dict(reversed(artifact.trace.recordings.items()))
        return replace(artifact, trace=Trace(recordings))

    before, after = hand_made(integer=True), hand_made("after", integer=True)
    after.trace["lif2"].output[0, 2, 0] ^= 1
    after.trace["lif1"].output[1, 2, 0, 0] ^= 1
    hop = compare(backwards(before), backwards(after), relation="exact")
    assert [p.name for p in hop.populations] == ["lif1", "lif2", "readout"]
    assert hop.culprit == "lif1"


def test_state_differs_before_the_spikes_do(hand_made: HandMade) -> None:
    before, after = hand_made(integer=True), hand_made("after", integer=True)
    after.trace["lif1"].state["v"][1, 0, 1, 2] = 5
    after.trace["lif2"].output[1, 3, 0] = 1
    hop = compare(before, after, relation="exact", state=True)
    assert (hop.status, hop.culprit, hop.state_mismatches) == ("fail", "lif1", 1)
    assert population(hop, "lif1").first_divergence == Divergence(1, 0, 5, 0, 5, -1, variable="v")
    assert population(hop, "lif1").mismatched_bins == 0
    assert compare(before, after, relation="exact").culprit == "lif2"


def test_state_that_one_side_lacks_fails(hand_made: HandMade) -> None:
    before, after = hand_made(integer=True), hand_made("after", integer=True)
    bare = with_recording(after, "lif2", Recording(after.trace["lif2"].output, {}, 2))
    hop = compare(before, bare, relation="exact", state=True)
    assert hop.status == "fail"
    assert hop.reasons == ("lif2.v was recorded on one side only",)


@pytest.mark.parametrize(("error", "status"), [(6e-9, "pass"), (8e-9, "fail")])
def test_graded_floats_are_equal_within_a_relative_tolerance(
    hand_made: HandMade, error: float, status: str
) -> None:
    before, after = hand_made(), hand_made("after")
    after.trace["readout"].output[3, 5, 1] += error  # the value is 7
    assert compare(before, after, relation="exact", floating=True).status == status


def test_graded_floats_are_equal_bit_for_bit_unless_floating(hand_made: HandMade) -> None:
    before, after = hand_made(), hand_made("after")
    after.trace["readout"].output[3, 5, 1] += 1e-12
    assert compare(before, after, relation="exact").culprit == "readout"


def test_nan_equals_nothing(hand_made: HandMade) -> None:
    before, after = hand_made(), hand_made("after")
    for side in (before, after):
        side.trace["readout"].output[0, 0, 0] = np.nan
        side.trace["readout"].output[0, 0, 1] = np.inf
    hop = compare(before, after, relation="exact", floating=True)
    assert hop.mismatched_bins == 1
    first = population(hop, "readout").first_divergence
    assert first is not None
    assert (first.neuron, first.before, first.after) == (0, None, None)


def test_spikes_may_be_of_another_dtype(hand_made: HandMade) -> None:
    before, after = hand_made(), hand_made("after")
    spikes = before.trace["lif1"].output.astype(np.float64)
    torch_side = with_recording(before, "lif1", Recording(spikes, {}, 0))
    hop = compare(torch_side, after, relation="exact", floating=True)
    assert hop.status == "pass"
    assert population(hop, "lif1").spikes_before == 4


def test_spikes_of_another_dtype_that_are_missing_fail_too(hand_made: HandMade) -> None:
    before, after = hand_made("frozen"), without(hand_made("program"), "lif1")
    spikes = before.trace["lif1"].output.astype(np.float64)
    hop = compare(
        with_recording(before, "lif1", Recording(spikes, {}, 0)), after, relation="bounded"
    )
    assert hop.reasons == ("lif1 is missing in program",)


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("name", ["lif1", "readout"])
def test_a_spiking_population_or_an_output_must_be_on_both_sides(
    hand_made: HandMade, name: str, side: str
) -> None:
    artifacts = {key: hand_made(key) for key in ("before", "after")}
    artifacts[side] = without(artifacts[side], name)
    hop = compare(artifacts["before"], artifacts["after"], relation="bounded")
    assert hop.status == "fail"
    assert hop.reasons == (f"{name} is missing in {side}",)
    assert hop.not_compared == (name,)


def test_an_output_that_nobody_recorded_fails(hand_made: HandMade) -> None:
    before, after = (without(hand_made(name), "readout") for name in ("before", "after"))
    hop = compare(before, after, relation="exact")
    assert hop.reasons == ("output readout was not recorded",)


def test_a_relay_may_be_on_one_side_only_and_is_named(hand_made: HandMade) -> None:
    before, after = hand_made("before"), hand_made("after")
    relay = Recording(np.zeros((4, 6, 2)), {}, 1)
    hop = compare(before, with_recording(after, "lif1.inhibitory", relay), relation="bounded")
    assert hop.status == "pass"
    assert hop.not_compared == ("lif1.inhibitory",)


def test_another_shape_fails_and_says_which(hand_made: HandMade) -> None:
    before, after = hand_made("before"), hand_made("after")
    short = Recording(after.trace["lif2"].output[:, :5], {}, 2)
    hop = compare(before, with_recording(after, "lif2", short), relation="exact")
    assert hop.reasons == ("lif2 has shape (4, 6, 5) in before and (4, 5, 5) in after",)


def test_agreement_of_the_worst_population_decides(hand_made: HandMade) -> None:
    before, after = hand_made(), hand_made("after")
    after.trace["lif1"].output[0, 0, 0, :2] ^= 1  # 2 of 144
    after.trace["lif2"].output[0, 5, :3] ^= 1  # 3 of 120
    hop = compare(before, after, relation="bounded", limits=Limits(agreement=98))
    assert hop.agreement == pytest.approx(100 * (1 - 3 / 120))
    assert population(hop, "lif1").agreement == pytest.approx(100 * (1 - 2 / 144))
    assert (hop.status, hop.culprit) == ("fail", "lif2")
    assert hop.reasons == ("lif2 agrees in 97.50 % of its bins, at least 98 % is asked",)
    assert compare(before, after, relation="bounded", limits=Limits(agreement=97.5)).status == (
        "pass"
    )


@pytest.mark.parametrize(("allowed", "status"), [(25.0, "pass"), (24.9, "fail")])
def test_accuracy_may_drop_as_far_as_the_limit(
    hand_made: HandMade, allowed: float, status: str
) -> None:
    before, after = hand_made(), hand_made("after")
    after.trace["readout"].output[2, :, 0] += 6  # sample 2 is now class 0
    labels = np.asarray([1, 1, 1, 0])
    limits = Limits(accuracy_drop=allowed)
    hop = compare(before, after, relation="bounded", labels=labels, limits=limits)
    assert (hop.accuracy.before, hop.accuracy.after) == (75.0, 50.0)
    assert hop.status == status


def test_spike_counts_are_class_scores_where_the_output_spikes(hand_made: HandMade) -> None:
    artifact = replace(hand_made(), outputs=("lif2",))
    artifact.trace["lif2"].output[0, 2:4, 4] = 1
    assert artifact.accuracy(np.asarray([4, 0, 0, 1])) == 75.0
    with pytest.raises(InputError, match="4 samples, the stimulus 2 labels"):
        artifact.accuracy(np.asarray([0, 0]))


def test_graded_values_of_another_unit_are_apart_by_their_angle(hand_made: HandMade) -> None:
    before, after = hand_made(), hand_made("after", integer=True)
    after.trace["readout"].output[:] *= 64
    result = population(compare(before, after, relation="bounded"), "readout")
    assert result.distance == pytest.approx(0, abs=1e-7)
    assert (result.compared_bins, result.mismatched_bins, result.first_divergence) == (0, 0, None)
    after.trace["readout"].output[:] = [-7, 2]  # at a right angle to [2, 7]
    result = population(compare(before, after, relation="bounded"), "readout")
    assert result.distance == pytest.approx(1)


def test_distance_of_spikes_does_not_see_a_shift_in_time(hand_made: HandMade) -> None:
    before, after = hand_made(), hand_made("after")
    after.trace["lif1"].output[:] = np.roll(before.trace["lif1"].output, 1, axis=1)
    after.trace["lif2"].output[0] = 0
    hop = compare(before, after, relation="bounded")
    assert population(hop, "lif1").distance == 0
    assert population(hop, "lif1").mismatched_bins == 8
    assert population(hop, "lif2").distance == 0.25


def test_a_population_that_never_spikes_is_silent(hand_made: HandMade) -> None:
    before, after = hand_made(), hand_made("after")
    for side in (before, after):
        side.trace["lif2"].output[:] = 0
    silent = [p.name for p in compare(before, after, relation="exact").populations if p.silent]
    assert silent == ["lif2"]


@pytest.mark.parametrize(
    "limits", [{"agreement": 101}, {"accuracy_drop": -1}, {"agreement": float("nan")}]
)
def test_limits_are_percentages(limits: dict[str, float]) -> None:
    with pytest.raises(InputError, match=f"limit {next(iter(limits))}"):
        Limits(**limits)


@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3)),
    changes=st.lists(st.tuples(*[st.integers(0, 11)] * 4), max_size=6),
    since=st.lists(st.integers(0, 4), min_size=5, max_size=5),
    excused=st.lists(st.tuples(*[st.integers(0, 11)] * 3), max_size=3),
    size=st.integers(1, 40),
)
def test_tally_is_what_a_loop_over_all_bins_counts(
    shape: tuple[int, ...],
    changes: list[tuple[int, ...]],
    since: list[int],
    excused: list[tuple[int, int, int]],
    size: int,
) -> None:
    before = np.zeros(shape, np.uint8)
    after = before.copy()
    for change in changes:
        after[tuple(i % n for i, n in zip(change, shape, strict=True))] ^= 1
    flat = (shape[0], shape[1], shape[2] * shape[3])
    rows = {tuple(i % n for i, n in zip(bin, flat, strict=True)) for bin in excused}
    excuse = bins.Excuse(
        np.asarray(since[: shape[0]]), np.asarray(sorted(rows), np.int64).reshape(-1, 3)
    )
    left, forgiven = [], 0
    for sample, step, neuron in np.ndindex(flat):
        if before.reshape(flat)[sample, step, neuron] != after.reshape(flat)[sample, step, neuron]:
            if step >= since[sample] or (sample, step, neuron) in rows:
                forgiven += 1
            else:
                left.append((step, sample, neuron))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bins, "BLOCK_BINS", size)
        found = bins.tally(before, after, floating=False, excuse=excuse)
    assert found == bins.Tally(len(left), forgiven, min(left, default=None))


def test_a_bounded_hop_without_spikes_and_labels_proves_nothing(
    hand_made: Callable[..., Artifact],
) -> None:
    before, after = (_only_readout(hand_made(name)) for name in ("before", "after"))
    hop = compare(before, after, relation="bounded")
    assert (hop.status, hop.compared_bins) == ("skipped", 0)
    assert "nothing to compare" in hop.reasons[0]
    assert compare(before, after, relation="bounded", labels=np.ones(4, int)).status == "pass"
    assert compare(before, after, relation="exact").status == "pass"


def test_an_exact_hop_that_compares_nothing_fails(hand_made: Callable[..., Artifact]) -> None:
    empty = Artifact("empty", Trace({}))
    hop = compare(empty, empty, relation="exact")
    assert (hop.status, hop.reasons[0][:23]) == ("fail", "there is nothing to com")


def test_graded_values_that_are_not_finite_fail_a_bounded_hop(
    hand_made: Callable[..., Artifact],
) -> None:
    before, after = hand_made(), hand_made("after")
    after.trace["readout"].output[2, 3, 1] = np.nan
    hop = compare(before, after, relation="bounded")
    assert (hop.status, hop.reasons) == (
        "fail",
        ("readout holds values that are not finite in after",),
    )


def _only_readout(artifact: Artifact) -> Artifact:
    trace = Trace({"readout": artifact.trace["readout"]})
    return Artifact(artifact.name, trace, {}, artifact.outputs)
