"""Lava's models without its runtime: how a run is chosen, watched and ended."""

from __future__ import annotations

import signal
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from eideploy_targets.lava import LavaFixed, LavaFloat

from eideploy.errors import InputError, TargetError
from eideploy.program import (
    Dense,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Source,
    Stimulus,
)
from eideploy.simulate import reference
from eideploy.simulate.record import Record

pytestmark = pytest.mark.lava
pytest.importorskip("lava")

HERE = LavaFixed(executor="inprocess")


def many(stimulus: Stimulus, times: int) -> Stimulus:
    return Stimulus({"input": np.tile(stimulus.values["input"], (times, 1, 1))})


@pytest.mark.parametrize("options", [{"executor": "threads"}, {"synapses": "sparse"}])
def test_an_unknown_choice_is_refused_by_name(options: dict[str, str]) -> None:
    (option,) = options
    with pytest.raises(InputError, match=f"lava-float: {option} is") as refusal:
        LavaFloat(**options)  # type: ignore[arg-type]
    assert {"executor": "inprocess", "synapses": "stock"}[option] in refusal.value.remedy


def test_auto_leaves_large_networks_to_this_process(program: Program) -> None:
    assert LavaFixed().executor_for(program) == "runtime"
    loop = program.projections[-1]
    larger = replace(program, projections=(*program.projections, *[loop] * 6))
    assert LavaFixed().executor_for(larger) == "inprocess"
    assert LavaFixed(executor="runtime").executor_for(larger) == "runtime"
    assert LavaFixed(executor="inprocess").executor_for(program) == "inprocess"


def test_nested_loops_do_not_wait_for_each_other(program: Program, stimulus: Stimulus) -> None:
    """Whatever is run first in them has to wait for something."""
    back = replace(program.projections[0], source="out", target="hidden", delay=1)
    weight = np.random.default_rng(3).integers(-9, 20, (4, 2)) * 2
    back = replace(back, operator=type(back.operator)(weight))
    self_loop = replace(program.projections[1], source="hidden", target="hidden")
    self_loop = replace(self_loop, operator=type(back.operator)(np.ones((4, 4), int)))
    reversed_order = replace(
        program,
        populations=program.populations[::-1],
        projections=(self_loop, back, *program.projections[::-1]),
    )
    expected = reference.run(reversed_order, stimulus)
    trace = HERE.run(reversed_order, stimulus, Record())
    for name, recording in expected.recordings.items():
        assert np.array_equal(trace[name].output, recording.output)
        assert np.array_equal(trace[name].state["v"], recording.state["v"])


def test_a_failing_process_model_is_quoted(
    program: Program, stimulus: Stimulus, monkeypatch: pytest.MonkeyPatch
) -> None:
    HERE.run(program, stimulus.take(slice(0, 1)), Record())
    from eideploy_targets.lava.processes.ei.neuron import PyEINeuronFixedModel

    def fail(self: Any, *arrived: Any) -> None:
        raise ValueError("no such number")

    monkeypatch.setattr(PyEINeuronFixedModel, "integrate", fail)
    with pytest.raises(TargetError, match="'hidden' failed: ValueError: no such number"):
        HERE.run(program, stimulus, Record())


def test_a_process_model_that_cannot_be_built_is_quoted(
    program: Program, stimulus: Stimulus, monkeypatch: pytest.MonkeyPatch
) -> None:
    HERE.run(program, stimulus.take(slice(0, 1)), Record())
    from eideploy_targets.lava.processes.ei.neuron import PyEINeuronFixedModel

    def fail(self: Any, parameters: Any) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(PyEINeuronFixedModel, "__init__", fail)
    with pytest.raises(TargetError, match="no room"):
        HERE.run(program, stimulus, Record())


def test_a_run_that_takes_too_long_is_given_up(program: Program, stimulus: Stimulus) -> None:
    with pytest.raises(TargetError, match=r"within 0\.5 s .* of 12000 samples done"):
        replace(HERE, timeout=0.5).run(program, many(stimulus, 1000), Record())


def test_a_run_is_given_up_even_if_each_step_ends_a_sample(
    program: Program, stimulus: Stimulus
) -> None:
    short = Stimulus({name: values[:, :1] for name, values in stimulus.values.items()})
    with pytest.raises(TargetError, match=r"within 0\.5 s .* samples done"):
        replace(HERE, timeout=0.5).run(program, many(short, 3000), Record())


def test_ctrl_c_ends_a_run(program: Program, stimulus: Stimulus) -> None:
    def interrupt(done: int, total: int) -> None:
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        HERE.run(program, many(stimulus, 1000), Record(), interrupt)


def test_memory_does_not_grow_with_the_samples() -> None:
    """Beyond what is recorded, and without the stimulus, which is there already."""
    program = Program(
        (
            Population("input", (5000,), Source()),
            Population("out", (2,), LIFNeuronFixed(4095, 1024, 0, 0, threshold=20), offset=1),
        ),
        (Projection("input", "out", Dense(np.ones((2, 5000), int)), delay=1, sign="excitatory"),),
        "integer",
        ("out",),
    )

    def peak(samples: int) -> int:
        stimulus = Stimulus({"input": np.zeros((samples, 2, 5000))})
        tracemalloc.start()
        try:
            HERE.run(program, stimulus, Record())
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(2)  # what is only loaded once
    assert peak(50) < peak(2) + 100_000  # a sample has 80,000 bytes
