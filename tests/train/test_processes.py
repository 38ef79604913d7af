"""Two processes that share batches train the network that one would train alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from eideploy.train import build_network, load_recipe, override, train

CHANGES = [
    *("model.hidden=[32, 16]", "steps=4", "training.epochs=2", "data.train_samples=320"),
    *("schedule.warmup_epochs=1", "training.accumulate=2"),
]


def test_two_processes_end_with_the_weights_of_one(tmp_path: Path) -> None:
    """Sums are added in another order, so that 10 steps may differ by roundings: 1e-5."""
    recipe = override(load_recipe("digits_mlp"), CHANGES)
    alone = train(recipe, tmp_path / "one", accelerator="cpu", progress=False)
    changes = [argument for change in CHANGES for argument in ("--set", change)]
    folder = tmp_path / "two"
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("eideploy"), "train", "digits_mlp", "-o", folder),
            *(*changes, "--accelerator", "cpu", "--devices", "2", "--json"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    # A line for each epoch, and one document: the second process keeps quiet.
    assert [line.split("  ")[1] for line in done.stderr.splitlines()] == ["epoch 1/2", "epoch 2/2"]
    assert json.loads(done.stdout)["test_accuracy"] == alone.metrics["test_accuracy"]
    together = load_file(folder / "weights.safetensors")
    # The second process starts from another draw, and takes over that of the first.
    drawn = build_network(recipe).state_dict()
    assert together.keys() == alone.weights.keys()
    for name, values in alone.weights.items():
        torch.testing.assert_close(together[name], values, rtol=1e-5, atol=1e-6, msg=name)
        if name.endswith(("weight_ee", "weight_ie")):
            assert not torch.allclose(together[name], drawn[name], rtol=1e-3)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert [row["loss"] for row in metrics["epochs"]] == pytest.approx(
        [row["loss"] for row in alone.metrics["epochs"]], rel=1e-5
    )
    assert json.loads((folder / "run.json").read_text())["device"] == "2 × cpu"
    assert not (folder / "checkpoint").exists()
