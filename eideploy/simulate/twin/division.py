"""The quotient of the E-I neuron: by the processor's division, or as by a chip that has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from eideploy.program import EINeuronFixed
from eideploy.simulate.twin.step import ToTensor

Division = Literal["exact", "restoring"]
"""How quotients of integers are found; both give the same."""

Divide = Callable[[Tensor, Tensor], Tensor]
"""(B, max(S, floor)) → q, saturated."""


def divider(neuron: EINeuronFixed, tensor: ToTensor, division: Division) -> Divide:
    """The quotient of `EINeuronFixed` with the parameters of `neuron`."""
    if division == "restoring":
        return _restoring(neuron, tensor)
    scale = tensor(1 << neuron.quotient_shift)
    largest = tensor((1 << (neuron.quotient_bits - 1)) - 1)

    def divide(balanced: Tensor, divisor: Tensor) -> Tensor:
        q = floor_division(balanced.abs() * scale, divisor).clamp_(max=largest)
        if q.is_floating_point():
            return q.copysign_(balanced)
        return torch.where(balanced < 0, -q, q)

    return divide


def floor_division(x: Tensor, y: Tensor) -> Tensor:
    """⌊x / y⌋ of integers, in int64 or, where `Bounds` proves it exact, in float64."""
    if x.is_floating_point():
        return torch.div(x, y).floor_()
    return torch.div(x, y, rounding_mode="floor")


def restoring_division(balanced: Tensor, divisor: Tensor, shift: Tensor, bits: Tensor) -> Tensor:
    """sgn(B)·min(⌊|B|·2^shift / D⌋, 2^(bits − 1) − 1) by shift, compare and subtract.

    Bit by bit, as on paper. The quotient has m = bits − 1 bits, so the bits of |B|·2^shift above
    its last m are the first remainder; where they hold the divisor, the quotient needs more than
    m bits and saturates. Then, m times: shift the next bit of |B|·2^shift into the remainder;
    where that holds the divisor, subtract it and note a 1, else a 0.

    That is m steps, 16 for a quotient of 17 bits. A remainder stays below its divisor and
    |B|·2^shift is never formed, so that for |B|, D < 2²³ and m ≤ 24 no register needs more than 25
    bits, sign included.

    Source: restoring division, the textbook's; the quotient is that of `EINeuronFixed`.

    Args:
        balanced: B, int64.
        divisor: D = max(S, floor) ≥ 1, int64.
        shift: F + e ≥ 0, as `EINeuronFixed.quotient_shift`, int64.
        bits: width of the quotient, sign included, as `EINeuronFixed.quotient_bits`, int64.
    """
    steps = bits - 1
    lower = steps - shift  # bits of |B| below those that the first remainder takes
    right, left = lower.clamp(min=0), (-lower).clamp(min=0)
    magnitude = balanced.abs()
    first = magnitude >> right
    # |B|·2^left ≥ D, asked without the wide product, which is small where it is formed.
    saturated = first > (divisor - 1) >> left
    remainder = torch.where(saturated, 0, first) << left
    quotient = torch.zeros_like(remainder)
    for step in range(int(steps.max())):
        below = lower - 1 - step
        bit = torch.where(below >= 0, magnitude >> below.clamp(min=0) & 1, 0)
        remainder = remainder << 1 | bit
        fits = remainder >= divisor
        remainder = torch.where(fits, remainder - divisor, remainder)
        # A neuron whose quotient has fewer bits than another's is done before it.
        quotient = torch.where(step < steps, quotient << 1 | fits, quotient)
    quotient = torch.where(saturated, (1 << steps) - 1, quotient)
    return torch.where(balanced < 0, -quotient, quotient)


def _restoring(neuron: EINeuronFixed, tensor: ToTensor) -> Divide:
    shift, bits = (tensor(p).long() for p in (neuron.quotient_shift, neuron.quotient_bits))

    def divide(balanced: Tensor, divisor: Tensor) -> Tensor:
        q = restoring_division(balanced.long(), divisor.long(), shift, bits)
        return q.to(balanced.dtype)

    return divide
