"""Code that is changed is told apart from what it was."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import pytest

from eideploy.jobs import source

read = source.__wrapped__
"""Each time anew."""


def imported(monkeypatch: pytest.MonkeyPatch, **facts: object) -> None:
    module = ModuleType("backend")
    vars(module).update(facts)
    monkeypatch.setitem(sys.modules, "backend", module)


def test_a_package_is_as_it_was_until_a_file_of_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep").mkdir()
    inner = tmp_path / "deep" / "kernel.py"
    inner.write_text("DECAY = 1\n")
    (tmp_path / "__init__.py").write_text("")
    imported(monkeypatch, __path__=[str(tmp_path)])
    before = read("backend.deep.kernel")
    (tmp_path / "notes.txt").write_text("no code")
    assert read("backend") == before
    inner.write_text("DECAY = 2\n")
    changed = read("backend")
    inner.rename(tmp_path / "kernel.py")
    assert len({before, changed, read("backend")}) == 3


def test_a_module_alone_is_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "backend.py"
    file.write_text("DECAY = 1\n")
    imported(monkeypatch, __file__=str(file))
    before = read("backend")
    (tmp_path / "other.py").write_text("")
    assert read("backend") == before
    file.write_text("DECAY = 2\n")
    assert read("backend") != before


def test_what_was_typed_in_has_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    imported(monkeypatch)
    assert read("backend.any") == sha256(b"backend").hexdigest()
