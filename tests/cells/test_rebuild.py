"""Weights that are made again for the backward pass."""

from __future__ import annotations

import pytest
import torch
from torch.multiprocessing.reductions import StorageWeakRef

from eideploy.cells import EICircuit, EIConv2d, EILinear
from eideploy.cells.rebuild import made_again


@pytest.mark.parametrize("view", [False, True])
def test_gradients_are_those_of_a_kept_weight(view: bool) -> None:
    left, right = (torch.rand(3, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    x = torch.rand(5, 4, dtype=torch.float64, requires_grad=True)
    calls = []

    def make() -> torch.Tensor:
        calls.append(1)
        return torch.cat([left, right])

    def product(weight: torch.Tensor) -> torch.Tensor:
        return x @ weight[1:5].mT if view else torch.nn.functional.linear(x, weight)

    made = make()
    with made_again(made, make):
        found = product(made).square().sum()
    assert len(calls) == 1
    gradients = torch.autograd.grad(found, (x, left, right))
    assert len(calls) == 2
    expected = torch.autograd.grad(product(make()).square().sum(), (x, left, right))
    torch.testing.assert_close(gradients, expected)


@pytest.mark.parametrize(
    ("circuit", "shape"),
    [
        (EILinear(30, 8), (4, 30)),
        (EILinear(30, 8), (40, 30)),
        (EIConv2d(3, 8, 3, padding=1), (4, 3, 9, 9)),
    ],
)
def test_circuits_let_go_of_what_they_made(
    monkeypatch: pytest.MonkeyPatch, circuit: EICircuit, shape: tuple[int, ...]
) -> None:
    made: list[StorageWeakRef] = []
    drive = circuit.drive

    def watched(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        made.append(StorageWeakRef(weight.untyped_storage()))
        return drive(x, weight)

    monkeypatch.setattr(circuit, "drive", watched)
    current = circuit(torch.rand(shape))
    assert current.requires_grad
    assert [storage.expired() for storage in made] == [True]
