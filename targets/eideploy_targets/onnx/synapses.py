"""Projections as nodes: exact weighted sums, never a dense matrix made of a convolution.

A convolution gathers its patches by constant positions and multiplies them with a matrix, since
the convolutions of runtimes may transform what they multiply (Winograd, FFT) and round, and some
have none in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eideploy.errors import UnsupportedError
from eideploy.program import Array, Conv2d, Dense, Identity, Population, Projection, planar
from eideploy_targets.onnx.sheet import Sheet


def deliver(
    sheet: Sheet,
    projection: Projection,
    source: Population,
    target: Population,
    exact: np.dtype[Any],
    emitted: str,
) -> str:
    """Add what a projection delivers for what its source emitted.

    Args:
        sheet: where the nodes go.
        projection: the synapses.
        source: population that emits.
        target: population that receives.
        exact: type of number in which the sums are taken, see `bounds`.
        emitted: name of the value [sample, *shape of the source].

    Returns:
        Name of the value [sample, *shape of the target], in the numbers of the Program.

    Raises:
        UnsupportedError: the operator is of an unknown kind.
    """
    name, operator = projection.name, projection.operator
    like = sheet.constant("zero", 0)
    shape = [0, *target.shape]
    match operator:
        case Dense(weight):
            rows = sheet.constant(f"{name}.weight", weight.T, exact)
            total = sheet.add("Dense", [emitted, rows, like], f"{name}.sum", name, shape=shape)
        case Identity(weight):
            factor = sheet.constant(f"{name}.weight", weight)
            total = sheet.add("OneToOne", [emitted, factor, like], f"{name}.sum", name, shape=shape)
        case Conv2d():
            total = _convolve(sheet, name, operator, source.shape, shape, exact, emitted)
        case _:
            raise UnsupportedError(
                f"projection {name}: there is no {type(operator).__name__} in ONNX models"
            )
    return _scale(sheet, name, total, projection.exponent)


def _convolve(
    sheet: Sheet,
    name: str,
    operator: Conv2d,
    source: tuple[int, ...],
    shape: list[int],
    exact: np.dtype[Any],
    emitted: str,
) -> str:
    channels, height, width = planar(source)
    groups, per_group = operator.groups, channels // operator.groups
    (ph, pw), kernel = operator.padding, operator.weight.shape[2:]
    positions = _taps(operator, (channels, height, width))
    taps = sheet.constant(f"taps of {name}", positions, np.int32)
    pads = sheet.constant(f"pads of {name}", [0, 0, ph, pw, 0] * 2, np.int64)
    rows = sheet.constant(f"{name}.weight", _rows(operator), exact)
    return sheet.add(
        "Conv2d",
        [emitted, pads, taps, rows, sheet.constant("zero", 0)],
        f"{name}.sum",
        name,
        planes=[0, groups, per_group, height, width],
        line=[0, groups, (height + 2 * ph) * (width + 2 * pw), per_group],
        rows=[0, groups, len(positions), positions.shape[1] * per_group],
        shape=shape,
        doc_string=(
            f"kernel {tuple(kernel)}, stride {operator.stride}, padding {operator.padding}, "
            f"dilation {operator.dilation}, groups {groups}"
        ),
    )


def _taps(operator: Conv2d, source: tuple[int, ...]) -> Array:
    """Which positions of the padded plane each position of the target sees: [position, tap]."""
    _, *target = operator.output_shape(source)
    along = [
        np.arange(extent)[:, None] * stride + np.arange(kernel) * dilation
        for extent, stride, kernel, dilation in zip(
            target, operator.stride, operator.weight.shape[2:], operator.dilation, strict=True
        )
    ]
    row, column = along[0][:, None, :, None], along[1][None, :, None, :]
    padded_width = source[2] + 2 * operator.padding[1]
    return (row * padded_width + column).reshape(target[0] * target[1], -1)


def _rows(operator: Conv2d) -> Array:
    """Weights [group, tap·channel, n_target / group]; one group goes without the first axis."""
    groups, (targets, per_group) = operator.groups, operator.weight.shape[:2]
    weight = operator.weight.reshape(groups, targets // groups, per_group, -1)
    rows = weight.transpose(0, 3, 2, 1).reshape(groups, -1, targets // groups)
    return rows[0] if groups == 1 else rows


def _scale(sheet: Sheet, name: str, total: str, exponent: int) -> str:
    """⌊total · 2^exponent⌋."""
    if exponent == 0:
        return total
    unit = sheet.constant(f"{name}.unit", 2 ** abs(exponent))
    kind = "Mul" if exponent > 0 else "FloorDivision"
    return sheet.add(kind, [total, unit], f"{name}.scaled")
