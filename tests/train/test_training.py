"""Training as a whole, on real digits, small and short."""

from __future__ import annotations

import json
import math
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from eideploy.cells import non_negative_parameters
from eideploy.errors import InputError, OutputError
from eideploy.train import Recipe, Run, load_recipe, load_run, override, train
from eideploy.train.data import DATASETS
from eideploy.train.module import TrainingModule, first_not_finite


def test_a_run_is_four_files_and_logs(small_run: Run) -> None:
    names = {path.name for path in small_run.path.iterdir()}
    assert names == {"weights.safetensors", "recipe.yaml", "metrics.json", "run.json", "logs"}


def test_it_learns(small_run: Run) -> None:
    epochs = small_run.metrics["epochs"]
    assert [row["epoch"] for row in epochs] == [1, 2]
    assert epochs[1]["loss"] < epochs[0]["loss"] < math.log(10)
    assert small_run.metrics["test_accuracy"] > 60
    assert small_run.metrics["test_accuracy"] == pytest.approx(epochs[1]["test_accuracy"], abs=1e-3)
    assert small_run.metrics["seconds"] > 0


def test_dales_law_holds_in_the_result(small_run: Run) -> None:
    bound = dict(non_negative_parameters(small_run.network()))
    assert len(bound) == 15
    assert all(bool((values >= 0).all()) for values in bound.values())


@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_the_same_seed_gives_the_same_network(
    small_recipe: Recipe, small_run: Run, tmp_path: Path, reset: str
) -> None:
    recipe = override(small_recipe, [f"neuron.reset={reset}"])
    again = [train(recipe, tmp_path / str(i), progress=False) for i in range(1 + (reset != "zero"))]
    first = small_run if reset == "zero" else again[0]
    assert first.weights.keys() == again[-1].weights.keys()
    for name, values in first.weights.items():
        assert torch.equal(values, again[-1].weights[name]), name
    assert first.metrics["epochs"] == again[-1].metrics["epochs"]
    assert first.metrics["test_accuracy"] > 60


def test_another_seed_gives_another_network(
    small_recipe: Recipe, small_run: Run, tmp_path: Path
) -> None:
    recipe = override(small_recipe, ["seed=1", "training.epochs=1"])
    other = train(recipe, tmp_path / "run", progress=False)
    assert not torch.equal(other.weights["0.weight_ee"], small_run.weights["0.weight_ee"])


def test_training_leaves_the_callers_random_numbers_alone(
    small_recipe: Recipe, tmp_path: Path
) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(override(small_recipe, ["training.epochs=1"]), tmp_path / "run", progress=False)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    "change",
    ["training.ei_init=false", "optimizer.first_step=paper", "training.clip_gradient=null"],
)
def test_options_change_the_training(
    small_recipe: Recipe, small_run: Run, tmp_path: Path, change: str
) -> None:
    recipe = override(small_recipe, [change, "training.epochs=1"])
    other = train(recipe, tmp_path / "run", progress=False)
    assert other.metrics["epochs"][0]["loss"] != small_run.metrics["epochs"][0]["loss"]


@pytest.mark.parametrize("samples", [64, 80, 72, 90])
def test_accumulated_batches_are_one_large_batch(tmp_path: Path, samples: int) -> None:
    """Also at the end of an epoch, where fewer batches and samples are left."""
    found = []
    for size, accumulate in ((32, 1), (16, 2), (8, 4)):
        changes = [
            *("model.hidden=[16]", "steps=4", "training.epochs=2", "training.ei_init=false"),
            *(f"data.train_samples={samples}", f"training.batch_size={size}"),
            f"training.accumulate={accumulate}",
        ]
        recipe = override(load_recipe("digits_mlp"), changes)
        run = train(recipe, tmp_path / str(size), accelerator="cpu", progress=False)
        found.append(run)
    for other in found[1:]:
        for name, values in found[0].weights.items():
            torch.testing.assert_close(other.weights[name], values, rtol=1e-4, atol=1e-6, msg=name)


def test_convolutions_train_too(tmp_path: Path) -> None:
    small = ["model.channels=[4, 4]", "steps=4", "training.epochs=2"]
    run = train(override(load_recipe("digits_conv"), small), tmp_path / "run", progress=False)
    assert run.metrics["test_accuracy"] > 40
    assert set(run.floors) == {"ei1", "ei2"}


