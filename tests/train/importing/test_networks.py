"""What is imported computes what the paper's code computes; what is not certain is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from eideploy_models import mlp, resnet, vgg, zoo
from norse.torch import SequentialState
from safetensors.torch import save_file

from eideploy.cells import LIF, EICircuit
from eideploy.errors import InputError, UnsupportedError
from eideploy.train import load_run, record_network
from eideploy.train.data import DATASETS, DatasetSpec
from eideploy.train.importing import import_checkpoint

RGB = (3, 32, 32)
SMALL = ((8,), (8, 12), (12,), (16,), (16,))
soft = lambda: LIF(reset="subtract")  # noqa: E731


def logits(network: SequentialState, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return network(x)[0]


def same_parameters(one: SequentialState, other: SequentialState) -> bool:
    pairs = zip(one.named_parameters(), other.named_parameters(), strict=True)
    return all(a == b and torch.equal(p, q) for (a, p), (b, q) in pairs)


@pytest.mark.parametrize(
    ("name", "data"),
    [("mlp3_trained", "mnist"), ("vgg5_init", "cifar10"), ("vgg5_trained", "cifar10")],
)
def test_recorded_spikes_and_logits_of_the_papers_code(
    name: str,
    data: str,
    shared_data: Path,
    tmp_path: Path,
    save: Callable[..., Path],
    cifar10: DatasetSpec,
) -> None:
    with np.load(shared_data / "deepeisnn" / f"{name}.npz") as file:
        recorded = dict(file)
    tensors = {
        key.removeprefix("param/"): torch.from_numpy(value)
        for key, value in recorded.items()
        if key.startswith("param/")
    }
    steps = int(recorded["T"])
    imported = import_checkpoint(
        save(tensors), tmp_path / "run", data=data, steps=steps, freeze=False
    )
    run = load_run(imported.run.path)
    options = run.recipe.model.options
    if data == "mnist":
        assert options["hidden"] == recorded["layers"].tolist()
    else:
        widths = [width for stage in options["stages"] for width in (*stage, -1)]
        assert widths == recorded["layers"].tolist()

    x = recorded["x"]
    stimulus = np.broadcast_to(x[:, None], (len(x), steps, *x.shape[1:]))
    seen = record_network(run.network("adaptive"), stimulus)
    spikes = [value for key, value in recorded.items() if key.startswith("spikes/")]
    layers = [value["output"] for key, value in seen.items() if key.startswith("lif")]
    assert len(spikes) == len(layers) > 0
    for ours, theirs in zip(layers, spikes, strict=True):
        assert 0 < theirs.mean() < 1
        np.testing.assert_array_equal(ours.swapaxes(0, 1), theirs)
    expected = recorded["logits"]
    atol = 1e-6 * float(np.abs(expected).max())
    found = seen["readout"]["output"].mean(1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=atol)


@pytest.mark.parametrize(
    ("model", "depth", "container"),
    [
        ("vgg", 8, "alone"),
        ("vgg", 8, "safetensors"),
        ("vgg", 16, "whole training"),
        ("resnet", 18, "alone"),
        ("resnet", 18, "safetensors"),
    ],
)
def test_every_parameter_and_logit_comes_back(
    model: str,
    depth: int,
    container: str,
    tmp_path: Path,
    cifar10: DatasetSpec,
    write_flat: Callable[..., Any],
    write_resnet: Callable[..., Any],
    randomize: Callable[..., SequentialState],
    save: Callable[..., Path],
) -> None:
    network = randomize(zoo[model](RGB, 10, soft, depth=depth))
    written = write_resnet(network) if model == "resnet" else write_flat(network, dropout=True)
    if container == "alone":
        path = save(written)
    elif container == "whole training":
        wrapped = {f"module.{key}": value for key, value in written.items()}
        path = save({"next_epoch": 301, "model_state_dict": wrapped, "optimizer_state_dict": []})
    else:
        path = tmp_path / "model.safetensors"
        save_file(written, path)
    imported = import_checkpoint(path, tmp_path / "run", data="cifar10", freeze=False)
    run = imported.run
    assert (run.recipe.model.name, run.recipe.model.options["depth"]) == (model, depth)
    assert not any("pools" in assumption for assumption in imported.assumed)
    ours = run.network("adaptive")
    assert same_parameters(ours, network)
    x = torch.rand(2, 1, *RGB, generator=torch.Generator().manual_seed(1))
    assert torch.equal(logits(ours, x), logits(network, x))


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("first", [1, 2])
def test_where_pools_are_is_read_off_the_numbers(
    first: int,
    dropout: bool,
    old: bool,
    tmp_path: Path,
    cifar10: DatasetSpec,
    write_flat: Callable[..., Any],
    save: Callable[..., Path],
) -> None:
    network = vgg(RGB, 10, soft, stages=SMALL)
    path = save(write_flat(network, first=first, dropout=dropout, old=old))
    run = import_checkpoint(path, tmp_path / "run", data="cifar10", freeze=False).run
    assert run.recipe.model.options["stages"] == [list(stage) for stage in SMALL]
    assert same_parameters(run.network("adaptive"), network)


def unnumbered(written: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same with modules without parameters left out of the count."""
    modules = {key.split(".")[1] for key in written}
    count = {module: str(i) for i, module in enumerate(sorted(modules, key=int))}
    renamed = {}
    for key, value in written.items():
        first, module, rest = key.split(".", 2)
        renamed[f"{first}.{count[module]}.{rest}"] = value
    return renamed


