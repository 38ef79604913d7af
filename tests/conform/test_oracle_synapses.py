"""Synapses that the oracle lists, held against sums written out from the definition."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from eideploy.conform.oracle.document import ProjectionDocument
from eideploy.conform.oracle.synapses import axon

PLAIN = {"stride": [1, 1], "padding": [0, 0], "dilation": [1, 1], "groups": 1}


def projection(operator: Any, weight: Any, **geometry: Any) -> ProjectionDocument:
    return {
        "source": "a",
        "target": "b",
        "port": "input",
        "delay": 1,
        "exponent": 0,
        "operator": operator,
        "weight": weight,
        "geometry": PLAIN | geometry if operator == "Conv2d" else {},
    }


def numbered(*shape: int) -> Any:
    """Nested lists of that shape, which hold 1, 2, 3 …"""
    counter = iter(range(1, 10_000))

    def nested(extents: tuple[int, ...]) -> Any:
        if not extents:
            return next(counter)
        return [nested(extents[1:]) for _ in range(extents[0])]

    return nested(shape)


def read(
    weight: Any, geometry: dict[str, Any], source: list[int], target: list[int]
) -> dict[tuple[int, int], int]:
    """Weights by (source, target), found by what each pixel of the output reads."""
    (channels, height, width), found = source, {}
    per_group = channels // geometry["groups"]
    (sh, sw), (ph, pw), (dh, dw) = (geometry[k] for k in ("stride", "padding", "dilation"))
    for index, (o, r, c) in enumerate(product(*map(range, target))):
        group = o // (target[0] // geometry["groups"])
        for i, kernel in enumerate(weight[o]):
            for j, k in product(range(len(kernel)), range(len(kernel[0]))):
                y, x = r * sh + j * dh - ph, c * sw + k * dw - pw
                if 0 <= y < height and 0 <= x < width:
                    neuron = ((group * per_group + i) * height + y) * width + x
                    found[neuron, index] = kernel[j][k]
    return found


@pytest.mark.parametrize(
    ("source", "target", "kernel", "geometry"),
    [
        pytest.param([2, 4, 5], [3, 2, 3], (3, 2, 3, 3), {}, id="plain"),
        pytest.param([2, 4, 5], [3, 4, 5], (3, 2, 3, 3), {"padding": [1, 1]}, id="padded"),
        pytest.param([1, 5, 6], [2, 2, 3], (2, 1, 2, 2), {"stride": [2, 2]}, id="strided"),
        pytest.param([1, 6, 5], [1, 2, 5], (1, 1, 3, 1), {"dilation": [2, 1]}, id="dilated"),
        pytest.param([4, 3, 3], [6, 2, 2], (6, 2, 2, 2), {"groups": 2}, id="in groups"),
        pytest.param([2, 2, 2], [2, 1, 1], (2, 2, 4, 4), {"padding": [1, 1]}, id="large kernel"),
        pytest.param(
            [2, 7, 6],
            [2, 4, 2],
            (2, 1, 3, 2),
            {"stride": [2, 3], "padding": [2, 1], "dilation": [2, 3], "groups": 2},
            id="all at once",
        ),
    ],
)
def test_a_convolution_leads_where_its_outputs_read(
    source: list[int], target: list[int], kernel: tuple[int, ...], geometry: dict[str, Any]
) -> None:
    weight = numbered(*kernel)
    synapses = axon(projection("Conv2d", weight, **geometry), source, target, int)
    neurons = range(source[0] * source[1] * source[2])
    found = {(neuron, other): w for neuron in neurons for other, w in synapses(neuron)}
    assert found == read(weight, PLAIN | geometry, source, target)


def test_a_row_of_pixels_counts_as_an_image_of_one_row() -> None:
    synapses = axon(projection("Conv2d", [[[[1, 2]]]]), [1, 3], [1, 2], int)
    assert [synapses(neuron) for neuron in range(3)] == [[(0, 1)], [(1, 1), (0, 2)], [(1, 2)]]


def test_a_dense_neuron_leads_to_all_rows_but_those_of_no_weight() -> None:
    synapses = axon(projection("Dense", [[1, 2], [3, 0]]), [2], [2], int)
    assert [synapses(0), synapses(1)] == [[(0, 1), (1, 3)], [(0, 2)]]


@pytest.mark.parametrize(
    ("weight", "expected"), [(5, [(1, 5)]), ([5], [(1, 5)]), ([5, -6], [(1, -6)])]
)
def test_an_identity_leads_one_to_one(weight: Any, expected: list[tuple[int, int]]) -> None:
    assert axon(projection("Identity", weight), [2], [2, 1], int)(1) == expected
