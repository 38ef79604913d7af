"""By what a target runs the suite."""

from __future__ import annotations

from dataclasses import dataclass

from eideploy_targets.lava import LavaFixed
from eideploy_targets.simulated import Twin

from eideploy.conform.executor import in_one_process


def test_a_target_that_chooses_by_size_runs_the_suite_in_one_process():
    target = LavaFixed(timeout=5)
    assert target.executor == "auto"
    assert in_one_process(target) == LavaFixed(timeout=5, executor="inprocess")


def test_other_targets_stay_what_they_are():
    @dataclass(frozen=True)
    class Other(Twin):
        executor: str = "gpu"

    for target in (Twin(), Other()):
        assert in_one_process(target) is target
