"""`eideploy train --finetune`: from the command line to a run, and what is wrong with a command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eideploy.cli.app import run as cli

SMALL = ("--set", "model.hidden=[32, 16]", "--set", "steps=4", "--set", "training.epochs=1")


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parent") / "run"
    assert cli(["train", "digits_mlp", "-o", str(folder), "--accelerator", "cpu", *SMALL]) == 0
    return folder


def test_fine_tuned_for_a_target_and_verified_there(
    parent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    options = ["--finetune", str(parent), "--quantize", "twin", "--weight-bits", "5"]
    assert cli(["train", *options, "--set", "training.epochs=1", "-o", str(folder)]) == 0
    said = capsys.readouterr()
    assert "digits_mlp_5bit: test accuracy" in said.out
    assert f"eideploy verify {folder} --target twin" in said.err
    assert cli(["verify", str(folder), "-t", "twin", "-n", "20", "--json"]) in (0, 1)
    hops = {hop["name"]: hop for hop in json.loads(capsys.readouterr().out)["hops"]}
    assert hops["quantized→twin"]["status"] == "pass"
    assert cli(["inspect", str(folder), "--json"]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "neither a recipe nor a run"),
        ("--quantize lava-fixed", "--quantize trains a finished run further"),
        ("digits_mlp --quantize lava-fixed", "--quantize trains a finished run further"),
        ("digits_mlp --weight-bits 4", "say how a run is fine-tuned"),
        ("--finetune RUN", "does not say for what"),
        ("digits_mlp --finetune RUN --quantize twin", "asked to train by digits_mlp and to"),
        ("--finetune RUN --quantize twins", "there is no target 'twins'"),
        ("--finetune RUN --quantize lava-float", "nothing to train through"),
        ("--finetune RUN --quantize twin -o RUN", "would be overwritten"),
        ("--finetune nowhere --quantize twin", "is not a directory"),
        ("--finetune RUN --quantize twin --set steps=0", "steps"),
    ],
)
def test_a_command_that_is_wrong_says_so(
    parent: Path, options: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert cli(["train", *options.replace("RUN", str(parent)).split()]) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_twin_with_batch_norm_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    twin = ("--set", "model.inhibition=false")
    assert cli(["train", "digits_mlp", "-o", str(folder), *SMALL, *twin]) == 0
    assert cli(["train", "--finetune", str(folder), "--quantize", "twin"]) == 2
    assert "has no E-I circuits" in " ".join(capsys.readouterr().err.split())


def test_an_unfinished_training_is_no_run_yet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "checkpoint").mkdir()
    assert cli(["train", "--finetune", str(tmp_path), "--quantize", "twin"]) == 2
    assert "not finished" in capsys.readouterr().err
