"""What is trained on, and what is said where that cannot be."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from eideploy.errors import EideployError, InputError, MissingComponentError, UnsupportedError
from eideploy.train import build_network, load_recipe, override
from eideploy.train.hardware import Hardware, find_hardware


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of them, as far as torch says."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "Imagined GPU")


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_auto_is_the_cpu() -> None:
    assert find_hardware() == Hardware("cpu")
    assert str(find_hardware("cpu", devices=3, nodes=2)) == "6 × cpu"
    for name in ("cuda", "mps"):
        with pytest.raises(MissingComponentError, match=f"no {name} device"):
            find_hardware(name)  # type: ignore[arg-type]


@pytest.mark.usefixtures("gpus")
def test_with_gpus_auto_takes_them() -> None:
    assert find_hardware(devices=2) == Hardware("cuda", 2)
    assert str(find_hardware()) == "Imagined GPU"
    assert find_hardware("cpu").accelerator == "cpu"
    with pytest.raises(InputError, match="3 cuda devices were asked for, there are 2"):
        find_hardware("cuda", devices=3)


def test_what_was_asked_for_makes_no_sense() -> None:
    with pytest.raises(InputError, match=r"no accelerator 'gpu'\n.*cuda"):
        find_hardware("gpu")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="at least 1"):
        find_hardware(devices=0)


@pytest.mark.parametrize(
    ("changes", "processes", "error", "says"),
    [
        (["training.precision=float16"], 1, InputError, "float16 needs an accelerator"),
        ([], 3, InputError, "64 samples cannot be shared equally by 3"),
        (["model.inhibition=false"], 2, UnsupportedError, "BatchNorm"),
    ],
)
def test_a_recipe_that_cannot_be_followed_here(
    changes: Sequence[str], processes: int, error: type[EideployError], says: str
) -> None:
    recipe = override(load_recipe("digits_conv"), changes)
    with pytest.raises(error, match=says):
        Hardware("cpu", processes).check(recipe, build_network(recipe))


def test_compiling_needs_a_compiler(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    recipe = override(load_recipe("digits_mlp"), ["training.compile=true"])
    network = build_network(recipe)
    monkeypatch.setenv("CXX", str(tmp_path_factory.mktemp("empty") / "c++"))
    with pytest.raises(MissingComponentError, match=r"C\+\+ compiler.*\n.*training\.compile"):
        Hardware("cpu").check(recipe, network)
    Hardware("cuda").check(recipe, network)
