"""Networks with pools and branches: trained, frozen, exported, compiled."""

from __future__ import annotations

import json
from pathlib import Path

import nir
import numpy as np
import pytest

from eideploy.cli.app import run
from eideploy.graph import read
from eideploy.train import load_run

RECIPES = {
    "vgg": "model: {name: vgg, stages: [[8], [12, 12]]}",
    "vgg-twin": "model: {name: vgg, stages: [[8], [12, 12]], inhibition: false}",
    "resnet": "model: {name: resnet, stages: [[8, 1], [12, 1]]}",
    "resnet-twin": "model: {name: resnet, stages: [[8, 1], [12, 1]], inhibition: false}",
}
RECIPE = """
name: {name}
steps: 3
{model}
data: {{name: digits, train_samples: 96, test_samples: 40}}
training: {{epochs: 1, batch_size: 48}}
optimizer: {{lr: 0.01}}
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each network, trained for two steps of the optimizer on real digits."""
    folder = tmp_path_factory.mktemp("deep")
    found = {}
    for name, model in RECIPES.items():
        recipe = folder / f"{name}.yaml"
        recipe.write_text(RECIPE.format(name=name, model=model))
        found[name] = folder / name
        assert run(["train", str(recipe), "-o", str(found[name])]) == 0
    return found


@pytest.mark.parametrize("name", RECIPES)
def test_training_leaves_a_frozen_run(name, runs):
    trained = load_run(runs[name])
    assert trained.frozen
    circuits = {"vgg": 3, "resnet": 6}  # stem, 2 of the first block, 3 of the second
    expected = {f"ei{i}" for i in range(1, circuits.get(name, 0) + 1)}
    assert set(trained.floors) == expected
    assert set(trained.metrics) >= {"test_accuracy", "frozen_test_accuracy"}


@pytest.mark.parametrize("form", ["ei", "folded"])
@pytest.mark.parametrize("name", RECIPES)
def test_it_is_exported(name, form, runs, tmp_path, capsys):
    path = tmp_path / "net.nir"
    assert run(["export", str(runs[name]), "-o", str(path), "--form", form]) == 0
    graph = read(path)
    kind = "conv" if "twin" in name or form == "folded" else "ei"
    layers = [node for node in graph.nodes.values() if isinstance(node, nir.Conv2d)]
    assert len(layers) == (0 if kind == "ei" else 3 if "vgg" in name else 6)
    into_pool = [source for source, target in graph.edges if target == "pool1"]
    assert into_pool == (["lif1"] if "vgg" in name else ["lif5", "lif6"])
    for node in graph.nodes.values():
        if isinstance(node, nir.LIF):
            np.testing.assert_array_equal(node.r, 1.0 if form == "folded" else 2.0)


@pytest.mark.parametrize(
    ("mapping", "pool"), [("fused", "fold"), ("explicit", "fold"), ("explicit", "relay")]
)
@pytest.mark.parametrize("name", RECIPES)
def test_what_is_deployed_is_what_was_frozen(name, mapping, pool, runs, capsys):
    """Pools become part of kernels, and shortcuts projections of their own."""
    options = ["--mapping", mapping, "--pool", pool]
    run(["verify", str(runs[name]), "-t", "twin", *options, "--json"])
    hops = {hop["name"]: hop for hop in json.loads(capsys.readouterr().out)["hops"]}
    for hop in ("frozen→program", "quantized→twin"):
        assert hops[hop]["status"] == "pass", hops[hop]
        populations = {p["name"]: p for p in hops[hop]["populations"]}
        assert ("pool1" in populations) == (pool == "relay" and hop == "quantized→twin")
        assert max(p["spikes_before"] for p in populations.values()) > 100
        assert sum(p["mismatched_bins"] for p in populations.values()) == 0
    assert hops["program→quantized"]["accuracy"]["before"] is not None


def test_a_twin_without_pools_holds(tmp_path, capsys):
    """Folding the BatchNorm is exact: the torch network and the Program agree in every bin."""
    options = [
        *("model.inhibition=false", "data.test_samples=40"),
        *("limits.agreement=50.0", "limits.accuracy_drop=50.0"),
        # Many small batches, for running statistics that are those of the data.
        *("data.train_samples=96", "training.batch_size=16", "training.epochs=4"),
    ]
    changes = [word for option in options for word in ("--set", option)]
    folder = str(tmp_path / "run")
    assert run(["train", "digits_conv", "-o", folder, *changes]) == 0
    capsys.readouterr()
    assert run(["verify", folder, "-t", "twin", "--json"]) == 0
    hops = {hop["name"]: hop for hop in json.loads(capsys.readouterr().out)["hops"]}
    assert {hop["status"] for hop in hops.values()} == {"pass"}
    for name in ("frozen→program", "quantized→twin"):
        populations = {p["name"]: p for p in hops[name]["populations"]}
        assert [p["mismatched_bins"] for p in populations.values()] == [0] * len(populations)
        assert min(populations[lif]["spikes_before"] for lif in ("lif1", "lif2")) > 100


def test_inspect_shows_where_the_branches_come_from(runs, capsys):
    assert run(["inspect", str(runs["resnet"]), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert ["lif1", "ei4"] in document["edges"]
    assert run(["inspect", str(runs["resnet"])]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {row.split()[0]: row.split() for row in reversed(lines) if row}  # the graph comes first
    assert rows["node"][-1] == "from"
    assert rows["ei4"][-2:] == ["lif3,", "lif1"]
    assert rows["ei6"][-2:] == ["lif3,", "lif1"]
    assert rows["pool1"][-2:] == ["lif5,", "lif6"]
    assert not rows["ei5"][-1].startswith("lif")  # comes from the row above
    assert run(["inspect", str(runs["vgg"])]) == 0
    assert "from" not in capsys.readouterr().out.splitlines()[0]
