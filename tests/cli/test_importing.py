"""The verbs `import-checkpoint` and `freeze`, from a checkpoint to the proof."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from eideploy.cli.app import run
from eideploy.train import load_run


def checkpoint(path: Path, sizes: tuple[int, ...] = (64, 24, 16, 10)) -> Path:
    """A small MLP on digits, named as the paper's code names its tensors."""
    draw = torch.Generator().manual_seed(3)

    def exponential(*shape: int) -> torch.Tensor:
        return torch.empty(shape).exponential_(1.0, generator=draw)

    tensors = {}
    for layer, (n_in, n_e) in enumerate(pairwise(sizes)):
        drive, norm, n_i = f"layers.{2 + 5 * layer}", f"layers.{3 + 5 * layer}", n_e // 4
        tensors |= {
            f"{drive}.weight_ee": exponential(n_e, n_in) / n_in,
            f"{drive}.weight_ie": exponential(n_i, n_in) / n_in,
            f"{norm}.weight_ei": torch.full((n_e, n_i), 1 / n_i),
            f"{norm}.gain_i": torch.full((1, n_i), 0.3),
            f"{norm}.gain_e": torch.ones(1, n_e),
            f"{norm}.bias": torch.full((1, n_e), 0.3),
        }
    state = np.random.get_state()  # noqa: NPY002 - it is the legacy one that is saved
    torch.save({"model_state_dict": tensors, "config": {"T": 4}, "np_rng_state": state}, path)
    return path


def call(*arguments: object) -> int:
    return run([str(argument) for argument in arguments])


def test_from_a_checkpoint_to_the_proof(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, folder = checkpoint(tmp_path / "ckpt.pth"), tmp_path / "run"
    assert call("import-checkpoint", file, "-o", folder, "--data", "digits", "--reset", "zero") == 0
    said = capsys.readouterr()
    assert re.search(r"digits_mlp_imported: test accuracy \d+\.\d\d %", said.out)
    assert "assumed: neurons are those of the paper" in said.err
    assert load_run(folder).recipe.neuron.reset == "zero"
    assert call("verify", folder, "--target", "reference", "-n", 10, "--json") == 0
    hops = json.loads(capsys.readouterr().out)["hops"]
    first = [(hop["name"], hop["status"]) for hop in hops[:2]]
    assert first == [("trained→frozen", "pass"), ("frozen→program", "pass")]
    assert hops[1]["populations"][0]["spikes_before"] > 0


def test_frozen_later(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, folder = checkpoint(tmp_path / "ckpt.pth"), tmp_path / "run"
    arguments = ["import-checkpoint", file, "-o", folder, "--data", "digits", "--no-freeze"]
    assert call(*arguments, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "eideploy.import-checkpoint/1"
    assert (told["frozen"], told["steps"], told["data"]) == (False, 4, "digits")
    assert told["model"]["hidden"] == [24, 16]
    assert len(told["assumed"]) == 1
    assert call("export", folder, "-o", tmp_path / "early.nir") == 2
    assert f"eideploy freeze {folder}" in capsys.readouterr().err
    assert call("freeze", folder, "--json") == 0
    floors = json.loads(capsys.readouterr().out)["floors"]
    assert floors == load_run(folder).floors
    assert set(floors) == {"ei1", "ei2"}
    assert call("freeze", folder) == 0
    assert "as it is deployed" in capsys.readouterr().out
    assert call("export", folder, "-o", tmp_path / "model.nir") == 0


@pytest.mark.parametrize(
    ("change", "fragments"),
    [
        (lambda f: f.unlink(), ["ckpt.pth cannot be read"]),
        (lambda f: f.write_bytes(f.read_bytes()[:300]), ["is no checkpoint, or it is damaged"]),
        (lambda f: torch.save(torch.nn.Linear(2, 2), f), ["is refused", "Linear", "state_dict()"]),
        (lambda f: torch.save({"fc.weight": torch.ones(2)}, f), ["no E-I network", "fc.weight"]),
        (lambda f: checkpoint(f, (63, 24, 10)), ["does not fit data of shape [1, 8, 8]"]),
    ],
)
def test_a_bad_file_ends_with_2_and_leaves_nothing(change, fragments, tmp_path, capsys) -> None:
    file = checkpoint(tmp_path / "ckpt.pth")
    change(file)
    assert call("import-checkpoint", file, "-o", tmp_path / "run", "--data", "digits") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert len(said.err.strip().splitlines()) <= 8
    for fragment in fragments:
        assert fragment in said.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "code", "fragment"),
    [
        (["--data", "digit"], 2, "'digits'"),
        (["--data", "digits", "--tau", "0.5"], 2, "neuron.tau"),
        (["--data", "digits", "--set", "neuron.tao=3"], 2, "'tau'"),
        (["--data", "digits", "--recipe", "nothing"], 2, "no recipe is named"),
        (["--recipe", "cifar10_vgg8"], 2, "recipe has 0 circuits"),
    ],
)
def test_bad_options(options, code, fragment, tmp_path, capsys) -> None:
    file = checkpoint(tmp_path / "ckpt.pth")
    assert call("import-checkpoint", file, "-o", tmp_path / "run", *options) == code
    assert fragment in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_missing_data_set_is_a_missing_component(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EIDEPLOY_DATA", str(tmp_path / "nothing"))
    file = checkpoint(tmp_path / "ckpt.pth", (784, 12, 10))
    arguments = ["import-checkpoint", file, "-o", tmp_path / "run", "--data", "mnist"]
    assert call(*arguments, "--freeze") == 3
    assert not (tmp_path / "run").exists()
    assert call(*arguments) == 0
    said = capsys.readouterr().err
    assert "not frozen for deployment: the data set mnist is not" in said
    assert call("freeze", tmp_path / "run") == 3
    assert not load_run(tmp_path / "run").frozen
