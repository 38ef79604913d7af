"""Operators between populations of any shapes."""

from __future__ import annotations

import math

from eideploy.conform.generate.numbers import Numbers, Shape
from eideploy.program import Conv2d, Dense, Identity, Operator, Population, Projection, planar


def connect(
    numbers: Numbers, source: Population, target: Population, port: str, delay: int, reach: float
) -> Projection:
    """A projection of any operator that maps the shape of `source` to that of `target`."""
    rng, before, after = numbers.rng, source.shape, target.shape
    kinds: list[type[Operator]] = [Dense]
    if math.prod(before) == math.prod(after):
        kinds += [Identity]
    if min(len(before), len(after)) > 1:
        kinds += [Conv2d] * 3
    kind = rng.choice(kinds)
    if kind is Conv2d:
        shape, geometry = _geometry(numbers, planar(before), planar(after))
        weights = numbers.weights(shape, math.prod(shape[1:]), reach, port)
        operator: Operator = Conv2d(weights.values, *geometry)
    elif kind is Identity:
        shape = rng.choice(((), (math.prod(before),)))
        weights = numbers.weights(shape, 1, reach, port)
        operator = Identity(weights.values)
    else:
        shape = (math.prod(after), math.prod(before))
        weights = numbers.weights(shape, shape[1], reach, port)
        operator = Dense(weights.values)
    return Projection(
        source.name, target.name, operator, port, delay, weights.exponent, weights.sign
    )


Pair = tuple[int, int]


def _geometry(
    numbers: Numbers, before: Shape, after: Shape
) -> tuple[Shape, tuple[Pair, Pair, Pair, int]]:
    """Shape of the weights, and (stride, padding, dilation, groups); the kernel comes last.

    A kernel of k taps sees (k − 1)·dilation + 1 pixels, which must be what is left of the padded
    extent after the strides.
    """
    rng = numbers.rng
    groups = rng.choice([g for g in (1, 2, 4) if before[0] % g == after[0] % g == 0])
    axes = []
    for extent, wanted in zip(before[1:], after[1:], strict=True):
        stride = rng.choice((1, 1, 2, 3))
        least = max(0, -(-(1 + stride * (wanted - 1) - extent) // 2))
        padding = least + rng.choice((0, 0, 1))
        over = rng.randrange(stride)  # pixels that no window reaches
        seen = extent + 2 * padding - stride * (wanted - 1)
        seen = max(1, seen - over)
        dilation = rng.choice([d for d in (1, 1, 2, 3) if (seen - 1) % d == 0])
        axes.append((stride, padding, dilation, (seen - 1) // dilation + 1))
    (sh, ph, dh, kh), (sw, pw, dw, kw) = axes
    shape = (after[0], before[0] // groups, kh, kw)
    return shape, ((sh, sw), (ph, pw), (dh, dw), groups)
