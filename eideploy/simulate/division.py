"""The quotient of the E-I neuron on a chip without a divide instruction."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.signedinteger[Any]]


def restoring_division(
    balanced: Integers, shunt: Integers, floor: int, shift: int, bits: int
) -> Integers:
    """sgn(B)·min(⌊|B|·2^shift / max(S, floor)⌋, 2^(bits − 1) − 1) by shift, compare and subtract.

    Bit by bit, as on paper. The quotient has m = bits − 1 bits, so the bits of |B|·2^shift above
    its last m are the first remainder; where they hold the divisor, the quotient needs more than
    m bits and saturates. Then, m times: shift the next bit of |B|·2^shift into the remainder;
    where that holds the divisor, subtract it and note a 1, else a 0.

    That is m steps, 16 for a quotient of 17 bits. A remainder stays below its divisor and
    |B|·2^shift is never formed, so that for |B|, S < 2²³ and m ≤ 24 no register needs more than 25
    bits, sign included.

    Source: restoring division, the textbook's; the quotient is that of `EINeuronFixed`.

    Args:
        balanced: B, |B| < 2²³, integers.
        shunt: S < 2²³, integers that broadcast to B.
        floor: S_min ≥ 1.
        shift: F + e ≥ 0, as `EINeuronFixed.quotient_shift`.
        bits: width of the quotient, sign included, as `EINeuronFixed.quotient_bits`.
    """
    divisor = np.where(shunt > floor, shunt, floor)
    magnitude = np.where(balanced < 0, -balanced, balanced)
    steps = bits - 1
    lower = steps - shift  # bits of |B| below those that the first remainder takes
    if lower >= 0:
        saturated = magnitude >> lower >= divisor
        remainder = np.where(saturated, 0, magnitude >> lower)
    else:
        # |B|·2^k ≥ D, asked without the wide product, which is then small where it is formed.
        saturated = magnitude > (divisor - 1) >> -lower
        remainder = np.where(saturated, 0, magnitude) << -lower
    quotient = np.zeros_like(magnitude)
    for step in range(steps):
        below = lower - 1 - step
        remainder = remainder << 1
        if below >= 0:
            remainder = remainder | (magnitude >> below & 1)
        fits = remainder >= divisor
        remainder = np.where(fits, remainder - divisor, remainder)
        quotient = quotient << 1 | fits
    quotient = np.where(saturated, (1 << steps) - 1, quotient)
    return np.where(balanced < 0, -quotient, quotient)
