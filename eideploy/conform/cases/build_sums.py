"""Neurons that say by their spikes alone what arrives, to the unit, for cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import lif, matrix, source
from eideploy.program import (
    Array,
    Dense,
    Identity,
    Operator,
    Population,
    Program,
    Projection,
    Stimulus,
)
from eideploy.program.program import Sign

FORGETS = {"voltage_decay": 4096}
"""u and v are 2⁶ times what arrives, and nothing else."""

MOST_BIAS = 4095
"""Largest mantissa of a bias."""


def sums(name: str, claim: str, steps: Sequence[Sequence[int] | int], *into: Projection) -> Case:
    """A case in which each sum that arrives is held between two thresholds.

    Of every row of weights there are two neurons for each of its sums s: one of θ = s, which stays
    silent, and one of θ = s − 1, which spikes. Where s is not above 0 a bias lifts it to 1.

    Args:
        name: of the case.
        claim: of the case.
        steps: what is shown, a number for each source.
        into: projections from `in` to `out`, all of rows of weights or all one-to-one.
    """
    x = np.array([[step] if isinstance(step, int) else step for step in steps])
    arriving = np.sum([_delivered(projection, x) for projection in into], axis=0)
    read = [
        (row, int(total) + lift - less, lift)
        for row, totals in enumerate(arriving.T)
        for total in sorted(set(totals))
        for lift in [max(0, 1 - int(total))]
        for less in (0, 1)
        if lift <= MOST_BIAS
    ]
    rows, thresholds, lifts = (np.array(values) for values in zip(*read, strict=True))
    if isinstance(into[0].operator, Identity):
        x = x[:, rows]
    least, most = min(0, int(x.min())), max(1, int(x.max()))
    neuron = lif(**FORGETS, threshold=thresholds, bias_mantissa=lifts, bias_exponent=6)
    program = Program(
        (
            source(x.shape[1], minimum=least, maximum=most),
            Population("out", (len(rows),), neuron, 1),
        ),
        tuple(replace(one, operator=_of_rows(one.operator, rows)) for one in into),
        "integer",
        ("out",),
    )
    return Case(name, claim, program, Stimulus({"in": x[None]}))


def synapses(
    rows: Sequence[Sequence[int]], sign: Sign = "mixed", *, exponent: int = 0
) -> Projection:
    """All to all, [target, source]."""
    return Projection("in", "out", matrix(rows), delay=1, sign=sign, exponent=exponent)


def one_to_one(weight: int | list[int], *, exponent: int = 0) -> Projection:
    """Each to its own, by one weight for all or one for each."""
    return Projection("in", "out", Identity(np.array(weight)), delay=1, exponent=exponent)


def _delivered(projection: Projection, x: Array) -> Array:
    """What arrives, [step, row]."""
    weight = projection.operator.weight
    total = x @ weight.T if isinstance(projection.operator, Dense) else x * weight
    return np.floor(total * 2.0**projection.exponent).astype(np.int64)


def _of_rows(operator: Operator, rows: Array) -> Operator:
    weight = operator.weight
    return replace(operator, weight=weight[rows] if weight.ndim else weight)
