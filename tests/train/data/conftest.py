"""A folder of data sets that a test fills."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EIDEPLOY_DATA", str(tmp_path))
    return tmp_path
