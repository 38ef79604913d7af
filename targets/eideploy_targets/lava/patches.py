"""Convolution as a product of matrices: exact in integers, and only over channels that spike."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from eideploy.program import Array, Conv2d

EXACT: dict[np.dtype[Any], int] = {np.dtype(np.float32): 2**24, np.dtype(np.float64): 2**53}
"""Floating point, in which products are fast, and below what its sums of integers are exact."""

FEW = 0.5
"""Share of channels that are not 0 below which leaving the others out pays."""


class Patches:
    """Synapses whose patches, the parts of a source under the kernel, are columns of a matrix.

    Args:
        weight: [c_target, c_source / groups, kernel_h, kernel_w], floating point or integers.
        operator: the geometry, for weights of this shape.
        shape: of the source, [c, h, w].
    """

    def __init__(self, weight: Array, operator: Conv2d, shape: tuple[int, ...]) -> None:
        self.weight = weight
        self.operator = operator
        self.shape = shape
        self.size = math.prod(operator.output_shape(shape))
        self.integer = weight.dtype.kind == "i"
        # No sum, not even a part of one, is larger than this times the largest input.
        self.gain = float(np.abs(weight).sum(axis=(1, 2, 3), dtype=float).max())
        self._products: dict[np.dtype[Any], _Product] = {}

    def sums(self, x: Array) -> Array:
        """Σ weight·patch for each neuron of the target, in a row.

        Args:
            x: the source, in a row. Where the weights are integers the sums are int64 and exact.
        """
        source = x.reshape(self.shape)
        active = np.flatnonzero(source.any(axis=(1, 2)))
        if len(active) == 0:
            return np.zeros(self.size, np.int64 if self.integer else float)
        dtype = self._type(x)
        if dtype not in self._products:
            weight = self.weight.astype(dtype)
            self._products[dtype] = _Product(weight, self.operator, self.shape)
        few = self.operator.groups == 1 and len(active) < FEW * len(source)
        sums = self._products[dtype](source, active if few else slice(None))
        return sums.astype(np.int64) if self.integer else sums

    def _type(self, x: Array) -> np.dtype[Any]:
        """The smallest type in which sums are exact."""
        if not self.integer:
            return np.dtype(float)
        reach = self.gain * max(int(x.max()), -int(x.min()))
        return next((dtype for dtype, limit in EXACT.items() if reach < limit), np.dtype(np.int64))


class _Product:
    """The product in one type of numbers, with its buffers: new ones each time would take longer.

    `kernels` [c_source, kernel, c_target / groups], `frame` the source with its padding, `patches`
    [c_source, kernel_h, kernel_w, h, w] a view of it, `columns` a buffer of the same shape.
    """

    def __init__(self, weight: Array, operator: Conv2d, shape: tuple[int, ...]) -> None:
        channels, height, width = shape
        (ph, pw), (sh, sw), (dh, dw) = operator.padding, operator.stride, operator.dilation
        _, inputs, kh, kw = weight.shape
        self.groups = operator.groups
        by_group = weight.reshape(self.groups, -1, inputs, kh * kw)
        self.kernels = by_group.transpose(0, 2, 3, 1).reshape(channels, kh * kw, -1)
        self.frame = np.zeros((channels, height + 2 * ph, width + 2 * pw), weight.dtype)
        self.inside = slice(ph, ph + height), slice(pw, pw + width)
        extent = (kh - 1) * dh + 1, (kw - 1) * dw + 1
        windows = sliding_window_view(self.frame, (channels, *extent))[0]
        self.patches = windows[::sh, ::sw, :, ::dh, ::dw].transpose(2, 3, 4, 0, 1)
        self.columns = np.empty(self.patches.shape, weight.dtype)

    def __call__(self, source: Array, active: Any) -> Array:
        """Sums over the active channels, in a row."""
        kernels = self.kernels[active]
        count = len(kernels)
        self.frame[:count, self.inside[0], self.inside[1]] = source[active]
        columns = self.columns[:count]
        np.copyto(columns, self.patches[:count])
        pixels = math.prod(columns.shape[3:])
        left = kernels.reshape(self.groups, -1, kernels.shape[2]).transpose(0, 2, 1)
        return np.matmul(left, columns.reshape(self.groups, -1, pixels)).ravel()
