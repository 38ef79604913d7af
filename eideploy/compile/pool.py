"""A pool and the operator behind it, or before it, as one operator.

Along one axis a pool of taps u, stride s and padding p makes y_j = Σ_a u_a·x_{js − p + a} of x, and
a convolution of kernel w, stride S, padding P and dilation D makes z_i = Σ_b w_b·y_{iS − P + bD} of
y. Put together,

    z_i = Σ_{b,a} w_b·u_a·x_{i·(Ss) − (Ps + p) + (b·Ds + a)}

is a convolution of stride Ss and padding Ps + p whose kernel is w spread out by Ds, and convolved
with u. It is the same where the y beyond both ends, 0 by padding, are 0 as sums over x too.
"""

from __future__ import annotations

import itertools

import numpy as np

from eideploy.program import Array, Conv2d, Dense, Operator, planar

Shape = tuple[int, ...]


def behind_pool(
    pool: Operator, operator: Operator, source: Shape, pooled: Shape, target: Shape
) -> Operator | None:
    """The operator that does what `pool` and then `operator` do, or None if there is none.

    There is none for a convolution that pads and would then see what the pool leaves out: a last
    row that fills no window, or the edge once more where windows overlap.

    Args:
        pool: the same for each channel by itself, without dilation; else nothing is folded.
        operator: what follows.
        source: shape of what is pooled, [c, h, w].
        pooled: shape of what the pool makes, [c, h', w'].
        target: shape of what the operator makes of it; also [c, l], after a Flatten of rows.
    """
    if not isinstance(pool, Conv2d) or not _pools(pool):
        return None
    match operator:
        case Dense(weight):
            return Dense(_spread(weight, pool, source, pooled))
        case Conv2d() if _sees_the_same(pool, operator, source, pooled, planar(target)):
            return _convolved(pool, operator)
    return None


def before_pool(operator: Conv2d, pool: Conv2d) -> Conv2d | None:
    """The convolution that does what `operator` and then `pool` do, or None if there is none.

        Σ_{a,b} u_a·w_b·x_{i·(Ss) − P + (a·S + b·D)}        for a pool that does not pad

    A pool that pads sees 0 where the convolution, of its own padding, may have seen the input.
    """
    if any(pool.padding) or not _pools(pool):
        return None
    weight, taps, stride = operator.weight, pool.weight[0, 0], operator.stride
    reach = [d * (k - 1) + 1 for d, k in zip(operator.dilation, weight.shape[2:], strict=True)]
    size = [s * (k - 1) + r for s, k, r in zip(stride, taps.shape, reach, strict=True)]
    kernel = np.zeros((*weight.shape[:2], *size))
    for (i, j), tap in np.ndenumerate(taps):
        rows, columns = (
            slice(a * s, a * s + r, d)
            for a, s, r, d in zip((i, j), stride, reach, operator.dilation, strict=True)
        )
        kernel[:, :, rows, columns] += tap * weight
    return Conv2d(kernel, _times(stride, pool.stride), operator.padding, groups=operator.groups)


def _pools(operator: Conv2d) -> bool:
    weight = operator.weight
    return (
        operator.groups == len(weight)
        and weight.shape[1] == 1
        and operator.dilation == (1, 1)
        and bool(np.all(weight == weight[:1]))
    )


def _sees_the_same(
    pool: Conv2d, after: Conv2d, source: Shape, pooled: Shape, target: Shape
) -> bool:
    """Whether all windows beyond the ends of what the pool makes lie beyond those of its input."""
    for axis in (0, 1):
        extent, made = source[1 + axis], pooled[1 + axis]
        window, stride, padding = pool.weight.shape[2 + axis], pool.stride[axis], pool.padding[axis]
        first = -after.padding[axis]
        reach = after.dilation[axis] * (after.weight.shape[2 + axis] - 1)
        last = first + (target[1 + axis] - 1) * after.stride[axis] + reach
        if first < 0 and window > stride + padding:
            return False
        if last >= made and made * stride - padding < extent:
            return False
    return True


def _convolved(pool: Conv2d, after: Conv2d) -> Conv2d:
    taps, strides = pool.weight[0, 0], pool.stride
    steps = [d * s for d, s in zip(after.dilation, strides, strict=True)]
    places = [
        range(0, n * step, step) for n, step in zip(after.weight.shape[2:], steps, strict=True)
    ]
    size = [place[-1] + k for place, k in zip(places, taps.shape, strict=True)]
    kernel = np.zeros((*after.weight.shape[:2], *size))
    for (i, row), (j, column) in itertools.product(*map(enumerate, places)):
        window = np.s_[:, :, row : row + taps.shape[0], column : column + taps.shape[1]]
        kernel[window] += after.weight[:, :, i, j, None, None] * taps
    return Conv2d(
        kernel,
        stride=_times(after.stride, strides),
        padding=_plus(_times(after.padding, strides), pool.padding),
        groups=after.groups,
    )


def _spread(weight: Array, pool: Conv2d, source: Shape, pooled: Shape) -> Array:
    """Weights [n, pooled] as [n, source]: each column goes to the whole window that it is about."""
    taps, (ph, pw) = pool.weight[0, 0], pool.padding
    columns = weight.reshape(-1, *pooled)
    channels, height, width = source
    spread = np.zeros((len(columns), channels, height + 2 * ph, width + 2 * pw))
    for (i, j), tap in np.ndenumerate(taps):
        rows, places = (
            slice(start, start + (n - 1) * stride + 1, stride)
            for start, n, stride in zip((i, j), pooled[1:], pool.stride, strict=True)
        )
        spread[:, :, rows, places] += tap * columns
    return spread[:, :, ph : ph + height, pw : pw + width].reshape(len(columns), -1)


def _times(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] * other[0], one[1] * other[1]


def _plus(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]
