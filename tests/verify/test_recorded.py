"""A side of the ladder may have run earlier, or elsewhere: what it did then is as good."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from eideploy.errors import InputError
from eideploy.program import Stimulus, Trace
from eideploy.simulate import reference
from eideploy.verify import Hop, Limits, Verification, verify


def climb(network: Any, target: Any, **changes: Any) -> Verification:
    arguments = {
        "model": "small",
        "stimulus": network.stimulus,
        "target": target,
        "float_program": network.floating,
        "program": network.integer,
        "limits": Limits(20, 95),
    }
    return verify(**{**arguments, **changes})


def untimed(verification: Verification) -> list[Hop]:
    return [replace(hop, seconds=0.0, run_seconds=0.0) for hop in verification.report.hops]


@pytest.mark.parametrize("chunk_bytes", [1, 150_000, 10**9])
def test_a_recorded_side_is_cut_as_the_others_are(
    network: Any, rewritten: Any, chunk_bytes: int
) -> None:
    def show(stimulus: Stimulus) -> Trace:
        return reference.run(network.floating, stimulus)

    trace = show(network.stimulus)
    run = climb(network, rewritten(), trained=show, frozen=show)
    recorded = climb(network, rewritten(), trained=trace, frozen=trace, chunk_bytes=chunk_bytes)
    assert untimed(recorded) == untimed(run)
    assert [hop.name for hop in recorded.report.hops][:2] == ["trained→frozen", "frozen→program"]


def test_what_was_recorded_is_what_is_compared(network: Any, rewritten: Any) -> None:
    trace = reference.run(network.floating, network.stimulus)
    trace["lif2"].output[7, 3, 5] ^= 1
    hop = climb(network, rewritten(), frozen=trace, chunk_bytes=1).report.hops[0]
    assert (hop.name, hop.status, hop.culprit) == ("frozen→program", "fail", "lif2")
    assert hop.populations[1].first_divergence is not None
    assert hop.populations[1].first_divergence.sample == 7


def test_other_samples_than_were_recorded_are_refused(network: Any, rewritten: Any) -> None:
    trace = reference.run(network.floating, network.stimulus.take(slice(9)))
    with pytest.raises(InputError, match="in frozen for 9 samples, 10 are shown"):
        climb(network, rewritten(), frozen=trace)
