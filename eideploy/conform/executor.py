"""By what a target runs the small networks of the suite."""

from __future__ import annotations

from dataclasses import is_dataclass, replace
from typing import Any

from eideploy.targets import Target

IN_ONE_PROCESS = "inprocess"


def in_one_process(target: Target) -> Target:
    """The same target with the executor `inprocess`, if it chooses one by the size of the network.

    It gives the same results, and Lava's runtime takes seconds for each of hundreds of cases.
    """
    if not is_dataclass(target) or not hasattr(target, "executor_for"):
        return target
    chooses: Any = target
    chosen: Target = replace(chooses, executor=IN_ONE_PROCESS)
    return chosen
