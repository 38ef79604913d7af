"""Optimizers and learning rate schedules, as recipes name them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from eideploy.train.sections import OptimizerSection, ScheduleSection

GAINS = ("gain_i", "gain_e")


class PaperSGD(torch.optim.SGD):
    """SGD whose momentum starts at the first gradient and then adds that gradient again.

    m₀ = g₁,  mₜ = μ mₜ₋₁ + gₜ,  w ← w − lr mₜ, so that the first step is 1 + μ times the gradient.
    PyTorch's own takes m₁ = g₁. Source: the trainings recorded from the authors' code.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; the closure, if any, computes the gradients."""
        loss = None
        if closure is not None:
            with torch.set_grad_enabled(True):
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None and "momentum_buffer" not in self.state[parameter]:
                    first = parameter.grad.add(parameter, alpha=group["weight_decay"])
                    self.state[parameter]["momentum_buffer"] = first
        super().step()
        return loss


def make_optimizer(network: nn.Module, recipe: OptimizerSection) -> torch.optim.Optimizer:
    """The optimizer of a recipe, with the gains of E-I circuits in a group of their own."""
    gains: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for path, parameter in network.named_parameters():
        (gains if path.rpartition(".")[2] in GAINS else others).append(parameter)
    groups = [
        {"params": others, "lr": recipe.lr},
        {"params": gains, "lr": recipe.lr * recipe.gain_lr_factor},
    ]
    if recipe.name == "adam":
        return torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
    sgd = PaperSGD if recipe.first_step == "paper" else torch.optim.SGD
    return sgd(groups, lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay)


def make_schedule(
    optimizer: torch.optim.Optimizer, recipe: ScheduleSection, *, lr: float, epochs: int, steps: int
) -> LambdaLR:
    """The learning rate at each optimizer step k = 0, 1, …, `steps` − 1.

    With W = warm-up's share of the steps, rounded to whole ones, the rate is

    lr₀ + (lr − lr₀) k/W                              for k < W, with lr₀ = `warmup_lr`
    lr (1 + cos(π (k − W)/(steps − W))) / 2           after that; lr where the schedule is constant

    A group with a rate of its own is scaled by the same factor at each step.

    Args:
        optimizer: whose rates are scaled.
        recipe: the schedule.
        lr: the rate that `warmup_lr` rises to.
        epochs: of the whole training.
        steps: likewise, ≥ 1; one for each `accumulate` batches.
    """
    warmup = round(steps * recipe.warmup_epochs / epochs)
    start = recipe.warmup_lr / lr

    def factor(step: int) -> float:
        if step < warmup:
            return start + (1 - start) * step / warmup
        if recipe.name == "constant":
            return 1.0
        progress = min((step - warmup) / max(steps - warmup, 1), 1.0)
        return (1 + math.cos(math.pi * progress)) / 2

    return LambdaLR(optimizer, factor)
