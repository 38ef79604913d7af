"""Weighted sums as matrix products, and what several of them can share.

A product of matrices only multiplies and adds, so that it is exact wherever its sums are (see
`Bounds`). The convolutions of libraries may transform their operands (Winograd, FFT) and round;
here a convolution is one product over all positions of all samples.

Axes: B samples, C channels in, M channels out, H W extents, G groups, K synapses of a neuron.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from eideploy.errors import UnsupportedError
from eideploy.program import Array, Conv2d, Dense, Identity, Operator, planar

Pair = tuple[int, int]


@dataclass(frozen=True)
class Geometry:
    """How the output of a population becomes an operand, which weights then turn into sums.

    Equal geometries make equal operands, so that projections with one source can share theirs.
    """

    def operand(self, x: Tensor) -> Tensor:
        """What the weights are multiplied with, for the output x [B, *shape] of the source."""
        raise NotImplementedError

    def matrix(self, weight: Array) -> Array:
        """The weights of an operator as the other factor."""
        raise NotImplementedError

    def sums(self, operand: Tensor, matrix: Tensor) -> Tensor:
        """What arrives, [B, …]: as many values as the target has, in C order of the axes."""
        raise NotImplementedError


@dataclass(frozen=True)
class _All(Geometry):
    """Of `Dense`."""

    def operand(self, x: Tensor) -> Tensor:
        return x.flatten(1)

    def matrix(self, weight: Array) -> Array:
        return weight.T

    def sums(self, operand: Tensor, matrix: Tensor) -> Tensor:
        return operand @ matrix


@dataclass(frozen=True)
class _One(Geometry):
    """Of `Identity`."""

    def operand(self, x: Tensor) -> Tensor:
        return x.flatten(1)

    def matrix(self, weight: Array) -> Array:
        return weight

    def sums(self, operand: Tensor, matrix: Tensor) -> Tensor:
        return operand * matrix


@dataclass(frozen=True)
class _Window(Geometry):
    """Of `Conv2d`; images have their channels innermost, so that windows are copied in long runs.

    A kernel into which a pool was folded says the same weight for every neuron of a block. Blocks
    are summed first (`pool`), and kernel, stride and padding count blocks: for 2×2 that is a
    quarter of the products. Integers are only added in another order.
    """

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int
    pool: Pair

    def operand(self, x: Tensor) -> Tensor:
        """[G, B, H, W, K]."""
        x = x.reshape(len(x), *planar(tuple(x.shape[1:])))
        if self.pool != (1, 1):
            x = avg_pool2d(x, self.pool, divisor_override=1)
        (ph, pw), (sh, sw), (dh, dw) = self.padding, self.stride, self.dilation
        kh, kw = self.kernel
        x = pad(x.permute(0, 2, 3, 1), (0, 0, pw, pw, ph, ph)).contiguous()  # [B, H, W, C]
        b, h, w, c = x.shape
        extents = (h - dh * (kh - 1) - 1) // sh + 1, (w - dw * (kw - 1) - 1) // sw + 1
        image, row, column, channel = x.stride()
        windows = x.as_strided(
            (self.groups, b, *extents, kh, kw, c // self.groups),
            (c // self.groups, image, sh * row, sw * column, dh * row, dw * column, channel),
        )
        return windows.reshape(self.groups, b, *extents, -1)

    def matrix(self, weight: Array) -> Array:
        """[G, K, M/G]."""
        ph, pw = self.pool
        blocks = weight[:, :, ::ph, ::pw]  # [M, C/G, kernel_h, kernel_w]
        rows = blocks.transpose(0, 2, 3, 1).reshape(self.groups, len(weight) // self.groups, -1)
        return rows.transpose(0, 2, 1)

    def sums(self, operand: Tensor, matrix: Tensor) -> Tensor:
        """[B, M, H, W]."""
        groups, b, h, w, _ = operand.shape
        if groups == 1:
            total = operand[0].flatten(0, 2) @ matrix[0]  # [B·H·W, M]
        else:
            total = (operand.flatten(1, 3) @ matrix).transpose(0, 1).flatten(1)
        return total.view(b, h, w, -1).permute(0, 3, 1, 2)


def geometry(operator: Operator, source: tuple[int, ...]) -> Geometry:
    """The geometry of an operator on a source of a shape."""
    match operator:
        case Dense():
            return _All()
        case Identity():
            return _One()
        case Conv2d(weight, stride, padding, dilation, groups):
            kernel = (weight.shape[2], weight.shape[3])
            if _in_blocks(operator, planar(source)[1:]):
                ones = (1, 1)
                kernel, padding = _over(kernel, stride), _over(padding, stride)
                return _Window(kernel, ones, padding, ones, groups, pool=stride)
            return _Window(kernel, stride, padding, dilation, groups, pool=(1, 1))
    raise UnsupportedError(f"the twin has no operator {type(operator).__name__}")


def _in_blocks(operator: Conv2d, extents: tuple[int, ...]) -> bool:
    """Whether weights are equal within blocks of the stride, and all else counts whole blocks."""
    h, w = operator.stride
    if (h, w) == (1, 1) or operator.dilation != (1, 1):
        return False
    sizes = (extents, operator.padding, operator.weight.shape[2:])
    if any(size[0] % h or size[1] % w for size in sizes):
        return False
    blocks = operator.weight[:, :, ::h, ::w]
    return np.array_equal(operator.weight, blocks.repeat(h, axis=2).repeat(w, axis=3))


def _over(one: Pair, other: Pair) -> Pair:
    return one[0] // other[0], one[1] // other[1]
