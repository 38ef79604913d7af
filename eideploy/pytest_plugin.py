"""Options of pytest for the conformance suite: which target its cases are run on.

    pytest --pyargs eideploy.conform --eideploy-target NAME

pytest imports this in every project of the environment, so nothing is imported here that takes
time, and nothing is done unless a target is named.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from eideploy.conform import KnownDifferences
    from eideploy.targets import Target

TARGET: pytest.StashKey[Target] = pytest.StashKey()
KNOWN: pytest.StashKey[KnownDifferences] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Two options, in a group of their own."""
    group = parser.getgroup("eideploy", "conformance of a backend for spiking networks")
    group.addoption(
        "--eideploy-target",
        metavar="NAME",
        help="target that `--pyargs eideploy.conform` runs its cases on, see `eideploy targets`",
    )
    group.addoption(
        "--eideploy-known",
        metavar="FILE",
        type=Path,
        help="known differences of that target, in place of those that it brings along",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the target that is named, so that a wrong name is an error of usage."""
    name, known = config.getoption("--eideploy-target"), config.getoption("--eideploy-known")
    if name is None:
        if known is not None:
            raise pytest.UsageError("--eideploy-known is of no use without --eideploy-target NAME")
        return
    from eideploy.conform import known_differences
    from eideploy.conform.cases import suite
    from eideploy.conform.executor import in_one_process
    from eideploy.conform.known import load_known
    from eideploy.conform.silicon import recorded
    from eideploy.errors import EideployError
    from eideploy.targets import load_target, require

    try:
        target = in_one_process(load_target(name))
        require(target)
        listed = load_known(known) if known else known_differences(target)
        listed.check({case.name for case in suite()} | {chip.name for chip in recorded(None)})
    except EideployError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[TARGET], config.stash[KNOWN] = target, listed
