"""Real numbers as integers: weights and payloads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eideploy.errors import QuantizationError
from eideploy.program import Projection, Source

PAYLOAD_LEVELS = 255
"""Graded inputs are 8-bit payloads."""


def payload_source(name: str, source: Source) -> Source:
    """Payloads: the training data's own levels where they fit, else 255 of them.

    Raises:
        QuantizationError: the range of the input `name` is nothing but 0.
    """
    largest = float(max(abs(source.minimum), abs(source.maximum)))
    if largest == 0:
        raise QuantizationError(
            f"input {name!r} ranges over [0, 0]: there is no payload to scale",
            "Write its range into the graph: `low` and `high` in the metadata of the Input node.",
        )
    scale, levels = PAYLOAD_LEVELS / largest, int(source.levels)
    if levels > 0 and source.maximum > 0:
        own = levels / float(source.maximum)
        scale = own if own * largest <= PAYLOAD_LEVELS else scale
    return replace(source, scale=scale)


def largest_weight(projection: Projection, weight_bits: int) -> int:
    """Largest weight: 255 for one sign and 254 for mixed ones at 8 bits."""
    return 256 - weight_step(projection, weight_bits)


def weight_step(projection: Projection, weight_bits: int) -> int:
    """Distance of neighbouring weights: the lost bits, and one more for the sign."""
    return int(2 ** (8 - weight_bits + (projection.sign == "mixed")))


def weight_levels(projection: Projection, weight_bits: int) -> int:
    """How many steps the largest weight is: 127 for mixed signs at 8 bits, 255 for one."""
    return largest_weight(projection, weight_bits) // weight_step(projection, weight_bits)


def integer_weights(
    projection: Projection, factor: float, weight_bits: int, reach: float, least: int = 0
) -> Projection:
    """W·factor as integers with the smallest exponent that brings `reach` into range.

    Args:
        projection: of the float Program.
        factor: integer units per unit of weight.
        weight_bits: width of the integers.
        reach: magnitude that shall not saturate; larger ones do.
        least: least exponent.
    """
    most, step = largest_weight(projection, weight_bits), weight_step(projection, weight_bits)
    exponent = least
    while reach * factor / 2.0**exponent > most + step / 2:
        exponent += 1
    rounded = np.rint(projection.operator.weight * (factor / (step * 2.0**exponent))) * step
    integer = np.clip(rounded, -most, most).astype(np.int64)
    return replace(
        projection,
        operator=replace(projection.operator, weight=integer),
        exponent=exponent,
    )
