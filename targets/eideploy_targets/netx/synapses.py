"""What becomes of the weights of a file in netx, before Lava uses them.

netx moves a dense matrix to the most significant bits, says how many of them it needs, and lets
Lava clip and cut accordingly. That is meant to change nothing, and for matrices of both signs it
does not. Where the sign is single it may: −128 in a matrix without positive weights becomes −127.
Convolutions are taken as they are.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from eideploy.errors import UnsupportedError
from eideploy.program import Array

LEAST, LARGEST = -256, 255


class Held(NamedTuple):
    """Weights as Lava's Dense holds them, and the exponent by which it shifts their sum."""

    weight: Array
    exponent: int


class _Room(NamedTuple):
    """How far a matrix is moved up, and how many bits it then needs."""

    shift: int
    bits: int


def held(*matrices: Array, shifted_back: bool = True) -> list[Held]:
    """The matrices of one layer as netx hands them to Lava, in the same order.

    Args:
        matrices: [n, inputs] of the layer, and [n, n] of its recurrent synapses if it has some;
            they share one exponent.
        shifted_back: Lava is told the exponent, as it is but in recurrent layers with delays
            (`blocks.RecurrentDense`).

    Raises:
        UnsupportedError: a weight is beyond what netx can hold.
    """
    together = np.hstack(matrices)
    if np.max(together) > 0 > np.min(together):
        matrices = tuple(np.clip(matrix, LEAST, LARGEST - 1) for matrix in matrices)
        together = np.hstack(matrices)
    if np.max(together) > LARGEST or np.min(together) < LEAST:
        raise UnsupportedError(
            f"weights range over [{np.min(together)}, {np.max(together)}]; netx holds "
            f"{LEAST}…{LARGEST - 1} where signs are mixed and up to 8 bits where they are not"
        )
    if not np.any(together):
        return [Held(matrix, 0) for matrix in matrices]
    room = _room(together)
    moved = [_cut(matrix << room.shift, room.bits) for matrix in matrices]
    return [_without_exponent(m, room) if shifted_back else Held(m, 0) for m in moved]


def _room(weight: Array) -> _Room:
    """As `lava.lib.dl.netx.utils.optimize_weight_bits`."""
    high, low = int(np.max(weight)), int(np.min(weight))
    mixed = low < 0 <= high
    if not mixed:
        scale = 255 / high if low >= 0 else 256 / -low
    else:
        scale = min(127 / high if high else math.inf, 128 / -low)
    shift = math.floor(math.log2(scale)) + mixed
    zeros = next((n for n in range(8, 0, -1) if not np.any(weight % 2**n)), 0)
    return _Room(shift, 8 - shift - (zeros - mixed))


def _cut(weight: Array, bits: int) -> Array:
    """As `clip_weights` and `truncate_weights` of lava/utils/weightutils.py."""
    mixed = bool(np.any(weight < 0) and np.any(weight > 0))
    sign = -1 if np.any(weight < 0) and not mixed else 1
    clipped = np.clip(sign * weight, LEAST if mixed else 0, LARGEST)
    lost = 8 - bits + mixed
    # A negative number of bits to lose shifts everything out.
    return sign * ((clipped >> lost) << lost) if lost >= 0 else np.zeros_like(weight)


def _without_exponent(weight: Array, room: _Room) -> Held:
    """The same with weights in units of 1, wherever the shift of the sum loses nothing."""
    if np.any(weight % 2**room.shift):
        return Held(weight, -room.shift)
    return Held(weight >> room.shift, 0)