def test_pools_that_numbers_do_not_tell_are_an_assumption_or_a_question(
    tmp_path: Path, cifar10: DatasetSpec, write_flat: Callable[..., Any], save: Callable[..., Path]
) -> None:
    known = save(unnumbered(write_flat(vgg(RGB, 10, soft, depth=8))))
    imported = import_checkpoint(known, tmp_path / "run", data="cifar10", freeze=False)
    assert any("pools are where VGG-8 has them" in assumed for assumed in imported.assumed)
    assert imported.run.recipe.model.options["depth"] == 8
    network = vgg(RGB, 10, soft, stages=SMALL)
    other = save(unnumbered(write_flat(network)), "other.pth")
    with pytest.raises(
        InputError, match=r"where the pools are is ambiguous(.|\n)*--recipe"
    ) as error:
        import_checkpoint(other, tmp_path / "other", data="cifar10", freeze=False)
    assert "8, 8, 12, 12, 16, 16 channels" in str(error.value)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "name: mine\nsteps: 3\nmodel: {name: vgg, stages: [[8], [8, 12], [12], [16], [16]]}\n"
        "data: {name: cifar10}\nneuron: {reset: subtract}\n"
    )
    run = import_checkpoint(other, tmp_path / "other", recipe=recipe, freeze=False).run
    assert same_parameters(run.network("adaptive"), network)
    assert (run.name, run.recipe.steps) == ("mine", 3)


def test_numbers_win_over_a_known_depth(
    tmp_path: Path, cifar10: DatasetSpec, write_flat: Callable[..., Any], save: Callable[..., Path]
) -> None:
    stages = ((64,), (64, 128), (128,), (256,) * 3, (512,) * 6)  # channels of VGG-16
    path = save(write_flat(vgg(RGB, 10, soft, stages=stages)))
    run = import_checkpoint(path, tmp_path / "run", data="cifar10", freeze=False).run
    assert run.recipe.model.options["stages"] == [list(stage) for stage in stages]


def test_circuits_of_one_shape_in_contradicting_order(
    tmp_path: Path,
    cifar10: DatasetSpec,
    write_resnet: Callable[..., Any],
    save: Callable[..., Path],
) -> None:
    written = write_resnet(resnet(RGB, 10, soft))
    swap = {"layer1.0": "layer1.1", "layer1.1": "layer1.0"}
    renamed = {swap.get(key[:8], key[:8]) + key[8:]: value for key, value in written.items()}
    with pytest.raises(InputError, match=r"layer1\.0\.conv1.* have one shape.* ambiguous"):
        import_checkpoint(save(renamed), tmp_path / "run", data="cifar10")
    words = {
        key.replace("layer1.0.conv1", "layer1.0.ante1").replace(
            "layer1.0.norm1", "layer1.0.post1"
        ): v
        for key, v in written.items()
    }
    save_file(words, tmp_path / "words.safetensors")
    with pytest.raises(InputError, match=r"layer1\.0\.ante1.* ambiguous"):
        import_checkpoint(tmp_path / "words.safetensors", tmp_path / "run", data="cifar10")
    in_order = import_checkpoint(save(words), tmp_path / "run", data="cifar10", freeze=False)
    assert in_order.run.recipe.model.name == "resnet"


