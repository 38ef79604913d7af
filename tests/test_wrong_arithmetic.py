"""A backend whose arithmetic rounds wrongly is found out, though its Program is the right one."""

from __future__ import annotations

import torch
from eideploy_targets.simulated import Twin

from eideploy.compile import CompileOptions, float_pipeline, integer_pipeline, run_passes
from eideploy.program import Stimulus
from eideploy.simulate.twin import fixed
from eideploy.verify import Limits, verify


def test_a_decay_that_rounds_down_instead_of_toward_zero(monkeypatch, dense_graph, frames):
    """Only negative potentials can tell the two roundings apart."""

    def rounds_down(state: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        return torch.div(state * keep, 4096, rounding_mode="floor")

    options, graph = CompileOptions(), dense_graph()
    arguments = {
        "model": "rounding",
        "stimulus": Stimulus({"input": frames((12,), samples=40)}),
        "target": Twin(),
        "float_program": run_passes(float_pipeline(options), graph),
        "program": run_passes(integer_pipeline(options), graph),
        "limits": Limits(agreement=80),
    }
    assert verify(**arguments).report.hops[-1].status == "pass"
    monkeypatch.setattr(fixed, "_decayed", rounds_down)
    report = verify(**arguments).report
    assert report.verdict == "fail"
    assert [hop.name for hop in report.hops if hop.status == "fail"] == ["quantized→twin"]
    assert report.hops[-1].culprit == "lif1"
    assert report.hops[-1].state_mismatches > 0
