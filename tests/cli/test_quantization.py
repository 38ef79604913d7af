"""Calibration, granularity and the report on quantization, on the command line."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from eideploy.cli.app import run
from eideploy.graph import write
from eideploy.program import load_program


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Two layers, the weights of the first with one that is far beyond the others."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 0.3, (6, 400)), rng.normal(0, 0.5, (3, 6))
    first[2, 5] = 6.0

    def lif(n: int) -> nir.LIF:
        one = np.ones(n)
        return nir.LIF(4e-3 * one, 4 * one, 0 * one, one, 0 * one)

    nodes = {
        "input": nir.Input({"input": np.array([400])}),
        "w1": nir.Linear(first),
        "lif1": lif(6),
        "w2": nir.Linear(second),
        "lif2": lif(3),
        "output": nir.Output({"output": np.array([3])}),
    }
    names = list(nodes)
    graph = nir.NIRGraph(nodes, list(pairwise(names)), metadata={"dt": 1e-3})
    write(tmp_path / "net.nir", graph)
    return tmp_path / "net.nir"


def compile_(model: Path, *arguments: str, code: int = 0) -> Path:
    output = model.with_suffix(".npz")
    assert run(["compile", str(model), "-t", "twin", "-o", str(output), *arguments]) == code
    return output


def weights(model: Path, *arguments: str) -> list[Any]:
    program = load_program(compile_(model, *arguments))
    return [projection.operator.weight for projection in program.projections]


def test_calibration_is_chosen_for_all_or_for_one(model):
    kept = weights(model, "--granularity", "projection", "--weight-bits", "4")
    assert np.sum(kept[0] != 0) < 500, "the one weight leaves nothing to the others"
    options = ("--granularity", "projection", "--weight-bits", "4", "--calibration")
    every = weights(model, *options, "percentile")
    one = weights(model, *options, "lif1=percentile")
    assert np.sum(every[0] != 0) > 1500
    np.testing.assert_array_equal(every[0], one[0])
    np.testing.assert_array_equal(kept[1], one[1])


def test_channels_have_a_threshold_each(model):
    for granularity, different in (("projection", False), ("channel", True)):
        program = load_program(compile_(model, "--granularity", granularity))
        thresholds = program.by_name["lif1"].neuron.threshold
        assert (np.ptp(thresholds) > 0) == different


def test_a_population_that_is_not_there_is_named_with_the_nearest(model, capsys):
    compile_(model, "--calibration", "lif3=error", code=2)
    assert "Did you mean 'lif" in capsys.readouterr().err
    compile_(model, "--calibration", "mean", code=2)
    assert "max, percentile, error" in capsys.readouterr().err


def test_the_report_is_a_table_for_a_person_and_json_for_a_machine(model, capsys):
    compile_(model, "--report", "--calibration", "lif1=percentile")
    table = capsys.readouterr().out
    assert "weights of 8 bits" in table
    assert "input→lif1" in table
    assert "bits to spare" in table
    assert max(map(len, table.splitlines())) <= 100
    compile_(model, "--report", "--json")
    document = json.loads(capsys.readouterr().out)
    populations = document["quantization"]["populations"]
    assert [p["name"] for p in populations] == ["lif1", "lif2"]
    assert all(w["bits"] == 8 for p in populations for w in p["weights"])
    compile_(model, "--json")
    assert json.loads(capsys.readouterr().out)["quantization"] is None


def test_a_target_of_floats_has_no_report_on_integers(model, capsys):
    output = model.with_suffix(".npz")
    assert run(["compile", str(model), "-t", "onnx", "-o", str(output), "--report"]) == 2
    assert "floating point" in capsys.readouterr().err


def test_weights_that_lose_bits_to_wide_sums_are_named(tmp_path, capsys):
    one = np.ones(20)
    nodes = {
        "input": nir.Input({"input": np.array([4000])}),
        "w": nir.Linear(np.random.default_rng(0).normal(0, 1, (20, 4000))),
        "if1": nir.IF(one, 5 * one, 0 * one),
        "output": nir.Output({"output": np.array([20])}),
    }
    graph = nir.NIRGraph(nodes, list(pairwise(nodes)), metadata={"dt": 1e-3})
    write(tmp_path / "wide.nir", graph)
    arguments = ["compile", str(tmp_path / "wide.nir"), "-o", str(tmp_path / "p.npz")]
    assert run(arguments) == 0
    assert "input→if1: its weights keep 5 of 8 bits" in capsys.readouterr().err
    graph.nodes["input"].metadata = {"levels": 1}
    write(tmp_path / "wide.nir", graph)
    assert run(arguments) == 0
    assert "weights keep" not in capsys.readouterr().err
