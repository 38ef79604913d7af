"""`--executor`: Lava's runtime or its models in this process, and which of them it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from eideploy.cli.app import run
from eideploy.graph import write
from eideploy.program import load_trace

pytestmark = pytest.mark.lava
pytest.importorskip("lava")


@pytest.fixture
def given(tmp_path: Path, dense_graph, frames) -> list[str]:
    """A model, and what to show it."""
    model, shown = tmp_path / "model.nir", tmp_path / "shown.npy"
    write(model, dense_graph())
    np.save(shown, frames((12,)))
    return [str(model), "--stimulus", str(shown)]


def test_both_executors_run_the_same_and_say_so(given, tmp_path, capsys):
    traces = []
    for executor in ("runtime", "inprocess"):
        path = tmp_path / f"{executor}.npz"
        assert run(["run", *given, "-o", str(path), "--executor", executor]) == 0
        assert f"lava-fixed: executor {executor}" in capsys.readouterr().err
        traces.append(load_trace(path))
    for name, recording in traces[0].recordings.items():
        assert np.array_equal(recording.output, traces[1][name].output)


def test_verify_leaves_the_choice_to_the_target(given, capsys):
    run(["verify", *given, "--executor", "auto", "--json"])
    captured = capsys.readouterr()
    assert "lava-fixed: executor runtime" in captured.err
    hops = {hop["name"]: hop["status"] for hop in json.loads(captured.out)["hops"]}
    assert hops["quantized→lava-fixed"] == "pass"


def test_an_unknown_executor_is_refused(given, capsys):
    assert run(["verify", *given, "--executor", "threads"]) == 2
    assert "executor is 'threads'" in capsys.readouterr().err
