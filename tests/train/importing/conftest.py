"""Checkpoints as the paper's code would write them, and a small data set of CIFAR-10's shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from norse.torch import SequentialState

from eideploy.cells import EICircuit
from eideploy.graph.export import node_names
from eideploy.train.data import DATASETS, Dataset, DatasetSpec

StateDict = dict[str, torch.Tensor]


def _write_circuit(circuit: EICircuit, drive: str, norm: str, *, old: bool = False) -> StateDict:
    """The tensors of one circuit, under the names of the two modules that the paper's code has."""
    values = {name: p.detach().clone() for name, p in circuit.named_parameters()}
    conv = values["weight_ee"].dim() == 4
    gain_i, gain_e = ("alpha", "gain") if old else ("gain_i", "gain_e")
    axes = (-1, 1, 1) if conv else (1, -1)
    return {
        f"{drive}.{'conv_ee.weight' if conv else 'weight_ee'}": values["weight_ee"],
        f"{drive}.{'conv_ie.weight' if conv else 'weight_ie'}": values["weight_ie"],
        f"{norm}.weight_ei": values["weight_ei"],
        f"{norm}.{gain_i}": values["gain_i"].view(axes),
        f"{norm}.{gain_e}": values["gain_e"].view(axes),
        f"{norm}.bias": values["bias"].view(axes),
    }


def _write_flat(
    network: SequentialState,
    *,
    first: int = 2,
    dropout: bool = False,
    prefix: str = "layers.",
    old: bool = False,
) -> StateDict:
    """The state dict of a VGG or MLP: one Sequential, whose modules without parameters count."""
    written: StateDict = {}
    number = first
    for name, module in node_names(network):
        if isinstance(module, EICircuit):
            written |= _write_circuit(module, f"{prefix}{number}", f"{prefix}{number + 1}", old=old)
            number += 5 + dropout  # circuit, norm, split, LIF, (dropout,) merge
        elif name.startswith(("pool", "flatten")):
            number += 1
    return written


def _write_resnet(network: SequentialState, prefix: str = "") -> StateDict:
    """The state dict of a ResNet-18, modules in the order in which torch would list them."""
    written = _write_circuit(network[0], f"{prefix}conv1", f"{prefix}norm1")
    for number, block in enumerate(list(network)[2:10]):
        place = f"{prefix}layer{number // 2 + 1}.{number % 2}"
        written |= _write_circuit(block.body[0], f"{place}.conv1", f"{place}.norm1")
        written |= _write_circuit(block.body[2], f"{place}.conv2", f"{place}.norm2")
        if len(block.shortcut):
            down = f"{place}.downsample"
            written |= _write_circuit(block.shortcut[0], f"{down}.0", f"{down}.1")
    return written | _write_circuit(network[-1], f"{prefix}fc", f"{prefix}final_ei_norm")


def _randomize(network: SequentialState, seed: int = 0) -> SequentialState:
    """Draw every gain, weight from I to E and bias, so that no two are alike."""
    draw = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, EICircuit):
            for values in (layer.weight_ei, layer.gain_i, layer.gain_e):
                factor = 0.5 + torch.rand(values.shape, generator=draw)
                values.data *= factor
            layer.bias.data += 0.5 * torch.rand(layer.bias.shape, generator=draw)
    return network


def _noise(steps: int) -> Dataset:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (12, 3, 32, 32), dtype=np.uint8)
    y = np.arange(12) % 10
    return Dataset(x[:8], y[:8], x[8:], y[8:])


CIFAR10 = DatasetSpec((3, 32, 32), classes=10, levels=255, high=1.0, load=_noise)


@pytest.fixture
def cifar10(monkeypatch: pytest.MonkeyPatch) -> DatasetSpec:
    """The data set of that name is noise, and it is there."""
    monkeypatch.setitem(DATASETS, "cifar10", CIFAR10)
    return CIFAR10


@pytest.fixture
def write_flat() -> Callable[..., StateDict]:
    return _write_flat


@pytest.fixture
def write_resnet() -> Callable[..., StateDict]:
    return _write_resnet


@pytest.fixture
def randomize() -> Callable[..., SequentialState]:
    return _randomize


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Write something by torch.save; gives the path."""

    def write(content: Any, name: str = "ckpt-best.pth", **options: Any) -> Path:
        torch.save(content, tmp_path / name, **options)
        return tmp_path / name

    return write
