"""The current of a divisive E-I circuit as one node of autograd's graph.

The graph keeps the feed-forward currents alone; B, S and the divisor d = stab(S) are computed once
more on the way back. With G the gradient that arrives at I = g_E ⊙ B / d + b,

∂B = g_E ⊙ G / d,   ∂S = −∂B ⊙ B / d,   ∂g_E = Σ G ⊙ B / d,   ∂b = Σ G,
∂I_EE = ∂B,   ∂I_IE = g_I ⊙ (W_EIᵀ ∂S) − W_EIᵀ ∂B,
∂W_EI = Σ ∂S (g_I ⊙ I_IE)ᵀ − Σ ∂B I_IEᵀ,   ∂g_I = Σ I_IE ⊙ (W_EIᵀ ∂S),

where sums run over rows and places. ∂S is taken straight through the adaptive stabilizer, at the
filled value; below a floor it is 0.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from eideploy.cells.circuit import (
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
    floor: Tensor | None = None,
) -> Tensor:
    """I = g_E ⊙ B / stab(S) + b from the feed-forward currents.

    Args:
        drive: I_EE and I_IE one after the other, [N, E + I, …].
        weight_ei: W_EI [E, I].
        gain_i: g_I [I].
        gain_e: g_E [E].
        bias: b [E].
        floor: s_min, a scalar; the stabilizer is the adaptive one if not given.

    Returns:
        I, [N, E, …].
    """
    current: Tensor = _CircuitCurrent.apply(  # type: ignore[no-untyped-call]
        drive, weight_ei, gain_i, gain_e, bias, floor
    )
    return current


class _CircuitCurrent(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        ctx.save_for_backward(*inputs)
        drive, weight_ei, gain_i, gain_e, bias, floor = inputs
        balanced, s = _balanced_and_shunt(drive, _mixing(weight_ei, gain_i)).chunk(2, 1)
        return divisive_current(balanced, _stabilize(s, floor), gain_e, bias)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> Any:
        drive, weight_ei, gain_i, gain_e, _, floor = ctx.saved_tensors
        n_e, mixing = len(weight_ei), _mixing(weight_ei, gain_i)
        both = _balanced_and_shunt(drive, mixing)
        balanced, s = both.chunk(2, 1)
        divisor = _stabilize(s, floor)
        quotient = balanced / divisor
        over = [0, *range(2, gradient.dim())]
        d_bias = gradient.sum(over)
        d_gain_e = (gradient * quotient).sum(over)
        # The gradients of B and S take the place of B and S.
        d_balanced = torch.div(gradient, divisor, out=balanced).mul_(per_channel(gain_e, gradient))
        d_shunt = torch.mul(d_balanced, quotient.neg_(), out=s)
        if floor is not None:
            d_shunt.mul_(divisor > floor)
        d_drive = torch.cat([d_balanced, mix(mixing.mT, both)], 1)
        subtracting, shunting = _outer(both, drive[:, n_e:]).chunk(2)
        d_weight_ei = shunting * gain_i - subtracting
        return d_drive, d_weight_ei, (shunting * weight_ei).sum(0), d_gain_e, d_bias, None


def _mixing(weight_ei: Tensor, gain_i: Tensor) -> Tensor:
    """What both inhibitions make of I_IE: −W_EI over W_EI diag(g_I), [2E, I]."""
    return torch.cat([-weight_ei, weight_ei * gain_i])


def _balanced_and_shunt(drive: Tensor, mixing: Tensor) -> Tensor:
    """B and S one after the other, [N, 2E, …]."""
    n_e = len(mixing) // 2
    both = mix(mixing, drive[:, n_e:])
    both[:, :n_e] += drive[:, :n_e]
    return both


def _stabilize(s: Tensor, floor: Tensor | None) -> Tensor:
    return adaptive_stabilizer(s) if floor is None else floor_stabilizer(s, floor)


def _outer(left: Tensor, right: Tensor) -> Tensor:
    """Σ left rightᵀ over rows and places, [N, C', …] and [N, C, …] → [C', C]."""
    if left.dim() == 2:
        return left.mT @ right
    return (left.flatten(2) @ right.flatten(2).mT).sum(0)
