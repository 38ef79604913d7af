"""Without Lava the targets can be imported and asked, and say what is missing."""

from __future__ import annotations

import multiprocessing
import sys
from collections import namedtuple

import eideploy_targets.lava.target as module
import pytest
from eideploy_targets.lava import LavaFixed, LavaFloat

from eideploy.errors import InputError, MissingComponentError
from eideploy.program import Program, Stimulus
from eideploy.simulate.record import Record
from eideploy.targets import Target, load_target

Version = namedtuple("Version", "major minor micro")


@pytest.mark.parametrize(
    ("target", "arithmetic"), [(LavaFloat(), "float"), (LavaFixed(), "integer")]
)
def test_both_are_found_by_name(target: Target, arithmetic: str) -> None:
    assert load_target(target.name) == target
    assert (target.arithmetic, target.relation) == (arithmetic, "exact")


@pytest.mark.parametrize("version", [Version(3, 9, 1), Version(3, 11, 0), Version(3, 13, 2)])
def test_another_python_is_named(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    availability = LavaFloat().available()
    assert not availability.ok
    assert availability.reason.endswith(f"this is 3.{version.minor}")
    assert "pip install 'eideploy[lava]'" in availability.remedy


@pytest.mark.parametrize("found", [None, ModuleNotFoundError("No module named 'lava'")])
def test_missing_lava_is_named(
    found: Exception | None,
    monkeypatch: pytest.MonkeyPatch,
    program: Program,
    stimulus: Stimulus,
) -> None:
    def find_spec(name: str) -> None:
        if found:
            raise found

    monkeypatch.setattr(sys, "version_info", Version(3, 10, 0))
    monkeypatch.setattr(module, "find_spec", find_spec)
    assert LavaFixed().available().reason == "lava-nc is not installed"
    with pytest.raises(MissingComponentError, match="lava-fixed: lava-nc is not installed"):
        LavaFixed().run(program, stimulus, Record())


def test_options_are_checked() -> None:
    with pytest.raises(InputError, match="lava-fixed: chunk is 0"):
        LavaFixed(chunk=0)
    with pytest.raises(InputError, match="lava-float: timeout is -1 s"):
        LavaFloat(timeout=-1)


@pytest.mark.lava
def test_lava_that_cannot_be_imported_is_named(
    monkeypatch: pytest.MonkeyPatch, program: Program, stimulus: Stimulus
) -> None:
    pytest.importorskip("lava")
    name = "lava.magma.runtime.message_infrastructure.multiprocessing"
    monkeypatch.setitem(sys.modules, name, None)
    before = multiprocessing.get_start_method(allow_none=True)
    with pytest.raises(MissingComponentError, match="lava-fixed: Lava cannot be imported"):
        LavaFixed().run(program, stimulus, Record())
    assert multiprocessing.get_start_method(allow_none=True) == before
