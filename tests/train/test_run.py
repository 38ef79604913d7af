"""Run directories: round trip, and what is said of damaged ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from eideploy import __version__
from eideploy.cells import EICircuit
from eideploy.errors import InputError
from eideploy.graph import EILinear
from eideploy.train import (
    Recipe,
    Run,
    build_network,
    freeze,
    load_recipe,
    load_run,
    override,
    record_network,
    to_graph,
)
from eideploy.train.folder import save_run


@pytest.fixture
def copy(small_run: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_run.path, tmp_path / "copy"))


def test_round_trip(small_run: Run) -> None:
    loaded = load_run(small_run.path)
    assert loaded.recipe == small_run.recipe
    assert loaded.metrics == small_run.metrics
    assert loaded.floors == small_run.floors
    assert loaded.weights.keys() == small_run.weights.keys()
    for name, values in small_run.weights.items():
        assert torch.equal(loaded.weights[name], values)


def test_run_json_says_what_another_machine_needs(small_run: Run) -> None:
    about = json.loads((small_run.path / "run.json").read_text())
    assert about["schema"] == "eideploy.run/1"
    assert about["eideploy"] == __version__
    assert about["torch"] == torch.__version__
    assert (about["model"], about["input_shape"], about["classes"]) == ("digits_mlp", [64], 10)
    assert (about["levels"], about["high"], about["steps"], about["dt"]) == (16, 1.0, 4, 1e-3)
    assert (about["device"], about["precision"]) == ("cpu", "float32")
    assert about["frozen"] is True
    assert about["floors"] == small_run.floors


@pytest.mark.parametrize("stabilizer", ["adaptive", "floor"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_network_is_rebuilt_as_asked(small_run: Run, stabilizer: str, dtype: torch.dtype) -> None:
    network = small_run.network(stabilizer, dtype)  # type: ignore[arg-type]
    assert not network.training
    circuits = [module for module in network if isinstance(module, EICircuit)]
    assert {circuit.stabilizer for circuit in circuits} == {stabilizer}
    assert {value.dtype for value in network.state_dict().values()} == {dtype}
    for name, value in network.state_dict().items():
        assert torch.equal(value.float(), small_run.weights[name])


def test_samples_are_the_data_shown_over_time(small_run: Run) -> None:
    data = small_run.data.load(4)
    for split, x, y in (
        ("train", data.train_x, data.train_y),
        ("test", data.test_x, data.test_y),
    ):
        stimulus, labels = small_run.samples(split)  # type: ignore[arg-type]
        assert stimulus.shape == (len(y), 4, 64)
        assert stimulus.dtype == np.float32
        assert np.array_equal(stimulus[:, 3], x / 16)
        assert np.array_equal(labels, y)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("run.json", "has no run.json, so it is no run"),
        ("recipe.yaml", "has no recipe.yaml"),
        ("metrics.json", "has no metrics.json"),
        ("weights.safetensors", "has no weights.safetensors"),
    ],
)
def test_a_file_is_missing(copy: Path, name: str, says: str) -> None:
    (copy / name).unlink()
    with pytest.raises(InputError, match=says):
        load_run(copy)


@pytest.mark.parametrize("name", ["run.json", "recipe.yaml", "metrics.json", "weights.safetensors"])
@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 4], lambda data: b"\xff\x00" * 40, lambda data: b""]
)
def test_a_file_is_damaged(copy: Path, name: str, damage: Callable[[bytes], bytes]) -> None:
    path = copy / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        load_run(copy)


def test_not_a_directory(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path / "file"):
        if path.name == "file":
            path.write_text("")
        with pytest.raises(InputError, match="is not a directory, so it is no run"):
            load_run(path)


def test_a_training_that_is_not_finished(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").mkdir()
    with pytest.raises(InputError, match="not finished") as caught:
        load_run(tmp_path)
    assert "--resume" in caught.value.remedy


@pytest.mark.parametrize("text", ['{"schema": "eideploy.run/9"}', "{}", "[]"])
def test_a_foreign_run_json(copy: Path, text: str) -> None:
    (copy / "run.json").write_text(text)
    with pytest.raises(InputError, match=r"run\.json"):
        load_run(copy)


def test_weights_that_are_not_those_of_run_json(copy: Path) -> None:
    path = copy / "weights.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match=r"weights\.safetensors is not the file that run\.json"):
        load_run(copy)


def test_floors_that_are_no_numbers(copy: Path) -> None:
    about = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps(about | {"floors": [1]}))
    with pytest.raises(InputError, match=r"run\.json: floors"):
        load_run(copy)


def test_weights_of_another_network(copy: Path) -> None:
    recipe = copy / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("- 32", "- 24"))
    with pytest.raises(InputError, match="do not fit the network of its recipe") as caught:
        load_run(copy).network()
    assert "2.weight_ee" in str(caught.value)


def test_a_floor_that_was_never_calibrated(small_recipe: Recipe, tmp_path: Path) -> None:
    weights = build_network(small_recipe).state_dict()
    run = Run(tmp_path, small_recipe, weights, metrics={})
    save_run(run)
    about = json.loads((tmp_path / "run.json").read_text())
    assert about["frozen"] is False
    assert "floors" not in about
    loaded = load_run(tmp_path)
    assert loaded.floors is None
    assert not loaded.frozen
    loaded.network("adaptive")
    with pytest.raises(InputError, match=r"is not frozen\n.*freeze"):
        loaded.network("floor")
    with pytest.raises(InputError, match="is not frozen"):
        to_graph(loaded)


def test_a_network_without_circuits_is_frozen_with_no_floors(tmp_path: Path) -> None:
    recipe = override(load_recipe("digits_conv"), ["model.inhibition=false", "steps=2"])
    run = Run(tmp_path, recipe, build_network(recipe).state_dict(), metrics={})
    assert not run.frozen
    frozen = freeze(run)
    assert (frozen.frozen, frozen.floors) == (True, {})
    loaded = load_run(tmp_path)
    assert (loaded.frozen, loaded.floors) == (True, {})
    stimulus = loaded.samples()[0][:5]
    for name, values in record_network(loaded.network("floor"), stimulus).items():
        as_trained = record_network(run.network("adaptive"), stimulus)[name]["output"]
        assert np.array_equal(values["output"], as_trained)


def test_a_frozen_run_without_floors_is_damaged(copy: Path) -> None:
    about = json.loads((copy / "run.json").read_text())
    del about["floors"]
    (copy / "run.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match=r"run\.json: floors are None"):
        load_run(copy)


def test_weights_of_either_sign_are_never_frozen(small_recipe: Recipe, tmp_path: Path) -> None:
    recipe = override(small_recipe, ["training.dale=false"])
    save_run(Run(tmp_path, recipe, build_network(recipe).state_dict(), metrics={}))
    run = load_run(tmp_path)
    assert run.floors is None
    run.network("adaptive")
    for refused in (freeze, to_graph, Run.network):
        with pytest.raises(InputError, match=r"trained with training\.dale: false.*\n.*ablation"):
            refused(run)


def test_graph_has_weights_floors_and_what_is_known_of_the_input(small_run: Run) -> None:
    graph = to_graph(small_run)
    assert list(graph.nodes) == ["input", "ei1", "lif1", "ei2", "lif2", "readout", "output"]
    for number, name in ((0, "ei1"), (2, "ei2"), (4, "readout")):
        node = graph.nodes[name]
        assert isinstance(node, EILinear)
        weights = small_run.weights[f"{number}.weight_ee"].numpy()
        assert np.array_equal(node.weight_ee, weights)
    for name, floor in small_run.floors.items():
        assert float(graph.nodes[name].floor) == floor
    assert graph.nodes["input"].metadata == {"high": 1.0, "levels": 16}
    assert graph.metadata["model"] == "digits_mlp"
    assert (graph.metadata["steps"], graph.metadata["dt"]) == (4, 1e-3)


def test_folded_graph_is_plain_nir(small_run: Run) -> None:
    kinds = {
        type(node).__module__.split(".")[0]
        for node in to_graph(small_run, form="folded").nodes.values()
    }
    assert kinds == {"nir"}


def test_graph_means_what_the_network_does(small_run: Run, interpret: Callable[..., dict]) -> None:
    """Equations written out in NumPy, on the exported graph, against the network in float64."""
    stimulus, _ = small_run.samples()
    stimulus = stimulus[:40].astype(float)
    recorded = record_network(small_run.network("floor", torch.float64), stimulus)
    meant = interpret(to_graph(small_run), stimulus)
    for name in ("lif1", "lif2"):
        np.testing.assert_allclose(recorded[name]["v"], meant[f"{name}.v"], rtol=1e-9, atol=1e-9)
        assert np.array_equal(recorded[name]["output"], meant[name])
    np.testing.assert_allclose(recorded["readout"]["output"], meant["readout"], atol=1e-12)
