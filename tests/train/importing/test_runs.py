"""A run that was imported is a run: frozen, exported, and by the settings in the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from eideploy_models import mlp, resnet, vgg
from safetensors.torch import save_file

from eideploy.cells import LIF
from eideploy.errors import InputError, MissingComponentError, RecipeError, UnsupportedError
from eideploy.train import Run, freeze, load_run, to_graph
from eideploy.train.data import DatasetSpec
from eideploy.train.importing import import_checkpoint

StateDict = dict[str, torch.Tensor]
Write = Callable[..., StateDict]
Save = Callable[..., Path]

CONFIG = {
    "dataset": "CIFAR10",
    "T": 6,
    "neuron": {"tau": 3.0},
    "epochs": 200,
    "batch_size": 64,
    "learning_rate": 0.002,
    "momentum": 0.8,
    "weight_decay": 0.0001,
    "warmup_epochs": 30,
    "init_learning_rate": 0.001,
}


@pytest.fixture
def small_checkpoint(small_run: Run, write_flat: Write, save: Save) -> Path:
    """The network of `small_run`, which was trained here, as the paper's code would save it."""
    written = write_flat(small_run.network("adaptive"))
    return save({"model_state_dict": written, "config": {"T": 4, "neuron": {"v_reset": 0.0}}})


def test_freezing_gives_what_it_gave_the_network_that_was_trained_here(
    small_run: Run, small_checkpoint: Path, tmp_path: Path
) -> None:
    imported = import_checkpoint(small_checkpoint, tmp_path / "run", data="digits", progress=False)
    run = load_run(tmp_path / "run")
    assert (imported.unfrozen, imported.assumed) == ("", ())
    assert run.floors == small_run.floors
    for measured in ("test_accuracy", "frozen_test_accuracy"):
        assert run.metrics[measured] == small_run.metrics[measured]
    assert run.metrics["imported"]["file"] == "ckpt-best.pth"
    assert len(run.metrics["imported"]["sha256"]) == 64
    graph, expected = to_graph(run), to_graph(small_run)
    assert list(graph.nodes) == list(expected.nodes)
    np.testing.assert_array_equal(graph.nodes["ei1"].weight_ei, expected.nodes["ei1"].weight_ei)
    assert graph.nodes["ei1"].floor == expected.nodes["ei1"].floor


