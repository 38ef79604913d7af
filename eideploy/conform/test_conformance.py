"""The suite as tests, a test for each case: `pytest --pyargs eideploy.conform`."""

from __future__ import annotations

import pytest

from eideploy.conform.case import Case
from eideploy.conform.cases import suite
from eideploy.conform.run import run_case
from eideploy.pytest_plugin import KNOWN, TARGET


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The cases that apply to the target, or a hint where there is none."""
    target = metafunc.config.stash.get(TARGET, None)
    if target is None:
        hint = pytest.mark.skip(reason="no target is named: give --eideploy-target NAME")
        metafunc.parametrize("case", [pytest.param(None, id="no target", marks=hint)])
        return
    cases = [case for case in suite() if case.applies_to(target.arithmetic)]
    metafunc.parametrize("case", cases, ids=[case.name for case in cases])


def test_case(case: Case, pytestconfig: pytest.Config) -> None:
    """What `eideploy conform` says of the case, in words of pytest."""
    result = pytestconfig.stash[KNOWN].judge(run_case(pytestconfig.stash[TARGET], case))
    match result.status:
        case "pass":
            return
        case "known":
            pytest.xfail(result.reason)
        case "unsupported" | "skipped":
            pytest.skip(f"{result.status}: {result.reason}")
        case _:
            pytest.fail(f"{case.claim}\n{result.status}: {result.reason}", pytrace=False)
