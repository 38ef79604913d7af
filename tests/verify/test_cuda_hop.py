"""The hop from the CPU to the GPU: exact, but for ties. Traces are made up: there may be no GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from eideploy.program import (
    Dense,
    LIFNeuron,
    Population,
    Program,
    Projection,
    Recording,
    Relay,
    Source,
    Stimulus,
    Trace,
)
from eideploy.simulate import reference
from eideploy.verify import Hop, Verification, verify

WIDE = 4096


@pytest.fixture(scope="module")
def program() -> Program:
    """So many neurons that a single tie in 25 steps of 10 samples is less than one in a million."""
    lif = LIFNeuron(
        current_decay=1.0, voltage_decay=0.25, gain=1.0, bias=0.0, threshold=1.0, reset_to=0.0
    )
    weights = np.random.default_rng(0).uniform(0.1, 0.9, (WIDE, 1))
    readout = np.random.default_rng(1).uniform(-1.0, 1.0, (3, WIDE))
    return Program(
        (
            Population("in", (1,), Source(0, 1, 1, 1.0)),
            Population("lif1", (WIDE,), lif, offset=1),
            Population("readout", (3,), Relay(), offset=2),
        ),
        (
            Projection("in", "lif1", Dense(weights), delay=1),
            Projection("lif1", "readout", Dense(readout), delay=1),
        ),
        "float",
        ("readout",),
    )


@pytest.fixture(scope="module")
def stimulus() -> Stimulus:
    return Stimulus({"in": np.random.default_rng(2).uniform(0.0, 1.0, (10, 25, 1))})


@pytest.fixture
def climb(
    program: Program, stimulus: Stimulus, rewritten: Callable[..., Any]
) -> Callable[..., Verification]:
    """The ladder with `frozen` on the CPU as it is, and on the GPU as a test changes it."""
    frozen = reference.run(program, stimulus)

    def run(change: Callable[[Trace], None], **options: Any) -> Verification:
        on_gpu = Trace(
            {
                name: Recording(
                    recording.output.copy(),
                    {key: values.copy() for key, values in recording.state.items()},
                )
                for name, recording in frozen.recordings.items()
            }
        )
        change(on_gpu)
        return verify(
            model="wide",
            stimulus=stimulus,
            target=rewritten(arithmetic="float"),
            float_program=program,
            program=program,
            frozen=frozen,
            frozen_cuda=on_gpu,
            **options,
        )

    return run


def hop_to_gpu(found: Verification) -> Hop:
    hop = found.report.hops[0]
    assert (hop.name, hop.relation) == ("frozen→frozen-cuda", "exact")
    return hop


def equal(on_gpu: Trace) -> None:
    """Another order of summation: as many bits as that may cost."""
    on_gpu["readout"].output[...] *= 1 + 2e-14
    on_gpu["lif1"].state["v"][...] *= 1 - 2e-14


def tie(on_gpu: Trace) -> None:
    """A neuron that meets θ within 1e-10 falls on the other side; all that follows may differ."""
    recording = on_gpu["lif1"]
    recording.output[4, 7, 11] ^= 1
    recording.state["v"][4, 7, 11] = 1 + 1e-10
    recording.output[4, 8:, 11] ^= 1
    on_gpu["readout"].output[4, 7:] += 0.5


def difference(on_gpu: Trace) -> None:
    """The same without the excuse."""
    tie(on_gpu)
    on_gpu["lif1"].state["v"][4, 7, 11] = 1.01


@pytest.mark.parametrize("chunk_bytes", [1, 10**9])
def test_another_order_of_summation_is_equal(climb: Any, chunk_bytes: int) -> None:
    found = climb(equal, chunk_bytes=chunk_bytes)
    hop = hop_to_gpu(found)
    assert (hop.status, hop.ties, hop.mismatched_bins) == ("pass", 0, 0)
    assert hop.compared_bins == 10 * 25 * (WIDE + 3)
    assert found.report.verdict == "pass"
    names = [hop.name for hop in found.report.hops]
    assert names == ["frozen→frozen-cuda", "frozen→program", "program→rewritten"]


def test_a_tie_is_forgiven_and_counted(climb: Any) -> None:
    hop = hop_to_gpu(climb(tie))
    assert (hop.status, hop.ties, hop.mismatched_bins) == ("pass", 1, 0)
    assert hop.attributed_bins == 1 + 17 + 3 * 18


def test_a_real_difference_fails_and_is_named(climb: Any) -> None:
    found = climb(difference)
    hop = hop_to_gpu(found)
    assert (hop.status, found.report.verdict) == ("fail", "fail")
    assert hop.mismatched_bins == 1 + 17 + 3 * 18
    assert hop.culprit == "lif1"
    first = hop.populations[0].first_divergence
    assert first is not None
    assert (first.sample, first.step, first.neuron) == (4, 7, 11)
    # The other hops do not depend on the GPU.
    assert [hop.status for hop in found.report.hops[1:]] == ["pass", "pass"]


def test_too_many_ties_are_not_called_exact(climb: Any) -> None:
    def change(on_gpu: Trace) -> None:
        tie(on_gpu)
        on_gpu["lif1"].state["v"][5, 3, 2] = 1 - 1e-10
        on_gpu["lif1"].output[5, 3, 2] = 0

    hop = hop_to_gpu(climb(change))
    assert (hop.status, hop.ties) == ("fail", 2)
    assert "2 of 1,024,000 spike bins are ties" in hop.reasons[0]


def test_without_a_gpu_there_is_no_such_hop(
    program: Program, stimulus: Stimulus, rewritten: Callable[..., Any]
) -> None:
    found = verify(
        model="wide",
        stimulus=stimulus.take(slice(1)),
        target=rewritten(arithmetic="float"),
        float_program=program,
        program=program,
        frozen=lambda shown: reference.run(program, shown),
    )
    assert "frozen→frozen-cuda" not in [hop.name for hop in found.report.hops]
