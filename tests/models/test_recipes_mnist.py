"""Recipes for data that do not come along: they learn, and what they learn can be deployed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eideploy.cli.app import run

HOPS = ["trained→frozen", "frozen→program", "program→quantized", "quantized→twin"]


@pytest.fixture(autouse=True)
def _data(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EIDEPLOY_DATA", str(shared_data))


def trained_and_verified(
    recipe: str, folder: Path, capsys: pytest.CaptureFixture[str], *options: str
) -> float:
    """Test accuracy in % of a training whose network passes every hop to the twin."""
    assert run(["train", recipe, "-o", str(folder), "--json", *options]) == 0
    accuracy = json.loads(capsys.readouterr().out)["test_accuracy"]
    assert run(["verify", str(folder), "-t", "twin", "--json"]) == 0
    hops = json.loads(capsys.readouterr().out)["hops"]
    assert [(hop["name"], hop["status"]) for hop in hops] == [(name, "pass") for name in HOPS]
    return float(accuracy)


@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_mnist_is_learned_from_a_thousand_samples(
    reset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = ["training.epochs=2", "training.batch_size=32", "training.threads=1"]
    few = ["data.train_samples=1000", "data.test_samples=200", "limits.accuracy_drop=2.0"]
    changes = [f"--set={change}" for change in [f"neuron.reset={reset}", *short, *few]]
    assert trained_and_verified("mnist_conv", tmp_path / "run", capsys, *changes) > 70


@pytest.mark.slow
@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_nmnist_is_learned(reset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # One of 100 recordings is a point.
    options = [f"--set=neuron.reset={reset}", "--set=limits.accuracy_drop=2.0"]
    assert trained_and_verified("nmnist_conv", tmp_path / "run", capsys, *options) > 80
