"""A network that was changed on its way to the chip is found out, and the right place is named.

What is altered is the compiled Program that the backend gets, never the comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from eideploy.compile import CompileOptions, float_pipeline, integer_pipeline, run_passes
from eideploy.program import Program, Projection, Stimulus
from eideploy.simulate import reference
from eideploy.verify import Limits, verify

pytestmark = pytest.mark.lava

LIMITS = Limits(agreement=90)  # random weights, which quantize worse than trained ones

Mutation = Callable[[Program], Program]


def _neuron(name: str, **changes: Any) -> Mutation:
    """The same Program with other parameters of the neurons of one population."""

    def mutate(program: Program) -> Program:
        population = program.by_name[name]
        values = {key: change(getattr(population.neuron, key)) for key, change in changes.items()}
        neuron = replace(population.neuron, **values)  # type: ignore[arg-type]
        return program.replace_population(replace(population, neuron=neuron))

    return mutate


def _late_reset(program: Program) -> Program:
    return program.replace_population(replace(program.by_name["lif1"], reset_phase=1))


def _missing_delay(program: Program) -> Program:
    """The excitatory path of an explicit circuit no longer waits for the I neurons."""
    direct = next(p for p in program.into("lif2") if p.source == "lif1")
    return program.replace_projection(direct, replace(direct, delay=direct.delay - 1))


def _weights(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Mutation:
    """The same Program with other weights in the first projection into a population."""

    def mutate(program: Program) -> Program:
        old: Projection = program.into(name)[0]
        operator = replace(old.operator, weight=change(old.operator.weight))
        return program.replace_projection(old, replace(old, operator=operator))

    return mutate


def _flipped_bit(weight: np.ndarray) -> np.ndarray:
    changed = weight.copy()
    changed[3, 5] ^= 16
    return changed


MUTANTS: dict[str, tuple[str, str, Mutation]] = {
    "threshold": ("fused", "lif2", _neuron("lif2", threshold=lambda v: v + 64)),
    # v ≥ θ is v > θ − 1 in integers; `_meet` makes sure that v = θ happens.
    "at least instead of above": ("fused", "lif1", _neuron("lif1", threshold=lambda v: v - 1)),
    "late reset": ("fused", "lif1", _late_reset),
    "missing delay": ("explicit", "lif2", _missing_delay),
    "weights rounded down": ("fused", "lif2", _weights("lif2", lambda w: w - 2 * (w % 4 == 2))),
    "decay rounded to another step": (
        "fused",
        "lif2",
        _neuron("lif2", voltage_decay=lambda d: d + 1),
    ),
    "bias rounded away": ("fused", "lif1", _neuron("lif1", bias=lambda b: b + 1)),
    "flipped weight bit": ("fused", "lif1", _weights("lif1", _flipped_bit)),
}


def _meet(program: Program, stimulus: Stimulus) -> Program:
    """The same Program with a threshold that one neuron of lif1 meets exactly."""
    population = program.by_name["lif1"]
    v = reference.run(program, stimulus)["lif1"].state["v"][:, 0].reshape(stimulus.samples, -1)
    sample, neuron = np.unravel_index(np.argmax(v), v.shape)
    threshold = np.full(population.shape, population.neuron.threshold)
    threshold[neuron] = v[sample, neuron]
    return program.replace_population(
        replace(population, neuron=replace(population.neuron, threshold=threshold))
    )


@pytest.fixture(scope="module")
def lava() -> Any:
    pytest.importorskip("lava")
    from eideploy_targets.lava import LavaFixed

    return LavaFixed(timeout=120)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_change_in_the_deployed_program_is_found(mutant, lava, dense_graph, frames):
    mapping, culprit, mutate = MUTANTS[mutant]
    graph = dense_graph()
    options = CompileOptions(mapping=mapping)
    stimulus = Stimulus({"input": frames((12,), samples=40)})
    program = _meet(run_passes(integer_pipeline(options), graph), stimulus)
    report = verify(
        model="mutant",
        stimulus=stimulus,
        target=lava,
        float_program=run_passes(float_pipeline(options), graph),
        program=program,
        deployed=mutate(program),
        limits=LIMITS,
    ).report
    assert report.verdict == "fail"
    hops = {hop.name: hop for hop in report.hops}
    assert [name for name, hop in hops.items() if hop.status == "fail"] == ["quantized→lava-fixed"]
    assert hops["quantized→lava-fixed"].culprit == culprit


def test_the_unchanged_program_passes(lava, dense_graph, frames):
    for mapping in ("fused", "explicit"):
        options = CompileOptions(mapping=mapping)
        graph = dense_graph()
        report = verify(
            model="original",
            stimulus=Stimulus({"input": frames((12,), samples=40)}),
            target=lava,
            float_program=run_passes(float_pipeline(options), graph),
            program=run_passes(integer_pipeline(options), graph),
            limits=LIMITS,
        ).report
        hop = next(hop for hop in report.hops if hop.name == "quantized→lava-fixed")
        assert (hop.status, hop.state_mismatches) == ("pass", 0)
