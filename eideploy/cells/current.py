"""The current of a divisive E-I circuit as one node of autograd's graph.

The graph keeps the balanced and the inhibitory currents alone; S and the divisor d = stab(S) are
computed once more on the way back. With G the gradient that arrives at I = g_E ⊙ B / d + b,

∂B = g_E ⊙ G / d,   ∂S = −∂B ⊙ B / d,   ∂g_E = Σ G ⊙ B / d,   ∂b = Σ G,
∂I_IE = g_I ⊙ (W_EIᵀ ∂S),   ∂W_EI = Σ ∂S (g_I ⊙ I_IE)ᵀ,   ∂g_I = Σ I_IE ⊙ (W_EIᵀ ∂S),

where sums run over rows and places. ∂S is taken straight through the adaptive stabilizer, at the
filled value, or is 0 there if `straight_through` is false; below a floor it is 0.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from eideploy.cells.chunks import chunks
from eideploy.cells.circuit import (
    Stabilizer,
    channels_last,
    fill_of_zeros,
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
    """I = g_E ⊙ B / stab(S) + b with S = W_EI (g_I ⊙ I_IE).

    Args:
        drive: B and I_IE one after the other, [N, E + I, …].
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
        ctx.straight_through = straight_through
        ctx.portions = []  # rows, and what zeros of S become in them
        shunting = weight_ei * gain_i
        current = torch.empty_like(drive[:, : len(weight_ei)])
        g_e, b = per_channel(gain_e, current), per_channel(bias, current)
        for rows in chunks(current):
            balanced, inhibition = drive[rows].tensor_split([len(weight_ei)], 1)
            s = mix(shunting, inhibition)
            fill = fill_of_zeros(s) if stabilizer == "adaptive" else None
            ctx.portions.append((rows, fill))
            divisor = _stabilize(s, fill, floor)
            torch.addcmul(b, balanced / divisor, g_e, out=current[rows])
        return current

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> Any:
        with torch.autocast(gradient.device.type, enabled=False):  # as in the forward pass
            return *_gradients(ctx, gradient), *[None] * 3


def _gradients(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
    """Of drive, W_EI, g_I, g_E and b."""
    drive, weight_ei, gain_i, gain_e, floor = ctx.saved_tensors
    shunting, n_e = weight_ei * gain_i, len(weight_ei)
    over = [0, *range(2, gradient.dim())]
    d_drive = torch.empty_like(drive)
    d_shunting, d_gain_e = torch.zeros_like(weight_ei), torch.zeros_like(gain_e)
    d_bias = torch.zeros_like(gain_e)
    for rows, fill in ctx.portions:
        balanced, inhibition = drive[rows].tensor_split([n_e], 1)
        d_balanced, d_inhibition = d_drive[rows].tensor_split([n_e], 1)
        g = gradient[rows]
        s = mix(shunting, inhibition)
        divisor = _stabilize(s, fill, floor)
        quotient = balanced / divisor
        d_bias += g.sum(over)
        d_gain_e += (g * quotient).sum(over)
        torch.mul(g / divisor, per_channel(gain_e, g), out=d_balanced)
        d_shunt = quotient.mul_(d_balanced).neg_()
        if floor is not None:
            d_shunt.mul_(s > floor)
        elif fill is not None and not ctx.straight_through:
            d_shunt.mul_(s != 0)
        d_inhibition.copy_(mix(shunting.mT, d_shunt))
        d_shunting += _outer(d_shunt, inhibition)
    d_gain_i = (d_shunting * weight_ei).sum(0)
    return d_drive, d_shunting * gain_i, d_gain_i, d_gain_e, d_bias


def _stabilize(s: Tensor, fill: Tensor | None, floor: Tensor | None) -> Tensor:
    if floor is not None:
        return floor_stabilizer(s, floor)
    return s if fill is None else torch.where(s == 0, fill, s)


def _outer(left: Tensor, right: Tensor) -> Tensor:
    """Σ left rightᵀ over rows and places, [N, C', …] and [N, C, …] → [C', C]."""
    if channels_last(left):
        return left.movedim(1, -1).flatten(0, -2).mT @ right.movedim(1, -1).flatten(0, -2)
    return (left.flatten(2) @ right.flatten(2).mT).sum(0)
