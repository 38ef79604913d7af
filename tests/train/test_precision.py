"""Half precision for convolutions and matrix products alone, and torch.compile."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from eideploy.cells import InputStatistics, init, input_statistics, layer
from eideploy.train import Recipe, Run, build_network, load_recipe, override, train
from eideploy.train.data import DATASETS
from eideploy.train.initialize import initialize_
from eideploy.train.module import TrainingModule

SMALL = ["model.channels=[8, 8]", "steps=4", "training.epochs=2", "data.train_samples=640"]


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return override(load_recipe("digits_conv"), SMALL)


@pytest.fixture(scope="module")
def exact(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(recipe, tmp_path_factory.mktemp("exact") / "run", progress=False)


def test_bfloat16_multiplies_in_bfloat16_and_divides_in_float32(
    recipe: Recipe, exact: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    multiplied: set[torch.dtype] = set()
    divided: set[torch.dtype] = set()
    initialized: set[torch.dtype] = set()

    def watch(place: Any, name: str, inputs: set[torch.dtype], outputs: set[torch.dtype]) -> None:
        function = getattr(place, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            output = function(*arguments, **options)
            if torch.is_grad_enabled():  # while training, not while measuring
                inputs.update(a.dtype for a in arguments if isinstance(a, torch.Tensor))
                outputs.add(output.dtype)
            return output

        monkeypatch.setattr(place, name, watched)

    def statistics(x: torch.Tensor) -> InputStatistics:
        initialized.add(x.dtype)
        return input_statistics(x)

    watch(torch.nn.functional, "conv2d", set(), multiplied)
    watch(layer, "circuit_current", divided, divided)
    monkeypatch.setattr(init, "input_statistics", statistics)
    half = override(recipe, ["training.precision=bfloat16"])
    run = train(half, tmp_path / "run", accelerator="cpu", progress=False)
    assert multiplied == {torch.bfloat16}
    assert divided == initialized == {torch.float32}
    assert {value.dtype for value in run.weights.values()} == {torch.float32}
    first, reference = run.metrics["epochs"][0], exact.metrics["epochs"][0]
    assert first["loss"] == pytest.approx(reference["loss"], rel=0.03)
    assert run.metrics["test_accuracy"] == pytest.approx(exact.metrics["test_accuracy"], abs=8)


def test_the_gradient_in_bfloat16_points_where_the_exact_one_does(recipe: Recipe) -> None:
    """bfloat16 has 8 bits, and a current that is off by that may be a spike or none."""
    data = DATASETS["digits"].load(4)
    x, y = torch.from_numpy(data.train_x[:64] / 16).float(), torch.from_numpy(data.train_y[:64])
    gradients = []
    for enabled in (False, True):
        module = TrainingModule(build_network(recipe), recipe, steps=1)
        torch.manual_seed(0)
        initialize_(module.network, recipe, x.expand(4, *x.shape))
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            logits = module(x)
            torch.nn.functional.cross_entropy(logits, y).backward()
        assert logits.dtype == torch.float32
        found = [p.grad for p in module.parameters() if p.grad is not None]
        assert {gradient.dtype for gradient in found} == {torch.float32}
        gradients.append(torch.cat([gradient.flatten() for gradient in found]))
    exact, rounded = gradients
    assert torch.nn.functional.cosine_similarity(exact, rounded, 0) > 0.98
    assert rounded.norm().item() == pytest.approx(exact.norm().item(), rel=0.1)
    assert not torch.equal(exact, rounded)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not:UserWarning")
@pytest.mark.filterwarnings("ignore:Guards may run slower on Python:RuntimeWarning")
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_a_compiled_network_trains_alike_and_keeps_its_names(
    recipe: Recipe, exact: Run, tmp_path: Path
) -> None:
    run = train(
        override(recipe, ["training.compile=true"]), tmp_path, accelerator="cpu", progress=False
    )
    assert run.weights.keys() == exact.weights.keys()
    for compiled, eager in zip(run.metrics["epochs"], exact.metrics["epochs"], strict=True):
        assert compiled["loss"] == pytest.approx(eager["loss"], rel=1e-3)
        assert compiled["layers"].keys() == eager["layers"].keys()