def test_without_the_data_set_it_is_frozen_later(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write_flat: Write,
    save: Save,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setenv("EIDEPLOY_DATA", str(tmp_path / "nothing"))
    path = save(write_flat(vgg((3, 32, 32), 10, LIF, depth=8)))
    with pytest.raises(MissingComponentError, match="data set cifar10 is not in"):
        import_checkpoint(path, tmp_path / "run", data="cifar10", freeze=True)
    assert not (tmp_path / "run").exists()
    imported = import_checkpoint(path, tmp_path / "run", data="cifar10", progress=False)
    assert "data set cifar10 is not in" in imported.unfrozen
    run = load_run(tmp_path / "run")
    assert not run.frozen
    with pytest.raises(InputError, match="is not frozen"):
        to_graph(run)
    request.getfixturevalue("cifar10")  # now it is
    frozen = freeze(run)
    assert set(frozen.floors or {}) == {f"ei{i}" for i in range(1, 6)}
    assert load_run(tmp_path / "run").frozen


@pytest.mark.slow
def test_a_residual_network_is_frozen_and_exported(
    tmp_path: Path, cifar10: DatasetSpec, write_resnet: Write, save: Save
) -> None:
    path = save(write_resnet(resnet((3, 32, 32), 10, LIF), prefix="module."))
    run = import_checkpoint(path, tmp_path / "run", data="cifar10", steps=2, progress=False).run
    assert run.frozen
    graph = to_graph(run)
    circuits = [name for name in graph.nodes if name.startswith("ei")]
    assert len(circuits) == 20
    assert run.floors is not None
    assert all(graph.nodes[name].floor == run.floors[name] for name in circuits)


def test_settings_in_the_file_become_the_recipe(
    tmp_path: Path, cifar10: DatasetSpec, write_flat: Write, save: Save
) -> None:
    written = write_flat(vgg((3, 32, 32), 10, LIF, depth=8, ratio=8), dropout=True)
    path = save({"model_state_dict": written, "config": CONFIG})
    imported = import_checkpoint(path, tmp_path / "run", freeze=False)
    recipe = load_run(tmp_path / "run").recipe
    assert imported.assumed == ()
    assert recipe.name == "cifar10_vgg8_imported"
    assert (recipe.steps, recipe.data.name, recipe.model.options["ratio"]) == (6, "cifar10", 8)
    assert recipe.neuron.model_dump() == {
        "tau": 3.0,
        "threshold": 1.0,
        "reset": "subtract",
        "alpha": 4.0,
    }
    training, optimizer, schedule = recipe.training, recipe.optimizer, recipe.schedule
    assert (training.epochs, training.batch_size, training.clip_gradient) == (200, 64, None)
    assert (optimizer.lr, optimizer.momentum, optimizer.weight_decay) == (0.002, 0.8, 0.0001)
    assert (optimizer.first_step, optimizer.gain_lr_factor) == ("paper", 1.0)
    assert (schedule.warmup_epochs, schedule.warmup_lr) == (30, 0.001)


def test_settings_beside_a_safetensors_file(
    tmp_path: Path, cifar10: DatasetSpec, write_flat: Write
) -> None:
    written = write_flat(vgg((3, 32, 32), 10, LIF, depth=8), dropout=True)
    save_file(written, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"dataset": "CIFAR10", "T": 5, "neuron": {"tau": 2.0}}')
    imported = import_checkpoint(tmp_path / "model.safetensors", tmp_path / "run", freeze=False)
    assert (imported.run.recipe.steps, imported.assumed) == (5, ())


def test_what_is_assumed_is_said_and_can_be_changed(
    tmp_path: Path, write_flat: Write, save: Save
) -> None:
    path = save(write_flat(mlp((64,), 10, LIF, hidden=(12,))))
    imported = import_checkpoint(path, tmp_path / "run", freeze=False)
    assert [assumed.split(",")[0] for assumed in imported.assumed] == [
        "trained on digits",
        "shown for 4 steps",
        "neurons are those of the paper: tau 2",
    ]
    assert (imported.run.recipe.steps, imported.run.recipe.neuron.reset) == (4, "subtract")
    changed = import_checkpoint(
        path,
        tmp_path / "changed",
        data="digits",
        steps=9,
        changes=["neuron.tau=4.0", "neuron.reset=zero", "data.train_samples=50"],
    )
    recipe = changed.run.recipe
    assert (recipe.steps, recipe.neuron.tau, recipe.neuron.reset) == (9, 4.0, "zero")
    assert recipe.data.train_samples == 50
    assert len(changed.run.samples("train")[0]) == 50


def test_event_data_need_their_steps(tmp_path: Path, write_flat: Write, save: Save) -> None:
    path = save(write_flat(vgg((2, 48, 48), 11, LIF, depth=8), first=1, dropout=True))
    with pytest.raises(InputError, match=r"into how many steps dvsgesture was cut\nGive --steps"):
        import_checkpoint(path, tmp_path / "run", data="dvsgesture", freeze=False)
    imported = import_checkpoint(path, tmp_path / "run", data="dvsgesture", steps=16, freeze=False)
    assert (imported.run.recipe.steps, imported.run.recipe.model.options["depth"]) == (16, 8)
    assert any("equal numbers of events" in assumed for assumed in imported.assumed)


@pytest.mark.parametrize(
    ("neuron", "error", "says"),
    [
        ({"decay_input": True}, UnsupportedError, "divide their input by tau"),
        ({"v_reset": -0.5}, UnsupportedError, "are reset to -0.5"),
        ({"tau": "two"}, RecipeError, "neuron.tau"),
        ({"tau": 0.5}, RecipeError, "neuron.tau"),
    ],
)
def test_neurons_that_cannot_be(
    neuron: dict[str, Any],
    error: type[Exception],
    says: str,
    tmp_path: Path,
    write_flat: Write,
    save: Save,
) -> None:
    written = write_flat(mlp((64,), 10, LIF, hidden=(12,)))
    path = save({"model": written, "config": {"neuron": neuron}})
    with pytest.raises(error, match=says):
        import_checkpoint(path, tmp_path / "run", data="digits")
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_overwritten_unasked(
    tmp_path: Path, small_checkpoint: Path, write_flat: Write, save: Save
) -> None:
    folder = tmp_path / "run"
    import_checkpoint(small_checkpoint, folder, data="digits", freeze=False)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    other = save(write_flat(mlp((64,), 10, LIF, hidden=(12,))), "other.pth")
    with pytest.raises(InputError, match="holds a run already"):
        import_checkpoint(other, folder, data="digits")
    broken = save({"layers.2.weight_ee": torch.ones(3, 3)}, "broken.pth")
    with pytest.raises(InputError, match="broken"):
        import_checkpoint(broken, folder, data="digits", overwrite=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    import_checkpoint(other, folder, data="digits", overwrite=True, freeze=False)
    assert load_run(folder).recipe.model.options["hidden"] == [12]


def test_a_dead_layer_is_named_and_nothing_written(
    tmp_path: Path, write_flat: Write, save: Save
) -> None:
    written = write_flat(mlp((64,), 10, LIF, hidden=(12, 12)))
    written["layers.3.bias"] -= 100.0
    with pytest.raises(InputError, match="layer ei2: every divisor is 0"):
        import_checkpoint(save(written), tmp_path / "run", data="digits", progress=False)
    assert not (tmp_path / "run").exists()
