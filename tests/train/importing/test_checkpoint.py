"""What is read of a file, and what is refused: nothing in it is run, and every fault is named."""

from __future__ import annotations

import json
import os
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from eideploy_models import mlp
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from eideploy.cells import LIF
from eideploy.errors import InputError
from eideploy.train.importing.checkpoint import read_checkpoint
from eideploy.train.importing.circuits import find_circuits

StateDict = dict[str, torch.Tensor]


@pytest.fixture
def tensors(write_flat: Callable[..., StateDict]) -> StateDict:
    """Of a network 64-12-8-10: modules 2 and 3, 7 and 8, 12 and 13."""
    return write_flat(mlp((64,), 10, LIF, hidden=(12, 8)))


class Malicious:
    """Leaves a file behind when it is unpickled without care."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return (os.mkdir, (str(self.mark),))


class Quiet(torch.nn.Module):
    """A whole network, not its state dict."""


def whole_training(tensors: StateDict) -> dict[str, Any]:
    """What the paper's code saves: generators of random numbers and settings beside the weights."""
    return {
        "next_epoch": 301,
        "model_state_dict": {f"module.{name}": value for name, value in tensors.items()},
        "optimizer_state_dict": [
            {"state": {0: {"momentum_buffer": torch.ones(3)}}, "param_groups": [{"lr": 0.1}]}
        ],
        "best_val_acc": 87.03,
        "config": {"dataset": "MNIST", "T": 4, "neuron": {"tau": 2.0}},
        "rng_state": torch.get_rng_state(),
        "np_rng_state": np.random.get_state(),  # noqa: NPY002 - it is the legacy one that is saved
        "py_rng_state": random.getstate(),
    }


@pytest.mark.parametrize("old_format", [False, True])
def test_the_checkpoint_of_a_whole_training(
    old_format: bool, tensors: StateDict, save: Callable[..., Path]
) -> None:
    options = {"_use_new_zipfile_serialization": not old_format}
    checkpoint = read_checkpoint(save(whole_training(tensors), **options))
    assert list(checkpoint.tensors) == [f"module.{name}" for name in tensors]
    for name, value in tensors.items():
        assert torch.equal(checkpoint.tensors[f"module.{name}"], value)
    assert checkpoint.config == {"dataset": "MNIST", "T": 4, "neuron": {"tau": 2.0}}


@pytest.mark.parametrize(
    "wrap", [lambda t: t, lambda t: {"state_dict": t}, lambda t: {"a": {"b": t}}]
)
def test_the_state_dict_is_found_where_it_is(
    wrap: Callable[[StateDict], Any], tensors: StateDict, save: Callable[..., Path]
) -> None:
    assert list(read_checkpoint(save(wrap(tensors))).tensors) == list(tensors)


def test_safetensors_with_settings_beside_it(tensors: StateDict, tmp_path: Path) -> None:
    save_file(tensors, tmp_path / "model.safetensors")
    checkpoint = read_checkpoint(tmp_path / "model.safetensors")
    assert set(checkpoint.tensors) == set(tensors)
    assert checkpoint.config == {}
    (tmp_path / "config.json").write_text(json.dumps({"T": 7}))
    assert read_checkpoint(tmp_path / "model.safetensors").config == {"T": 7}
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"config\.json beside the checkpoint cannot be read"):
        read_checkpoint(tmp_path / "model.safetensors")


