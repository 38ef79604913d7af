"""A backend whose arithmetic rounds wrongly is found out; dividing in another way is not wrong."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from eideploy_targets.simulated import Twin

from eideploy.compile import CompileOptions, float_pipeline, integer_pipeline, run_passes
from eideploy.program import Stimulus
from eideploy.simulate.twin import division, fixed
from eideploy.verify import Limits, verify


@pytest.fixture
def arguments(dense_graph, frames) -> dict[str, Any]:
    """Of `verify`: a small network and the Program that is right for it."""
    options, graph = CompileOptions(), dense_graph()
    return {
        "model": "rounding",
        "stimulus": Stimulus({"input": frames((12,), samples=40)}),
        "target": Twin(),
        "float_program": run_passes(float_pipeline(options), graph),
        "program": run_passes(integer_pipeline(options), graph),
        "limits": Limits(agreement=80),
    }


def test_a_decay_that_rounds_down_instead_of_toward_zero(monkeypatch, arguments):
    """Only negative potentials can tell the two roundings apart."""

    def rounds_down(state: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        return torch.div(state * keep, 4096, rounding_mode="floor")

    assert verify(**arguments).report.hops[-1].status == "pass"
    monkeypatch.setattr(fixed, "_decayed", rounds_down)
    report = verify(**arguments).report
    assert report.verdict == "fail"
    assert [hop.name for hop in report.hops if hop.status == "fail"] == ["quantized→twin"]
    assert report.hops[-1].culprit == "lif1"
    assert report.hops[-1].state_mismatches > 0


def test_division_bit_by_bit_is_as_exact(monkeypatch, arguments):
    shapes = []
    right = division.restoring_division

    def counted(*values: torch.Tensor) -> torch.Tensor:
        shapes.append(tuple(values[0].shape))
        return right(*values)

    monkeypatch.setattr(division, "restoring_division", counted)
    hop = verify(**{**arguments, "target": Twin(division="restoring")}).report.hops[-1]
    assert (hop.name, hop.status, hop.state_mismatches) == ("quantized→twin", "pass", 0)
    assert shapes
