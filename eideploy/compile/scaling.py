"""Operators with scaled rows or columns, where the operator can hold the factors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eideploy.program import Array, Conv2d, Dense, Identity, Operator

Shape = tuple[int, ...]


def scale_rows(operator: Operator, factors: Array, shape: Shape) -> Operator | None:
    """diag(factors)·operator, or None if the operator cannot hold it.

    Args:
        operator: what is scaled. A convolution can hold one factor for each channel only.
        factors: one for each neuron that it leads to, in a form that broadcasts to `shape`.
        shape: of the population that it leads to.
    """
    weight = operator.weight
    if factors.ndim == 0:
        return replace(operator, weight=weight * factors)
    rows = np.broadcast_to(factors, shape)
    match operator:
        case Dense():
            return replace(operator, weight=weight * rows.reshape(-1, 1))
        case Identity():
            return replace(operator, weight=weight * rows.ravel())
        case Conv2d() if (channels := _per_channel(rows)) is not None:
            return replace(operator, weight=weight * channels.reshape(-1, 1, 1, 1))
    return None


def scale_columns(operator: Operator, factors: Array, shape: Shape) -> Operator | None:
    """operator·diag(factors), or None if the operator cannot hold it.

    Args:
        operator: what is scaled. A convolution can hold one factor for each channel only.
        factors: one for each neuron that it starts from, in a form that broadcasts to `shape`.
        shape: of the population that it starts from.
    """
    weight = operator.weight
    if factors.ndim == 0:
        return replace(operator, weight=weight * factors)
    columns = np.broadcast_to(factors, shape)
    match operator:
        case Dense() | Identity():
            return replace(operator, weight=weight * columns.ravel())
        case Conv2d(groups=groups) if (channels := _per_channel(columns)) is not None:
            grouped = weight.reshape(groups, -1, *weight.shape[1:])
            scaled = grouped * channels.reshape(groups, 1, -1, 1, 1)
            return replace(operator, weight=scaled.reshape(weight.shape))
    return None


def _per_channel(values: Array) -> Array | None:
    """One value for each channel, or None if they differ within one."""
    channels = values.reshape(len(values), -1)
    return channels[:, 0] if np.all(channels == channels[:, :1]) else None