@pytest.mark.parametrize("form", ["zip", "old", "pickle"])
def test_a_malicious_file_is_refused_and_not_run(
    form: str, tensors: StateDict, tmp_path: Path, save: Callable[..., Path]
) -> None:
    mark = tmp_path / "mark"
    content = {**whole_training(tensors), "hook": Malicious(mark)}
    path = tmp_path / "evil.pth"
    if form == "pickle":
        path.write_bytes(pickle.dumps({"hook": Malicious(mark)}, protocol=2))
    else:
        save(content, "evil.pth", _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(InputError, match=r"is refused: reading it would run \w+\.mkdir"):
        read_checkpoint(path)
    assert not mark.exists()
    if form == "pickle":
        pickle.loads(path.read_bytes())
    else:
        torch.load(path, weights_only=False)
    assert mark.exists(), "the file was no test"


@pytest.mark.parametrize(
    "name", ["eval", "numpy.testing._private.utils.runstring", "os.system", "builtins.getattr"]
)
def test_names_are_refused_before_they_are_looked_up(
    name: str, tensors: StateDict, tmp_path: Path
) -> None:
    module, _, function = f"builtins.{name}".rpartition(".")
    module = module.removeprefix("builtins.") or "builtins"
    mark = tmp_path / "mark"
    code = f"c{module}\n{function}\n(Vopen({str(mark)!r}, 'w')\ntR.".encode()
    source = tmp_path / "plain.pth"
    torch.save(tensors, source)
    path = tmp_path / "evil.pth"
    with torch.serialization._open_zipfile_writer(str(path)) as archive:
        archive.write_record("data.pkl", code, len(code))
    with pytest.raises(InputError):
        read_checkpoint(path)
    assert not mark.exists()


def test_a_pickled_network_is_refused_with_what_to_do(save: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"run .*\.Quiet\n.*torch\.save\(model\.state_dict\(\)"):
        read_checkpoint(save(Quiet()))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("name", ["ckpt.pth", "old.pth", "model.safetensors"])
def test_a_file_that_was_cut_off(
    name: str, share: float, tensors: StateDict, tmp_path: Path, save: Callable[..., Path]
) -> None:
    path = tmp_path / name
    if name.endswith("s"):
        save_file(tensors, path)
    else:
        save(tensors, name, _use_new_zipfile_serialization=name != "old.pth")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match="is no checkpoint, or it is damaged"):
        read_checkpoint(path)


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("whole")
    tensors = {f"a.{name}": torch.ones(2, 2) for name in ("weight_ee", "weight_ie", "weight_ei")}
    tensors |= {f"a.{name}": torch.ones(2) for name in ("gain_i", "gain_e", "bias")}
    torch.save(whole_training(tensors), folder / "zip.pth")
    torch.save(whole_training(tensors), folder / "old.pth", _use_new_zipfile_serialization=False)
    save_file(tensors, folder / "model.safetensors")
    return sorted(folder.iterdir())


@given(number=st.integers(0, 2), place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_whatever_byte_is_changed_there_is_an_error_or_a_network(
    number: int, place: float, byte: int, whole_files: list[Path]
) -> None:
    content = bytearray(whole_files[number].read_bytes())
    content[int(place * len(content))] = byte
    path = whole_files[number].with_name(f"changed{whole_files[number].suffix}")
    path.write_bytes(content)
    try:
        circuits = find_circuits(read_checkpoint(path))
    except InputError:
        return
    assert [circuit.signature for circuit in circuits] == [((2, 2), 2)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"name: vgg8\n", "is no checkpoint, or it is damaged"),
        (pickle.dumps({"a": 1}), "is no checkpoint, or it is damaged"),
        (bytes(range(256)) * 40, "is no checkpoint, or it is damaged"),
    ],
)
def test_a_file_of_another_kind(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "file.pth").write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_checkpoint(tmp_path / "file.pth")


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.pth cannot be read: No such file"):
        read_checkpoint(tmp_path / "missing.pth")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_checkpoint(tmp_path)


def test_files_without_one_network(tensors: StateDict, save: Callable[..., Path]) -> None:
    two = {"model": tensors, "averaged": tensors}
    with pytest.raises(InputError, match="holds 2 E-I networks: model, averaged"):
        read_checkpoint(save(two))
    normalized = {"layers.3.bn.weight": torch.ones(3), "layers.2.conv.weight": torch.ones(3)}
    with pytest.raises(InputError, match="a network with BatchNorm, which has no E-I circuits"):
        read_checkpoint(save({"model_state_dict": normalized}))
    with pytest.raises(InputError, match=r"no E-I network: .* but fc\.weight is"):
        read_checkpoint(save({"fc.weight": torch.ones(3)}))
    for nothing in ([1, 2], {"epoch": 3}, torch.ones(3)):
        with pytest.raises(InputError, match="holds no tensors by name"):
            read_checkpoint(save(nothing))


def _without(tensors: StateDict, name: str) -> StateDict:
    return {key: value for key, value in tensors.items() if key != name}