def test_the_data_set_is_found_if_one_only_fits(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write_flat: Callable[..., Any],
    save: Callable[..., Path],
) -> None:
    for name in set(DATASETS) - {"digits", "mnist"}:
        monkeypatch.delitem(DATASETS, name)
    path = save(write_flat(mlp((784,), 10, soft, hidden=(12, 8))))
    imported = import_checkpoint(path, tmp_path / "run", freeze=False)
    assert (imported.run.recipe.data.name, imported.run.recipe.data.flat) == ("mnist", True)
    assert any("trained on mnist" in assumed for assumed in imported.assumed)
    monkeypatch.setitem(DATASETS, "fashion", DATASETS["mnist"])
    with pytest.raises(
        InputError, match=r"784 features and 10 classes, as fashion, mnist have\nGive"
    ):
        import_checkpoint(path, tmp_path / "again", freeze=False)
    strange = save(write_flat(mlp((784,), 7, soft, hidden=(12, 8))), "strange.pth")
    with pytest.raises(InputError, match="7 classes, as no data set that is known has"):
        import_checkpoint(strange, tmp_path / "strange")
    with pytest.raises(InputError, match=r"does not fit data of shape \[1, 8, 8\].*\[12, 64\]"):
        import_checkpoint(path, tmp_path / "digits", data="digits")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ckpt-best.pth", "run", "strange.pth"]


def test_networks_that_no_model_here_can_be(
    tmp_path: Path, cifar10: DatasetSpec, write_flat: Callable[..., Any], save: Callable[..., Path]
) -> None:
    written = write_flat(vgg(RGB, 10, soft, stages=SMALL))
    head = write_flat(mlp((16,), 16, soft, hidden=(10,)), first=90)
    with pytest.raises(UnsupportedError, match="3 linear circuits behind its convolutions"):
        import_checkpoint(save(written | head), tmp_path / "run", data="cifar10")
    uneven = {k: v for k, v in written.items() if not k.startswith(("layers.2.", "layers.3."))}
    narrow = vgg(RGB, 10, soft, stages=((8,),), ratio=2)
    uneven |= {
        k: v for k, v in write_flat(narrow).items() if k.startswith(("layers.2.", "layers.3."))
    }
    with pytest.raises(UnsupportedError, match=r"no one ratio .* 8 to 2, 8 to 4"):
        import_checkpoint(save(uneven), tmp_path / "run", data="cifar10")


def test_a_recipe_with_another_network_is_named(
    tmp_path: Path, cifar10: DatasetSpec, write_flat: Callable[..., Any], save: Callable[..., Path]
) -> None:
    path = save(write_flat(mlp((64,), 10, soft, hidden=(12, 12))))
    with pytest.raises(
        InputError, match=r"recipe has 0 circuits with weights \[12, 12\].*layers\.7"
    ):
        import_checkpoint(
            path, tmp_path / "run", recipe="digits_mlp", changes=["model.hidden=[12]"]
        )
    more = ["model.hidden=[12, 12, 12]"]
    with pytest.raises(InputError, match=r"lacks a circuit with weights \[12, 12\] .* module 4"):
        import_checkpoint(path, tmp_path / "run", recipe="digits_mlp", changes=more)
    run = import_checkpoint(
        path, tmp_path / "run", recipe="digits_mlp", changes=["model.hidden=[12, 12]"], freeze=False
    ).run
    assert run.name == "digits_mlp"
    circuits = [m for m in run.network("adaptive") if isinstance(m, EICircuit)]
    assert len(circuits) == 3
