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
    optimizer: torch.optim.Optimizer, recipe: ScheduleSection, steps: int
) -> LambdaLR:
    """The factor of the learning rate over `steps` optimizer steps."""

    def factor(step: int) -> float:
        return (1 + math.cos(math.pi * min(step, steps) / steps)) / 2 if cosine else 1.0

    cosine = recipe.name == "cosine"
    return LambdaLR(optimizer, factor)