def _set(tensors: StateDict, name: str, value: torch.Tensor) -> StateDict:
    return tensors | {name: value}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda t: _without(t, "layers.7.weight_ie"),
            r"weight_ie of the circuit layers\.7 is miss",
        ),
        (lambda t: _without(t, "layers.8.gain_i"), r"gain_i of the circuit layers\.7 is missing"),
        (
            lambda t: {k: v for k, v in t.items() if not k.startswith("layers.8.")},
            r"the other half of layers\.7 is missing: .*weight_ei, gain_i, gain_e, bias",
        ),
        (
            lambda t: {k: v for k, v in t.items() if not k.startswith("layers.7.")},
            r"the other half of layers\.8 is missing: .*weight_ee, weight_ie",
        ),
        (lambda t: _set(t, "head.weight", torch.ones(2)), r"head\.weight belong to no E-I circuit"),
        (
            lambda t: _set(t, "layers.2.linear.bias", torch.ones(2)),
            r"layers\.2\.linear\.bias belong to no E-I circuit",
        ),
        (lambda t: _set(t, "layers.3.alpha", torch.ones(1, 3)), r"layers\.3\.alpha belong to no"),
        (
            lambda t: _set(t, "layers.8.weight_ei", torch.ones(8, 3)),
            r"layers\.8\.weight_ei has shape \[8, 3\], expected \[8, 2\] beside weights \[8, 12\]",
        ),
        (
            lambda t: _set(t, "layers.7.weight_ie", torch.ones(2, 11)),
            r"layers\.7\.weight_ie has shape \[2, 11\], expected \[2, 12\]",
        ),
        (
            lambda t: _set(t, "layers.8.bias", torch.ones(1, 9)),
            r"layers\.8\.bias has shape \[1, 9\]",
        ),
        (
            lambda t: _set(t, "layers.7.weight_ee", torch.ones(8, 12, 3)),
            r"layers\.7\.weight_ee has shape \[8, 12, 3\]",
        ),
        (
            lambda t: _set(t, "layers.3.gain_i", torch.full((1, 3), torch.nan)),
            r"layers\.3\.gain_i holds numbers that are not finite",
        ),
        (
            lambda t: _set(t, "layers.2.weight_ee", t["layers.2.weight_ee"].int()),
            r"layers\.2\.weight_ee holds torch\.int32, expected floating",
        ),
        (
            lambda t: _set(t, "layers.3.gain_e", torch.linspace(-0.25, 1, 12)),
            r"layers\.3\.gain_e has 3 negative values, down to -0\.25, which Dale's law forbids",
        ),
    ],
)
def test_tensors_that_make_no_circuit_are_named(
    change: Callable[[StateDict], StateDict],
    says: str,
    tensors: StateDict,
    save: Callable[..., Path],
) -> None:
    with pytest.raises(InputError, match=says):
        find_circuits(read_checkpoint(save(change(tensors))))


def test_a_negative_bias_is_no_fault(tensors: StateDict, save: Callable[..., Path]) -> None:
    tensors["layers.3.bias"] -= 0.5
    first = find_circuits(read_checkpoint(save(tensors)))[0]
    assert torch.equal(first.parameters["bias"], tensors["layers.3.bias"].flatten())


def test_circuits_come_in_the_order_of_their_numbers(
    write_flat: Callable[..., StateDict], save: Callable[..., Path]
) -> None:
    written = write_flat(mlp((16,), 4, LIF, hidden=(8,) * 6), prefix="module.features.")
    circuits = find_circuits(read_checkpoint(save(written)))
    assert [circuit.name for circuit in circuits] == [
        f"module.features.{number}" for number in range(2, 33, 5)
    ]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_precisions_become_float32(
    dtype: torch.dtype, tensors: StateDict, save: Callable[..., Path]
) -> None:
    other = {name: value.to(dtype) for name, value in tensors.items()}
    for circuit in find_circuits(read_checkpoint(save(other))):
        for values in circuit.parameters.values():
            assert values.dtype == torch.float32
    first = find_circuits(read_checkpoint(save(other)))[0].parameters["weight_ee"]
    assert torch.equal(first, other["layers.2.weight_ee"].float())