def test_a_run_is_not_overwritten_unless_asked(
    small_recipe: Recipe, small_run: Run, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"holds a run already\n.*--overwrite"):
        train(small_recipe, small_run.path, progress=False)
    short = override(small_recipe, ["training.epochs=1"])
    for seed in (1, 2):
        (tmp_path / "training.html").write_text("of the run before")
        train(override(short, [f"seed={seed}"]), tmp_path, progress=False, overwrite=True)
        assert load_run(tmp_path).recipe.seed == seed
        assert not (tmp_path / "training.html").exists()


def test_a_place_that_cannot_be_written_is_found_before_training(
    small_recipe: Recipe, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write to"):
        train(small_recipe, tmp_path / "file" / "run", progress=False)


def test_a_dead_first_batch_names_the_layer_and_writes_nothing(
    small_recipe: Recipe, tmp_path: Path
) -> None:
    silent = override(small_recipe, ["neuron.threshold=1e6"])
    with pytest.raises(InputError, match="first batch is dead at layer ei2"):
        train(silent, tmp_path, progress=False)
    assert not list(tmp_path.iterdir())


def test_a_loss_that_is_not_finite_names_the_layer_and_writes_nothing(
    small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = override(small_recipe, ["training.ei_init=false"])
    monkeypatch.setitem(DATASETS, "digits", replace(DATASETS["digits"], high=math.nan))
    with pytest.raises(InputError) as caught:
        train(recipe, tmp_path, progress=False)
    # A neuron takes NaN for no spike, so it is the gradient of batch 1 that spoils the weights.
    assert "training digits_mlp: the loss is nan in epoch 1, batch 2" in str(caught.value)
    assert "not finite is ei1" in str(caught.value)
    assert "Lower optimizer.lr" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_the_first_layer_that_is_not_finite_is_found(small_run: Run) -> None:
    network = small_run.network()
    x = torch.rand(4, 2, 64)
    assert first_not_finite(network, x) is None
    with torch.no_grad():
        network[2].bias[3] = torch.inf
    assert first_not_finite(network, x) == "ei2"


def test_a_network_that_died_has_no_floors_and_is_no_run(
    small_recipe: Recipe, tmp_path: Path
) -> None:
    wild = ["optimizer.lr=1e30", "training.clip_gradient=null", "training.epochs=1"]
    with pytest.raises(InputError, match="layer ei1: every divisor is 0"):
        train(override(small_recipe, wild), tmp_path, progress=False)
    assert {path.name for path in tmp_path.iterdir()} == {"logs", "checkpoint"}


def test_ctrl_c_is_a_keyboard_interrupt_and_can_be_pressed_again(
    small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> torch.Tensor:
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainingModule, "training_step", interrupted)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(small_recipe, tmp_path, progress=False)
    assert signal.getsignal(signal.SIGINT) is handler
    assert not list(tmp_path.iterdir())


def test_progress_goes_to_stderr_and_lightning_is_silent(
    small_recipe: Recipe, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    train(override(small_recipe, ["training.epochs=1"]), tmp_path, progress=True)
    said = capfd.readouterr()
    assert said.out == ""
    for word in ("GPU", "TPU", "num_workers", "max_epochs", "Warning"):
        assert word not in said.err


def test_metrics_are_plain_json(small_run: Run) -> None:
    metrics = json.loads((small_run.path / "metrics.json").read_text())
    assert metrics == small_run.metrics


def test_an_interrupted_training_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("eideploy.train.trainer.fit", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(load_recipe("digits_mlp"), tmp_path / "deep" / "run", progress=False)
    assert list(tmp_path.iterdir()) == []


def test_weights_of_either_sign_are_an_ablation_that_is_not_frozen(
    small_recipe: Recipe, tmp_path: Path
) -> None:
    recipe = override(small_recipe, ["training.dale=false"])
    run = train(recipe, tmp_path / "run", progress=False)
    assert run.metrics["test_accuracy"] > 60
    assert any(
        bool((values < 0).any()) for _, values in non_negative_parameters(run.network("adaptive"))
    )
    loaded = load_run(run.path)
    assert not loaded.frozen
    with pytest.raises(InputError, match=r"training\.dale: false"):
        loaded.network("floor")


def test_without_a_stabilizer_nan_is_named_for_what_it_is(
    small_recipe: Recipe, tmp_path: Path
) -> None:
    # No neuron of the first layer reaches the threshold: all divisors behind it are 0.
    recipe = override(
        small_recipe,
        ["training.stabilizer=none", "training.ei_init=false", "neuron.threshold=50"],
    )
    with pytest.raises(InputError, match=r"the loss is nan .*\n.*training\.stabilizer"):
        train(recipe, tmp_path / "run", progress=False)
