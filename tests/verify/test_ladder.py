"""The ladder: which hops there are, and that a wrong deployment is found in the right place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from eideploy.errors import UnsupportedError
from eideploy.program import Dense, Program, Stimulus, Trace
from eideploy.simulate import reference, twin
from eideploy.simulate.record import Record
from eideploy.targets import Target
from eideploy.verify import Limits, Verification, verify

LIMITS = Limits(accuracy_drop=20, agreement=95)
"""Wide: the integers of the small network were not calibrated."""


@pytest.fixture
def climb(network: Any, rewritten: Callable[..., Any]) -> Callable[..., Verification]:
    """Verifies the small network on an integer target, or a float one."""

    def run(arithmetic: str = "integer", **changes: Any) -> Verification:
        target = changes.pop("target", rewritten(arithmetic=arithmetic))
        program = network.integer if target.arithmetic == "integer" else network.floating

        def frozen(shown: Stimulus) -> Trace:
            return rewritten(arithmetic="float").run(network.floating, shown, Record(state=True))

        arguments = {
            "model": "small",
            "stimulus": network.stimulus,
            "target": target,
            "float_program": network.floating,
            "program": program,
            "frozen": frozen,
            "limits": LIMITS,
        }
        return verify(**{**arguments, **changes})

    return run


def hops(verification: Verification) -> dict[str, str]:
    return {hop.name: hop.status for hop in verification.report.hops}


def test_the_fake_target_is_one_and_does_run_something_else(
    network: Any, rewritten: Callable[..., Any]
) -> None:
    target = rewritten()
    assert isinstance(target, Target)
    one = reference.run(network.floating, network.stimulus)
    other = target.run(network.floating, network.stimulus, Record())
    assert not np.array_equal(one["lif2"].state["v"], other["lif2"].state["v"])
    spikes = [int(one[name].output.sum()) for name in ("lif1", "lif2")]
    assert all(200 < count < 1800 for count in spikes)  # neither silent nor saturated


def test_integer_ladder_holds(climb: Callable[..., Verification], network: Any) -> None:
    verification = climb(trained=lambda shown: reference.run(network.floating, shown))
    assert hops(verification) == {
        "trained→frozen": "pass",
        "frozen→program": "pass",
        "program→quantized": "pass",
        "quantized→twin": "pass",
        "quantized→rewritten": "pass",
    }
    report = verification.report
    assert (report.model, report.target, report.verdict) == ("small", "rewritten", "pass")
    assert (report.samples, report.steps, report.silent) == (10, 9, ())
    assert [hop.relation for hop in report.hops] == [
        "bounded",
        "exact",
        "bounded",
        "exact",
        "exact",
    ]
    assert [hop.state for hop in report.hops] == [False, False, False, True, True]
    quantized = report.hops[2]
    assert 0 < quantized.mismatched_bins < 0.05 * quantized.compared_bins
    assert set(verification.seconds) == {
        "trained",
        "frozen",
        "program",
        "quantized",
        "twin",
        "rewritten",
    }
    assert list(verification.specimens) == [hop.name for hop in report.hops]
    assert verification.overview is not None
    assert verification.overview[0].name == "trained→rewritten"


def test_float_ladder_holds(climb: Callable[..., Verification]) -> None:
    verification = climb("float")
    assert hops(verification) == {"frozen→program": "pass", "program→rewritten": "pass"}
    assert verification.report.hops[-1].run_seconds > 0


def test_a_plain_graph_has_no_hops_of_training(climb: Callable[..., Verification]) -> None:
    assert next(iter(hops(climb(frozen=None)))) == "program→quantized"


def test_a_bounded_target_is_asked_for_no_equality_and_no_state(
    climb: Callable[..., Verification], rewritten: Callable[..., Any]
) -> None:
    verification = climb(target=rewritten(relation="bounded"))
    hop = verification.report.hops[-1]
    assert (hop.name, hop.relation, hop.state) == ("quantized→rewritten", "bounded", False)
    assert not verification.specimens[hop.name].after.trace["lif1"].state


def test_progress_names_what_runs(climb: Callable[..., Verification]) -> None:
    calls: list[tuple[str, int, int]] = []
    climb(progress=lambda *call: calls.append(call))
    assert list(dict.fromkeys(name for name, _, _ in calls)) == [
        "frozen",
        "program",
        "quantized",
        "twin",
        "rewritten",
    ]
    assert ("rewritten", 10, 10) in calls


def change_neuron(name: str, **changes: Any) -> Callable[[Program], Program]:
    def change(program: Program) -> Program:
        population = program.by_name[name]
        return program.replace_population(
            replace(population, neuron=replace(population.neuron, **changes))
        )

    return change


def change_reset(name: str) -> Callable[[Program], Program]:
    return lambda program: program.replace_population(replace(program.by_name[name], reset_phase=1))


def change_projection(name: str, **changes: Any) -> Callable[[Program], Program]:
    def change(program: Program) -> Program:
        (old,) = (projection for projection in program.projections if projection.name == name)
        new = {key: value(old) if callable(value) else value for key, value in changes.items()}
        return program.replace_projection(old, replace(old, **new))

    return change


def flip_bit(bit: int, *synapse: int) -> Callable[[Any], Dense]:
    def flip(projection: Any) -> Dense:
        weight = projection.operator.weight.copy()
        weight[synapse] ^= 1 << bit
        return Dense(weight)

    return flip


WRONG = [
    ("threshold", change_neuron("lif2", threshold=4160), "lif2"),
    ("reset one step late", change_reset("lif1"), "lif1"),
    ("reset of the second layer", change_reset("lif2"), "lif2"),
    ("decay", change_neuron("lif2", voltage_decay=2047), "lif2"),
    ("rounding of the gain", change_neuron("lif1", gain=231), "lif1"),
    ("rounding of the quotient", change_neuron("lif2", quotient_shift=11, gain=460), "lif2"),
    ("missing delay", change_projection("lif1→lif2.balanced", delay=2), "lif2"),
    ("weight bit", change_projection("lif1→lif2.shunt", operator=flip_bit(0, 3, 4)), "lif2"),
    ("weight bit", change_projection("input→lif1.balanced", operator=flip_bit(6, 0, 0)), "lif1"),
    ("output bit", change_projection("lif2→readout.input", operator=flip_bit(1, 2, 5)), "readout"),
]


@pytest.mark.parametrize(
    ("alter", "culprit"), [w[1:] for w in WRONG], ids=[f"{w[0]} {w[2]}" for w in WRONG]
)
def test_a_wrong_deployment_fails_the_last_hop_and_names_the_population(
    climb: Callable[..., Verification],
    network: Any,
    alter: Callable[[Program], Program],
    culprit: str,
) -> None:
    verification = climb(deployed=alter(network.integer))
    assert verification.report.verdict == "fail"
    failed = [hop for hop in verification.report.hops if hop.status == "fail"]
    assert [(hop.name, hop.culprit) for hop in failed] == [("quantized→rewritten", culprit)]


def test_at_least_in_place_of_more_than_is_found_in_a_single_bin(
    climb: Callable[..., Verification], network: Any
) -> None:
    # A threshold that the potential of one neuron meets, in the first step of the first sample.
    v = reference.run(network.integer, network.stimulus)["lif1"].state["v"][0, 0]
    theta = int(v[v > 4096].min())
    program = change_neuron("lif1", threshold=theta)(network.integer)
    at_least = change_neuron("lif1", threshold=theta - 1)(network.integer)
    limits = Limits(100, 0)
    assert climb(program=program, limits=limits).report.verdict == "pass"
    hop = climb(program=program, deployed=at_least, limits=limits).report.hops[-1]
    assert (hop.status, hop.culprit) == ("fail", "lif1")
    first = hop.populations[0].first_divergence
    assert first is not None
    assert (first.step, first.before, first.after, first.margin) == (0, 0, 1, 0)


WRONG_FLOAT = [
    (change_neuron("lif2", threshold=1.02), "lif2"),
    (change_neuron("lif1", voltage_decay=0.51), "lif1"),
    (change_reset("lif2"), "lif2"),
    (change_projection("lif1→lif2.balanced", delay=2), "lif2"),
    (
        change_projection("lif2→readout.input", operator=lambda p: Dense(p.operator.weight + 1e-6)),
        "readout",
    ),
]


@pytest.mark.parametrize(("alter", "culprit"), WRONG_FLOAT)
def test_a_wrong_float_deployment_is_named_too(
    climb: Callable[..., Verification],
    network: Any,
    alter: Callable[[Program], Program],
    culprit: str,
) -> None:
    verification = climb("float", deployed=alter(network.floating))
    failed = [hop for hop in verification.report.hops if hop.status == "fail"]
    assert [(hop.name, hop.culprit) for hop in failed] == [("program→rewritten", culprit)]


def test_a_wrong_export_is_named_one_hop_earlier(
    climb: Callable[..., Verification], network: Any
) -> None:
    wrong = change_neuron("lif1", bias=0.2)(network.floating)
    verification = climb(float_program=wrong)
    hop = next(hop for hop in verification.report.hops if hop.status == "fail")
    assert (hop.name, hop.culprit) == ("frozen→program", "lif1")


def test_a_bad_quantization_is_named_by_its_bounded_hop(
    climb: Callable[..., Verification], network: Any
) -> None:
    coarse = change_neuron("lif1", threshold=6000)(network.integer)
    assert {name for name, status in hops(climb(program=coarse)).items() if status == "fail"} == {
        "program→quantized"
    }


def test_a_wrong_twin_is_named_and_kept(
    climb: Callable[..., Verification], network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = twin.run

    def wrong(program: Program, *rest: Any, device: str | None = None) -> Trace:
        return right(change_neuron("lif2", bias=206)(program), *rest, device=device)

    monkeypatch.setattr(twin, "run", wrong)
    verification = climb()
    hop = next(hop for hop in verification.report.hops if hop.status == "fail")
    assert (hop.name, hop.culprit) == ("quantized→twin", "lif2")
    specimen = verification.specimens[hop.name]
    assert hop.suspect is not None
    assert hop.suspect.first_divergence is not None
    assert specimen.sample == hop.suspect.first_divergence.sample
    sides = (specimen.before, specimen.after)
    v = [side.trace["lif2"].state["v"] for side in sides]
    assert not np.array_equal(*v)


def test_a_second_twin_runs_where_cuda_is(
    climb: Callable[..., Verification], monkeypatch: pytest.MonkeyPatch
) -> None:
    right, devices = twin.run, []

    def anywhere(*arguments: Any, device: str | None = None) -> Trace:
        devices.append(device)
        return right(*arguments)

    monkeypatch.setattr(twin, "run", anywhere)
    monkeypatch.setattr(twin, "has_cuda", lambda: True)
    found = hops(climb())
    assert list(found)[-3:] == ["quantized→twin", "quantized→twin-cuda", "quantized→rewritten"]
    assert devices == [None, "cuda"]


def test_without_torch_the_twin_is_skipped_with_the_reason(
    climb: Callable[..., Verification], monkeypatch: pytest.MonkeyPatch
) -> None:
    import eideploy.simulate

    monkeypatch.delattr(eideploy.simulate, "twin", raising=False)
    monkeypatch.setitem(sys.modules, "eideploy.simulate.twin", None)
    report = climb().report
    hop = next(hop for hop in report.hops if hop.name == "quantized→twin")
    assert (hop.status, report.verdict) == ("skipped", "pass")
    assert "torch cannot be imported" in hop.reasons[0]


def test_what_the_twin_refuses_is_skipped_with_its_reason(
    climb: Callable[..., Verification], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, device: str | None = None) -> Trace:
        raise UnsupportedError("the twin cannot run this")

    monkeypatch.setattr(twin, "run", refuse)
    report = climb().report
    skipped = [(hop.name, hop.reasons) for hop in report.hops if hop.status == "skipped"]
    assert skipped == [("quantized→twin", ("the twin cannot run this",))]


def test_the_twin_as_a_target_is_run_once(
    climb: Callable[..., Verification], rewritten: Callable[..., Any]
) -> None:
    names = [hop.name for hop in climb(target=rewritten(name="twin")).report.hops]
    assert names == ["frozen→program", "program→quantized", "quantized→twin"]


def test_the_reference_is_not_held_against_itself(
    climb: Callable[..., Verification], rewritten: Callable[..., Any], network: Any
) -> None:
    definition = rewritten(name="reference")
    verification = climb(target=definition)
    hop = verification.report.hops[-1]
    assert (hop.name, hop.status, hop.populations) == ("quantized→reference", "skipped", ())
    assert "compared with itself" in hop.reasons[0]
    assert (verification.report.verdict, "reference" in verification.seconds) == ("pass", False)
    # Another Program in its place is evidence again.
    other = climb(target=definition, deployed=change_reset("lif1")(network.integer))
    assert (other.report.hops[-1].status, other.report.hops[-1].culprit) == ("fail", "lif1")


def test_a_quantized_network_that_fell_silent_fails(
    climb: Callable[..., Verification], network: Any
) -> None:
    silent = change_neuron("lif2", threshold=2**22)(network.integer)
    hops = {hop.name: hop for hop in climb(program=silent, limits=Limits(100, 0)).report.hops}
    hop = hops["program→quantized"]
    assert (hop.status, hop.culprit) == ("fail", "lif2")
    assert "0 times in quantized" in hop.reasons[0]
