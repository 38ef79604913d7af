"""Weights that are made again for the backward pass."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call
from torch.multiprocessing.reductions import StorageWeakRef

from eideploy.cells import EICircuit, EIConv2d, EILinear
from eideploy.cells.rebuild import made_again
from eideploy.errors import InputError

CIRCUITS = [
    (EILinear(30, 8), (4, 30)),
    (EILinear(30, 8), (40, 30)),
    (EIConv2d(3, 8, 3, padding=1), (4, 3, 9, 9)),
]


@pytest.mark.parametrize("view", [False, True])
def test_gradients_are_those_of_a_kept_weight(view: bool) -> None:
    left, right = (torch.rand(3, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    x = torch.rand(5, 4, dtype=torch.float64, requires_grad=True)
    calls = []

    def make(*parts: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return torch.cat(parts)

    def product(weight: torch.Tensor) -> torch.Tensor:
        return x @ weight[1:5].mT if view else torch.nn.functional.linear(x, weight)

    made = make(left, right)
    with made_again(made, make, (left, right)):
        found = product(made).square().sum()
    assert len(calls) == 1
    gradients = torch.autograd.grad(found, (x, left, right))
    assert len(calls) == 2
    expected = torch.autograd.grad(product(make(left, right)).square().sum(), (x, left, right))
    torch.testing.assert_close(gradients, expected)


@pytest.mark.parametrize(("circuit", "shape"), CIRCUITS)
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


@pytest.mark.parametrize(("circuit", "shape"), CIRCUITS)
def test_gradients_are_those_of_the_weights_that_were_called_with(
    circuit: EICircuit, shape: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    others = {name: torch.rand_like(p).requires_grad_() for name, p in circuit.named_parameters()}
    x = torch.rand(shape, requires_grad=True)
    current = functional_call(circuit, others, (x,))  # has its own weights again after that
    found = torch.autograd.grad(current.square().sum(), (x, *others.values()))
    with torch.no_grad():
        for name, parameter in circuit.named_parameters():
            parameter.copy_(others[name])
    expected = torch.autograd.grad(circuit(x).square().sum(), (x, *circuit.parameters()))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("circuit", "shape"), CIRCUITS)
def test_a_weight_changed_before_the_backward_pass_is_an_error(
    circuit: EICircuit, shape: tuple[int, ...]
) -> None:
    current = circuit(torch.rand(shape, requires_grad=True))
    with torch.no_grad():
        circuit.weight_ee.mul_(2)
    with pytest.raises(InputError, match="changed in place"):
        current.sum().backward()
