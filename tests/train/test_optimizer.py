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


def rates(section: ScheduleSection, *, epochs: int, steps: int) -> list[list[float]]:
    """Learning rates of both groups before each step, and after the last."""
    optimizer = make_optimizer(network(), OptimizerSection(lr=0.5, gain_lr_factor=0.1))
    schedule = make_schedule(optimizer, section, lr=0.5, epochs=epochs, steps=steps)
    seen = []
    for _ in range(steps + 1):
        seen.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    return [list(group) for group in zip(*seen, strict=True)]


def test_cosine_falls_from_the_rate_to_0_and_constant_stays() -> None:
    cosine, gains = rates(ScheduleSection(), epochs=5, steps=10)
    assert cosine == pytest.approx([(1 + math.cos(math.pi * k / 10)) / 4 for k in range(11)])
    assert cosine[0] == 0.5
    assert cosine[10] == pytest.approx(0, abs=1e-12)
    assert gains == pytest.approx([rate / 10 for rate in cosine])
    assert rates(ScheduleSection(name="constant"), epochs=5, steps=10)[0] == [0.5] * 11


def test_rate_rises_in_a_line_and_the_cosine_begins_where_it_ends() -> None:
    section = ScheduleSection(warmup_epochs=2, warmup_lr=0.1)
    others, gains = rates(section, epochs=6, steps=12)
    falling = [0.25 * (1 + math.cos(math.pi * k / 8)) for k in range(9)]
    assert others == pytest.approx([0.1, 0.2, 0.3, 0.4, *falling])
    assert gains == pytest.approx([rate / 10 for rate in others])
    constant = ScheduleSection(name="constant", warmup_epochs=2, warmup_lr=0.1)
    expected = [0.1, 0.2, 0.3, 0.4, *[0.5] * 9]
    assert rates(constant, epochs=6, steps=12)[0] == pytest.approx(expected)


def test_warm_up_of_part_of_an_epoch_or_longer_than_the_training() -> None:
    half = ScheduleSection(warmup_epochs=0.5, warmup_lr=0.1)
    assert rates(half, epochs=2, steps=8)[0][:3] == pytest.approx([0.1, 0.3, 0.5])
    longer = ScheduleSection(warmup_epochs=4, warmup_lr=0.1)
    assert rates(longer, epochs=2, steps=4)[0] == pytest.approx([0.1, 0.15, 0.2, 0.25, 0.3])
