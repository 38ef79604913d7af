"""The E-I circuit as pure functions: subtractive and divisive inhibition, and its stabilizers.

Shapes: N rows (any leading axes merged, in training time and batch), E excitatory and I inhibitory
neurons or channels on axis 1, then the same spatial axes everywhere (none for a dense circuit).

Source: Liu, Ding, Yu, "Training Deep Normalization-Free Spiking Neural Networks with Lateral
Inhibition", ICLR 2026.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Stabilizer = Literal["adaptive", "floor", "none"]
"""stab(S) of training, of deployment, and S as it is: an ablation, which divides by zero."""


def balanced_current(i_ee: Tensor, i_ie: Tensor, weight_ei: Tensor) -> Tensor:
    """Subtractive inhibition, B = I_EE − W_EI I_IE.

    Args:
        i_ee: current into the excitatory neurons, [N, E, …].
        i_ie: current into the inhibitory neurons, [N, I, …].
        weight_ei: non-negative inhibitory weights, [E, I].
    """
    return i_ee - mix(weight_ei, i_ie)


def balanced_weight(weight_ee: Tensor, weight_ie: Tensor, weight_ei: Tensor) -> Tensor:
    """Subtractive inhibition as one signed layer, W_B = W_EE − W_EI W_IE, so that B = W_B x.

    Args:
        weight_ee: non-negative weights of the excitatory neurons, [E, fan-in …].
        weight_ie: non-negative weights of the inhibitory neurons, [I, fan-in …].
        weight_ei: non-negative inhibitory weights, [E, I].
    """
    return weight_ee - (weight_ei @ weight_ie.flatten(1)).view_as(weight_ee)


def shunt(i_ie: Tensor, weight_ei: Tensor, gain_i: Tensor) -> Tensor:
    """The divisor of the circuit, S = W_EI (g_I ⊙ I_IE) ≥ 0.

    Args:
        i_ie: non-negative current into the inhibitory neurons, [N, I, …].
        weight_ei: non-negative inhibitory weights, [E, I].
        gain_i: non-negative gains of the inhibitory neurons, [I].
    """
    return mix(weight_ei, per_channel(gain_i, i_ie) * i_ie)


def divisive_current(balanced: Tensor, divisor: Tensor, gain_e: Tensor, bias: Tensor) -> Tensor:
    """Divisive inhibition, I = g_E ⊙ B / stab(S) + b.

    Args:
        balanced: B, [N, E, …].
        divisor: stab(S), positive, [N, E, …]; infinity means that nothing is let through (I = b).
        gain_e: non-negative gains of the excitatory neurons, [E].
        bias: b, [E].
    """
    return per_channel(gain_e, balanced) * (balanced / divisor) + per_channel(bias, balanced)


def adaptive_stabilizer(shunt: Tensor, *, straight_through: bool = True) -> Tensor:
    """stab(S) of training: an entry that is exactly 0 becomes the smallest other one of its row.

    A row of zeros becomes infinite, so that the circuit's current there is its bias.

    Args:
        shunt: S, [N, E, …]; a row is one entry of N with all other axes. S ≥ 0 unless Dale's law is
            given up, see `smallest_nonzero`.
        straight_through: the gradient is the identity, taken by what follows at the filled value.
            False (an ablation): none reaches an entry that was filled.
    """
    fill = fill_of_zeros(shunt.detach())
    if fill is None:
        return shunt
    if straight_through:
        return shunt + torch.where(shunt == 0, fill, 0.0)
    return torch.where(shunt == 0, fill, shunt)


def floor_stabilizer(shunt: Tensor, floor: Tensor) -> Tensor:
    """stab(S) of deployment: max(S, s_min), which a chip can compute without seeing the whole row.

    Args:
        shunt: S ≥ 0, [N, E, …].
        floor: s_min > 0, a scalar.
    """
    return torch.maximum(shunt, floor)


def fill_of_zeros(shunt: Tensor) -> Tensor | None:
    """What zeros become in each row, [N, 1, …]; None if there are none, which one look tells."""
    if shunt.amin() > 0:
        return None
    return smallest_nonzero(shunt).view(-1, *[1] * (shunt.dim() - 1))


def smallest_nonzero(shunt: Tensor) -> Tensor:
    """The entry of least magnitude other than 0 of each row, infinity for a row of zeros, [N].

    Its sign is kept. Weights under Dale's law make no negative ones.
    """
    row = tuple(range(1, shunt.dim()))
    positive = shunt.masked_fill(shunt <= 0, torch.inf).amin(row)
    negative = shunt.masked_fill(shunt >= 0, -torch.inf).amax(row)
    return torch.where(positive <= -negative, positive, negative)


def scale_gradient(x: Tensor, factor: float) -> Tensor:
    """`x`, bit for bit; its gradient is multiplied by `factor` on the way back."""
    scaled = x.view_as(x)
    if scaled.requires_grad:
        scaled.register_hook(  # type: ignore[no-untyped-call]
            lambda gradient: gradient * factor
        )
    return scaled


def per_channel(values: Tensor, like: Tensor) -> Tensor:
    """`values` [C] shaped to multiply `like` [N, C, …] channel by channel."""
    return values.view(-1, *[1] * (like.dim() - 2))


def mix(weight: Tensor, current: Tensor) -> Tensor:
    """`weight` [C', C] applied to the channels of `current` [N, C, …] at each place, [N, C', …].

    The result has the memory layout of `current`.
    """
    if channels_last(current):
        rows = current.movedim(1, -1)
        return (rows.flatten(0, -2) @ weight.mT).view(*rows.shape[:-1], -1).movedim(-1, 1)
    rows = weight.expand(len(current), -1, -1)  # a plain `@` would copy `current`
    return (rows @ current.flatten(2)).view(len(current), len(weight), *current.shape[2:])


def channels_last(current: Tensor) -> bool:
    """Whether the channels of each place of [N, C, …] are neighbours in memory."""
    return current.stride(1) == 1
