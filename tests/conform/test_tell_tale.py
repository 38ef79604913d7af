"""Cases of paths tell: a network that differs in what a case is about gives another trace.

The network is changed on purpose and shown to the oracle again. Whatever it expects then, an
executor with that mistake would give.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from eideploy.conform import Case
from eideploy.conform.digest import trace_digest
from eideploy.conform.expected import expected
from eideploy.program import Array, Conv2d, Dense, Identity, Program, Projection, planar

Change = Callable[[Program, Projection], Iterator[Projection]]

NEVER_ARRIVES = {
    "delays/longer-than-a-sample",
    "loops/longer-than-a-sample",
    "loops/one-step-only",
}
"""Cases in which a projection delivers nothing, and that is the point."""

UNHEARD = {"activity/silence", "activity/silence-with-bias", "loops/starts-by-itself"}
"""Cases in which an input is silent."""

UNMOVED = {"activity/silent-inhibition", "activity/saturation-throughout"}
"""Cases in which neurons never spike or always do, whatever they are shown."""


def cases(*topics: str) -> list[Case]:
    return [c for t in topics for c in import_module(f"eideploy.conform.cases.{t}").cases()]


SMALL = cases("delays", "loops", "convolution", "pooling", "fan", "ports", "activity")


@cache
def wanted(case: Case) -> str:
    return trace_digest(expected(case))


def unnoticed(case: Case, change: Change) -> list[str]:
    """Projections that `change` can be made to without another trace."""
    program = case.network
    assert isinstance(program, Program)
    changed = ((p, other) for p in program.projections for other in change(program, p))
    return [
        projection.name
        for projection, other in changed
        if trace_digest(
            expected(replace(case, network=program.replace_projection(projection, other)))
        )
        == wanted(case)
    ]


def ids(case: Any) -> str:
    return str(case.name)


def with_weights(projection: Projection, weight: Array) -> Projection:
    return replace(projection, operator=replace(projection.operator, weight=weight))


def another_delay(program: Program, projection: Projection) -> Iterator[Projection]:
    """A logical step more, and one less where that leaves something."""
    yield replace(projection, delay=projection.delay + program.stride)
    if program.lag(projection) and projection.delay > program.stride:
        yield replace(projection, delay=projection.delay - program.stride)


def no_weights(program: Program, projection: Projection) -> Iterator[Projection]:
    yield with_weights(projection, 0 * projection.operator.weight)


def another_exponent(program: Program, projection: Projection) -> Iterator[Projection]:
    yield replace(projection, exponent=projection.exponent + 1)


def another_kernel(program: Program, projection: Projection) -> Iterator[Projection]:
    """Reversed along each of its axes in turn, transposed, its channels exchanged."""
    weight = projection.operator.weight
    if isinstance(projection.operator, Conv2d):
        for axis in range(weight.ndim):
            if weight.shape[axis] > 1:
                yield with_weights(projection, np.flip(weight, axis))
        for one, two in ((2, 3), (0, 1)):
            if weight.shape[one] == weight.shape[two] > 1:
                yield with_weights(projection, weight.swapaxes(one, two))


def another_matrix(program: Program, projection: Projection) -> Iterator[Projection]:
    """Transposed, where that is a matrix between the same populations and not the same one."""
    weight = projection.operator.weight
    square = isinstance(projection.operator, Dense) and weight.shape[0] == weight.shape[1]
    if square and not np.array_equal(weight, weight.T):
        yield with_weights(projection, weight.T)


def another_order(program: Program, projection: Projection) -> Iterator[Projection]:
    """The weights of the neurons exchanged, last for first."""
    if isinstance(projection.operator, Identity) and projection.operator.weight.size > 1:
        yield with_weights(projection, projection.operator.weight[::-1])


@pytest.mark.parametrize(
    "case", [c for c in cases("delays", "loops") if c.name not in NEVER_ARRIVES | UNHEARD], ids=ids
)
def test_each_delay_shows_in_the_output(case: Case) -> None:
    assert unnoticed(replace(case, state=False), another_delay) == []


@pytest.mark.parametrize(
    "case", [c for c in SMALL if c.name not in NEVER_ARRIVES | UNHEARD | UNMOVED], ids=ids
)
def test_each_projection_shows_in_the_output(case: Case) -> None:
    assert unnoticed(replace(case, state=False), no_weights) == []


@pytest.mark.parametrize(
    "case", [c for c in SMALL if c.name not in NEVER_ARRIVES | UNHEARD], ids=ids
)
def test_each_exponent_matters(case: Case) -> None:
    assert unnoticed(case, another_exponent) == []


@pytest.mark.parametrize("case", cases("convolution"), ids=ids)
def test_each_axis_of_a_kernel_matters(case: Case) -> None:
    assert unnoticed(case, another_kernel) == []


@pytest.mark.parametrize("case", cases("delays", "loops", "fan", "ports"), ids=ids)
def test_rows_and_columns_and_neurons_matter(case: Case) -> None:
    assert unnoticed(case, another_matrix) == []
    assert unnoticed(case, another_order) == []


def another_geometry(program: Program, projection: Projection) -> Iterator[Projection]:
    """A number of its geometry is one more or less, and it still fits between its populations.

    A stride to a single pixel and a dilation of a single tap say nothing.
    """
    operator = projection.operator
    if isinstance(operator, Conv2d):
        source, target = (program.by_name[p].shape for p in (projection.source, projection.target))
        telling = {
            "stride": planar(target)[1:],
            "padding": (2, 2),
            "dilation": operator.weight.shape[2:],
        }
        for name, extents in telling.items():
            for axis, step in itertools.product(range(2), (-1, 1)):
                pair = list(getattr(operator, name))
                pair[axis] += step
                if extents[axis] > 1 and pair[axis] >= (name != "padding"):
                    other = replace(operator, **{name: tuple(pair)})
                    if other.fits(source, target):
                        yield replace(projection, operator=other)


@pytest.mark.parametrize("case", cases("convolution", "pooling"), ids=ids)
def test_each_number_of_a_geometry_matters(case: Case) -> None:
    assert unnoticed(case, another_geometry) == []


@pytest.mark.parametrize("case", cases("convolution"), ids=ids)
def test_groups_matter(case: Case) -> None:
    """Channels are dealt out to the groups in blocks, and not in turn."""

    def change(program: Program, projection: Projection) -> Iterator[Projection]:
        operator = projection.operator
        if isinstance(operator, Conv2d) and operator.groups > 1:
            targets = np.arange(len(operator.weight)).reshape(operator.groups, -1).T.ravel()
            if len(targets) > operator.groups:
                yield with_weights(projection, operator.weight[targets])

    assert unnoticed(case, change) == []
