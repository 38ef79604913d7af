"""Optimizers and schedules."""

from __future__ import annotations

import math

import pytest
import torch
from norse.torch import SequentialState

from eideploy.cells import LIF, EILinear
from eideploy.train.optimizer import PaperSGD, make_optimizer, make_schedule
from eideploy.train.sections import OptimizerSection, ScheduleSection


def parameter(value: float) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.tensor([value], dtype=torch.float64))


def test_momentum_of_the_paper_starts_with_the_first_gradient_twice() -> None:
    weight = parameter(2.0)
    optimizer = PaperSGD([weight], lr=0.1, momentum=0.9, weight_decay=0.01)
    value, momentum = 2.0, None
    for gradient in (1.0, -0.5, 0.25):
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
        decayed = gradient + 0.01 * value
        momentum = 0.9 * (decayed if momentum is None else momentum) + decayed
        value -= 0.1 * momentum
        assert weight.item() == pytest.approx(value)


def test_a_parameter_whose_gradient_comes_late_starts_then() -> None:
    early, late = parameter(1.0), parameter(1.0)
    optimizer = PaperSGD([early, late], lr=0.1, momentum=0.9)
    early.grad = torch.ones(1, dtype=torch.float64)
    optimizer.step()
    assert late.item() == 1.0
    late.grad = torch.ones(1, dtype=torch.float64)
    optimizer.step()
    assert late.item() == pytest.approx(1 - 0.1 * 1.9)


def test_closure_is_called_with_gradients_on() -> None:
    weight = parameter(3.0)
    optimizer = PaperSGD([weight], lr=0.1, momentum=0.5)

    def closure() -> torch.Tensor:
        loss = weight.square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 9.0
    assert weight.item() == pytest.approx(3 - 0.1 * 1.5 * 6)


def network() -> SequentialState:
    return SequentialState(EILinear(6, 8), LIF(), EILinear(8, 3, divisive=False))


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        (OptimizerSection(), torch.optim.SGD),
        (OptimizerSection(first_step="paper"), PaperSGD),
        (OptimizerSection(name="adam"), torch.optim.AdamW),
    ],
)
def test_recipe_decides_the_kind(section: OptimizerSection, kind: type) -> None:
    assert type(make_optimizer(network(), section)) is kind


def test_gains_learn_at_a_rate_of_their_own_and_every_parameter_once() -> None:
    net = network()
    optimizer = make_optimizer(net, OptimizerSection(lr=0.2, gain_lr_factor=0.25))
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert len(rates) == len(list(net.parameters()))
    for name, p in net.named_parameters():
        assert rates[id(p)] == pytest.approx(0.05 if "gain" in name else 0.2)


def test_cosine_falls_from_1_to_0_and_constant_stays() -> None:
    for name, expected in (
        ("cosine", [(1 + math.cos(math.pi * step / 10)) / 2 for step in range(11)]),
        ("constant", [1.0] * 11),
    ):
        optimizer = make_optimizer(network(), OptimizerSection(lr=0.5, gain_lr_factor=1.0))
        schedule = make_schedule(optimizer, ScheduleSection.model_validate({"name": name}), 10)
        rates = []
        for _ in range(11):
            rates.append(optimizer.param_groups[0]["lr"] / 0.5)
            optimizer.step()
            schedule.step()
        assert rates == pytest.approx(expected)
