"""The current of a divisive E-I circuit as one node of autograd's graph.

The graph keeps the feed-forward currents alone; B, S and the divisor d = stab(S) are computed once
more on the way back. With G the gradient that arrives at I = g_E ⊙ B / d + b,

∂B = g_E ⊙ G / d,   ∂S = −∂B ⊙ B / d,   ∂g_E = Σ G ⊙ B / d,   ∂b = Σ G,
∂I_EE = ∂B,   ∂I_IE = g_I ⊙ (W_EIᵀ ∂S) − W_EIᵀ ∂B,
∂W_EI = Σ ∂S (g_I ⊙ I_IE)ᵀ − Σ ∂B I_IEᵀ,   ∂g_I = Σ I_IE ⊙ (W_EIᵀ ∂S),

where sums run over rows and places. ∂S is taken straight through the adaptive stabilizer, at the
filled value, or is 0 there if `straight_through` is false; below a floor it is 0.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from eideploy.cells.circuit import (
    Stabilizer,
    adaptive_stabilizer,
    divisive_current,
    floor_stabilizer,
    mix,
    per_channel,
)


def circuit_current(
    drive: Tensor,
    weight_ei: Tensor,
    gain_i: Tensor,
    gain_e: Tensor,
    bias: Tensor,
    stabilizer: Stabilizer = "adaptive",
    *,
    floor: Tensor | None = None,
    straight_through: bool = True,
) -> Tensor:
    """I = g_E ⊙ B / stab(S) + b from the feed-forward currents.

    Args:
        drive: I_EE and I_IE one after the other, [N, E + I, …].
        weight_ei: W_EI [E, I].
        gain_i: g_I [I].
        gain_e: g_E [E].
        bias: b [E].
        stabilizer: which form stab has.
        floor: s_min, a scalar, for the stabilizer "floor".
        straight_through: whether gradients reach S where the adaptive stabilizer replaced it.

    Returns:
        I, [N, E, …].
    """
    current: Tensor = _CircuitCurrent.apply(  # type: ignore[no-untyped-call]
        drive, weight_ei, gain_i, gain_e, bias, floor, stabilizer, straight_through
    )
    return current


class _CircuitCurrent(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        drive: Tensor,
        weight_ei: Tensor,
        gain_i: Tensor,
        gain_e: Tensor,
        bias: Tensor,
        floor: Tensor | None,
        stabilizer: Stabilizer,
        straight_through: bool,
    ) -> Tensor:
        ctx.save_for_backward(drive, weight_ei, gain_i, gain_e, floor)
        ctx.stabilizer, ctx.straight_through = stabilizer, straight_through
        balanced, s = _balanced_and_shunt(drive, _mixing(weight_ei, gain_i)).chunk(2, 1)
        return divisive_current(balanced, _stabilize(s, stabilizer, floor), gain_e, bias)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> Any:
        drive, weight_ei, gain_i, gain_e, floor = ctx.saved_tensors
        n_e, mixing = len(weight_ei), _mixing(weight_ei, gain_i)
        both = _balanced_and_shunt(drive, mixing)
        balanced, s = both.chunk(2, 1)
        divisor = _stabilize(s, ctx.stabilizer, floor)
        passing = _passing(s, ctx.stabilizer, floor, ctx.straight_through)
        quotient = balanced / divisor
        over = [0, *range(2, gradient.dim())]
        d_bias = gradient.sum(over)
        d_gain_e = (gradient * quotient).sum(over)
        # The gradients of B and S take the place of B and S.
        d_balanced = torch.div(gradient, divisor, out=balanced).mul_(per_channel(gain_e, gradient))
        d_shunt = torch.mul(d_balanced, quotient.neg_(), out=s)
        if passing is not None:
            d_shunt.mul_(passing)
        d_drive = torch.cat([d_balanced, mix(mixing.mT, both)], 1)
        subtracting, shunting = _outer(both, drive[:, n_e:]).chunk(2)
        d_weight_ei = shunting * gain_i - subtracting
        return d_drive, d_weight_ei, (shunting * weight_ei).sum(0), d_gain_e, d_bias, *[None] * 3


def _mixing(weight_ei: Tensor, gain_i: Tensor) -> Tensor:
    """What both inhibitions make of I_IE: −W_EI over W_EI diag(g_I), [2E, I]."""
    return torch.cat([-weight_ei, weight_ei * gain_i])


def _balanced_and_shunt(drive: Tensor, mixing: Tensor) -> Tensor:
    """B and S one after the other, [N, 2E, …]."""
    n_e = len(mixing) // 2
    both = mix(mixing, drive[:, n_e:])
    both[:, :n_e] += drive[:, :n_e]
    return both


def _stabilize(s: Tensor, stabilizer: Stabilizer, floor: Tensor | None) -> Tensor:
    if stabilizer == "adaptive":
        return adaptive_stabilizer(s)
    return s if floor is None else floor_stabilizer(s, floor)


def _passing(
    s: Tensor, stabilizer: Stabilizer, floor: Tensor | None, straight_through: bool
) -> Tensor | None:
    """Where a gradient goes through the stabilizer; None where it is everywhere."""
    if stabilizer == "adaptive":
        return None if straight_through else s != 0
    return None if floor is None else s > floor


def _outer(left: Tensor, right: Tensor) -> Tensor:
    """Σ left rightᵀ over rows and places, [N, C', …] and [N, C, …] → [C', C]."""
    if left.dim() == 2:
        return left.mT @ right
    return (left.flatten(2) @ right.flatten(2).mT).sum(0)
