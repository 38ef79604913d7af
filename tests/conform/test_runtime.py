"""Lava's own runtime on the quick subset: a process of the system for each of a few neurons."""

from __future__ import annotations

import pytest

from eideploy.conform import conform
from eideploy.conform.cases import suite
from eideploy.conform.cases.quick import QUICK
from eideploy.conform.selection import select

pytestmark = [pytest.mark.slow, pytest.mark.lava]


@pytest.mark.parametrize("name", ["LavaFixed", "LavaFloat"])
def test_the_runtime_passes_the_quick_subset(name: str) -> None:
    pytest.importorskip("lava")
    import eideploy_targets.lava as backends

    target = getattr(backends, name)(executor="runtime", timeout=600)
    found = conform(target, select(suite(), QUICK))
    assert {result.case: result.reason for result in found.results if result.status != "pass"} == {}
    assert len(found.results) >= (40 if name == "LavaFixed" else 10)
