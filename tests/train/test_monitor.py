"""Curves for TensorBoard, and what metrics.json says of layers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from eideploy.train import Run, load_recipe, override, train
from eideploy.train.activity import layer_activity
from eideploy.train.loading import to_sequence


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Three epochs of 40 steps with two batches each, so that 50 and 100 are looked at."""
    changes = [
        *("model.hidden=[32]", "steps=4", "training.epochs=3", "training.batch_size=16"),
        *("training.accumulate=2", "data.train_samples=1280"),
        *("schedule.warmup_epochs=1", "schedule.warmup_lr=0.01"),
    ]
    recipe = override(load_recipe("digits_mlp"), changes)
    return train(recipe, tmp_path_factory.mktemp("logged") / "run", progress=False)


@pytest.fixture(scope="module")
def scalars(run: Run) -> dict[str, dict[int, float]]:
    events = EventAccumulator(str(run.path / "logs"))
    events.Reload()
    return {
        tag: {event.step: event.value for event in events.Scalars(tag)}
        for tag in events.Tags()["scalars"]
    }


def test_every_fifty_steps_are_looked_at(scalars: dict[str, dict[int, float]]) -> None:
    found = {tag: list(values) for tag, values in scalars.items()}
    for tag in ("rate/lif1", "shunt/ei1", "replaced/ei1"):
        assert found.pop(tag) == [0, 50, 100], tag
    for tag in ("learning_rate", "batch_loss"):
        assert found.pop(tag) == [50, 100], tag
    # What belongs to an epoch stands at its last step.
    for tag in ("loss", "train_accuracy", "test_accuracy", "epoch"):
        assert found.pop(tag) == [39, 79, 119], tag
    assert not found


def test_scalars_are_what_they_are_called(run: Run, scalars: dict[str, dict[int, float]]) -> None:
    rows = run.metrics["epochs"]
    for name in ("loss", "train_accuracy", "test_accuracy"):
        logged = list(scalars[name].values())
        assert logged == pytest.approx([row[name] for row in rows], abs=1e-4)
    # After 50 of 120 steps: 40 of warm-up, then 10 of the cosine's 80.
    rate = 0.1 * (1 + torch.cos(torch.tensor(torch.pi * 10 / 80)).item()) / 2
    assert scalars["learning_rate"][50] == pytest.approx(rate, rel=1e-5)
    assert 0.3 * rows[0]["loss"] < scalars["batch_loss"][50] < 3 * rows[0]["loss"]
    assert 0 < scalars["rate/lif1"][50] < 1


def test_the_last_row_is_what_the_trained_network_does(run: Run) -> None:
    spec = run.data
    x = torch.from_numpy(spec.values(spec.load(4).test_x[:32]))
    seen = layer_activity(run.network("adaptive"), to_sequence(x, 4, spec.timed))
    last = run.metrics["epochs"][-1]["layers"]
    assert last.keys() == seen.keys() == {"ei1", "lif1"}
    for name, values in seen.items():
        assert last[name] == pytest.approx(values, rel=1e-5)


def test_the_recipe_is_with_the_curves(run: Run) -> None:
    text = Path(run.path / "logs" / "hparams.yaml").read_text()
    assert "digits_mlp" in text
    assert "warmup_epochs: 1" in text
