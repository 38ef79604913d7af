"""Cutting data into batches that fit into memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from norse.torch import Lift, SequentialState

from eideploy.cells import LIF, EILinear
from eideploy.train import batches as module
from eideploy.train.batches import batches
from eideploy.train.data import present


@pytest.fixture
def network() -> SequentialState:
    return SequentialState(EILinear(6, 40), LIF(), EILinear(40, 3, divisive=False))


def test_batches_are_the_stimulus_in_order(network: SequentialState) -> None:
    stimulus = np.random.default_rng(0).random((11, 4, 6), dtype=np.float32)
    sizes = [batch.shape[1] for batch in batches(network, stimulus, 4)]
    assert sizes == [4, 4, 3]
    whole = torch.cat(list(batches(network, stimulus, 4)), dim=1)
    assert np.array_equal(whole.transpose(0, 1), stimulus)


def test_the_largest_layer_decides(
    network: SequentialState, monkeypatch: pytest.MonkeyPatch
) -> None:
    stimulus = np.zeros((50, 4, 6), np.float32)
    # Five samples of four steps of 40 neurons of 4 bytes fit, and not quite six.
    monkeypatch.setitem(module.LARGEST, "cpu", 6 * 4 * 40 * 4 - 1)
    assert next(batches(network, stimulus)).shape == (4, 5, 6)
    network.double()
    batch = next(batches(network, stimulus))
    assert (batch.shape, batch.dtype) == ((4, 2, 6), torch.float64)
    monkeypatch.setitem(module.LARGEST, "cpu", 1)
    assert len(list(batches(network, stimulus))) == 50


def test_layers_inside_others_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = torch.nn.Sequential(torch.nn.Linear(6, 100), torch.nn.Linear(100, 2))
    monkeypatch.setitem(module.LARGEST, "cpu", 3 * 100 * 4)
    # Lift shows it one step at a time.
    stimulus = np.zeros((9, 4, 6), np.float32)
    assert next(batches(SequentialState(Lift(inner)), stimulus)).shape == (4, 3, 6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_repeated_step_is_never_written_out(network: SequentialState, dtype: torch.dtype) -> None:
    x = np.random.default_rng(0).random((5, 6), dtype=np.float32)
    found = list(batches(network.to(dtype), present(x, 7), 2))
    assert [batch.shape for batch in found] == [(7, 2, 6), (7, 2, 6), (7, 1, 6)]
    assert {batch.stride(0) for batch in found} == {0}
    assert torch.equal(torch.cat(found, dim=1)[4], torch.from_numpy(x).to(dtype))


def test_no_hooks_are_left(network: SequentialState) -> None:
    list(batches(network, np.zeros((3, 4, 6), np.float32)))
    assert not any(layer._forward_hooks for layer in network.modules())
