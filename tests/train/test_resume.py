"""A training that was cut short goes on as if it had not been."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from eideploy.cli.app import run as cli
from eideploy.errors import InputError
from eideploy.train import Recipe, Run, load_recipe, override, train
from eideploy.train.checkpoint import checkpoint_path, read_checkpoint
from eideploy.train.module import TrainingModule

SCRIPT = Path(__file__).with_name("killed_trainings.py")

# Everything that has a state: momentum, schedule, order, augmentation.
CHANGES = [
    *("model.channels=[4, 4]", "steps=3", "training.epochs=3", "training.batch_size=32"),
    *("data.train_samples=192", "data.augment.crop=1", "schedule.warmup_epochs=1"),
    *("optimizer.first_step=paper", "training.accumulate=4"),
]


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return override(load_recipe("digits_conv"), CHANGES)


@pytest.fixture(scope="module")
def uninterrupted(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(recipe, tmp_path_factory.mktemp("whole") / "run", progress=False)


def command(folder: Path, *more: str) -> list[str]:
    changes = [argument for change in CHANGES for argument in ("--set", change)]
    return ["train", "digits_conv", "-o", str(folder), "--accelerator", "cpu", *changes, *more]


def without_seconds(path: Path) -> dict[str, Any]:
    metrics = json.loads((path / "metrics.json").read_text())
    del metrics["seconds"]
    return metrics


def test_killed_at_any_moment_it_ends_bit_for_bit_the_same(
    uninterrupted: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    moments = [
        *("step 3", "step 8", "while writing", "step 12"),
        *("before the run is written", "before the checkpoint is removed", "never"),
    ]
    done = subprocess.run(
        [sys.executable, SCRIPT, *command(folder, "--resume"), "--", *moments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [-9] * 6 + [0]
    weights = (folder / "weights.safetensors").read_bytes()
    assert weights == (uninterrupted.path / "weights.safetensors").read_bytes()
    assert without_seconds(folder) == without_seconds(uninterrupted.path)
    assert not (folder / "checkpoint").exists()


def test_a_finished_run_is_left_as_it_is(
    uninterrupted: Run, recipe: Recipe, capsys: pytest.CaptureFixture[str]
) -> None:
    def files() -> dict[Path, tuple[int, bytes]]:
        found = [path for path in uninterrupted.path.rglob("*") if path.is_file()]
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in found}

    before = files()
    again = train(recipe, uninterrupted.path, resume=True, progress=False)
    assert again.metrics == uninterrupted.metrics
    assert cli(command(uninterrupted.path, "--resume")) == 0
    assert "finished already" in capsys.readouterr().err
    assert files() == before


@pytest.fixture
def interrupted(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], Path]:
    """A directory in which training was interrupted in the given epoch, counted from 0."""

    def make(epoch: int, recipe: Recipe = recipe) -> Path:
        step = TrainingModule.training_step

        def until(module: TrainingModule, batch: Any, index: int) -> torch.Tensor:
            if module.current_epoch == epoch:
                raise KeyboardInterrupt
            return step(module, batch, index)

        with monkeypatch.context() as patch:
            patch.setattr(TrainingModule, "training_step", until)
            with pytest.raises(KeyboardInterrupt):
                train(recipe, tmp_path / "run", progress=False)
        return tmp_path / "run"

    return make


def test_ctrl_c_keeps_the_last_epoch_and_says_how_to_go_on(
    interrupted: Callable[[int], Path],
    uninterrupted: Run,
    recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = interrupted(2)
    assert {path.name for path in folder.iterdir()} == {"checkpoint", "logs"}
    with monkeypatch.context() as patch:

        def interrupt(*_: Any) -> None:
            raise KeyboardInterrupt

        patch.setattr(TrainingModule, "training_step", interrupt)
        assert cli(command(folder, "--resume")) == 130
    assert "--resume" in capsys.readouterr().err
    again = train(recipe, folder, resume=True, progress=False)
    assert again.metrics["epochs"] == uninterrupted.metrics["epochs"]
    for name, values in uninterrupted.weights.items():
        assert torch.equal(again.weights[name], values), name


def test_workers_fetch_the_batches_of_the_epoch_that_comes_next(
    interrupted: Callable[..., Path], recipe: Recipe, uninterrupted: Run
) -> None:
    with_worker = override(recipe, ["training.workers=1"])
    folder = interrupted(1, with_worker)
    again = train(with_worker, folder, resume=True, progress=False)
    assert again.metrics["epochs"] == uninterrupted.metrics["epochs"]


def test_interrupted_in_the_first_epoch_nothing_is_kept(interrupted: Callable[[int], Path]) -> None:
    assert not interrupted(0).exists()


def test_what_is_there_is_not_replaced_unless_asked(
    interrupted: Callable[[int], Path], recipe: Recipe
) -> None:
    folder = interrupted(1)
    with pytest.raises(InputError, match=r"unfinished training already\n.*--resume.*--overwrite"):
        train(recipe, folder, progress=False)
    with pytest.raises(InputError, match="both to resume and to overwrite"):
        train(recipe, folder, resume=True, overwrite=True, progress=False)
    other = override(recipe, ["seed=1", "training.epochs=1"])
    assert train(other, folder, overwrite=True, progress=False).recipe.seed == 1


def test_another_recipe_is_refused_by_its_first_difference(
    interrupted: Callable[[int], Path], uninterrupted: Run, recipe: Recipe
) -> None:
    other = override(recipe, ["training.epochs=7", "optimizer.lr=0.5"])
    for folder in (interrupted(1), uninterrupted.path):
        with pytest.raises(InputError, match=r"training\.epochs = 3, the recipe has 7"):
            train(other, folder, resume=True, progress=False)


class Trap:
    """What a malicious checkpoint would hold."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("damage", ["empty", "half", "noise", "other", "pickle", "trap"])
def test_a_damaged_checkpoint_is_refused_and_runs_nothing(
    interrupted: Callable[[int], Path], recipe: Recipe, damage: str
) -> None:
    path = checkpoint_path(interrupted(1))
    sprung = path.with_name("sprung")
    content = path.read_bytes()
    if damage == "other":
        torch.save({"weights": torch.ones(3)}, path)
    elif damage == "pickle":
        path.write_bytes(pickle.dumps(Trap(sprung)))
    elif damage == "trap":
        torch.save({"hyper_parameters": Trap(sprung)}, path)
        assert zipfile.is_zipfile(path)
    else:
        path.write_bytes(
            {"empty": b"", "half": content[: len(content) // 2], "noise": b"\x00\xff" * 999}[damage]
        )
    with pytest.raises(InputError, match=r"last\.ckpt .*\n.*--overwrite"):
        train(recipe, path.parents[1], resume=True, progress=False)
    assert not sprung.exists()


def test_a_checkpoint_is_tensors_and_plain_values(interrupted: Callable[[int], Path]) -> None:
    checkpoint = read_checkpoint(checkpoint_path(interrupted(1)))
    assert checkpoint["hyper_parameters"]["training"]["epochs"] == 3
    assert all(name.startswith("network.") for name in checkpoint["state_dict"])
