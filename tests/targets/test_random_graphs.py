"""Random graphs over all nodes on every target: what runs there is what the reference says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from random_graphs import cases

from eideploy.compile import run_passes
from eideploy.errors import QuantizationError, UnsupportedError
from eideploy.simulate import reference
from eideploy.simulate.record import Record
from eideploy.targets import load_target
from eideploy.verify import Artifact, compare

FEW, MANY = 8, 300
TARGETS = [
    pytest.param("onnx", id="onnx"),
    pytest.param("onnx-fixed", id="onnx-fixed"),
    pytest.param("lava-float", id="lava-float", marks=pytest.mark.lava),
    pytest.param("lava-fixed", id="lava-fixed", marks=pytest.mark.lava),
]


def check(target: Any, data: st.DataObject) -> None:
    """One graph on one target, state included, unless quantization or the target refuses it."""
    integer = target.arithmetic == "integer"
    graph, stimulus, options = data.draw(cases(integer=integer))
    try:
        program = run_passes(target.pipeline(options), graph)
        trace = target.run(program, stimulus, Record(), None)
    except (QuantizationError, UnsupportedError):
        reject()
    definition = reference.run(program, stimulus)
    hop = compare(
        Artifact.of("reference", program, definition),
        Artifact.of(target.name, program, trace),
        relation="exact",
        state=True,
        floating=not integer,
    )
    assert hop.status == "pass", hop


def ready(name: str) -> Any:
    target = load_target(name)
    if not target.available().ok:
        pytest.skip(target.available().reason)
    return replace(target, executor="inprocess") if name.startswith("lava") else target


@pytest.mark.parametrize("name", TARGETS)
def test_a_random_graph_runs_as_the_reference_says(name):
    target = ready(name)

    @settings(max_examples=FEW, suppress_health_check=list(HealthCheck), deadline=None)
    @given(data=st.data())
    def few(data):
        check(target, data)

    few()


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_many_random_graphs_run_as_the_reference_says(name):
    target = ready(name)

    @settings(max_examples=MANY, suppress_health_check=list(HealthCheck), deadline=None)
    @given(data=st.data())
    def many(data):
        check(target, data)

    many()
