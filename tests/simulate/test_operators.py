"""Operators against explicit loops and against torch's own convolution; weight exponents."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from eideploy.program import (
    Conv2d,
    Dense,
    Identity,
    Operator,
    Population,
    Program,
    Projection,
    Relay,
    Source,
    Stimulus,
    Trace,
)


def through(
    execute: Any, operator: Operator, x: NDArray[Any], shape: tuple[int, ...], exponent: int = 0
) -> NDArray[Any]:
    """What a relay of `shape` receives for x [sample, *shape of the source]."""
    largest = int(np.abs(x).max()) + 1
    program = Program(
        (
            Population("in", x.shape[1:], Source(-largest, largest)),
            Population("out", shape, Relay(), offset=1),
        ),
        (Projection("in", "out", operator, delay=1, exponent=exponent),),
        "integer" if x.dtype == np.int64 else "float",
        ("out",),
    )
    trace: Trace = execute(program, Stimulus({"in": x[:, None]}))
    return trace["out"].output[:, 0]


def convolve(x: NDArray[Any], conv: Conv2d, shape: tuple[int, ...]) -> NDArray[Any]:
    """Cross-correlation of x [c, h, w] by loops over Python integers."""
    y = np.zeros(shape, dtype=object)
    outputs, per_group, kernel_h, kernel_w = conv.weight.shape
    for o, i, j in itertools.product(*map(range, shape)):
        first = o // (outputs // conv.groups) * per_group
        for c, k, m in itertools.product(range(per_group), range(kernel_h), range(kernel_w)):
            row = i * conv.stride[0] - conv.padding[0] + k * conv.dilation[0]
            col = j * conv.stride[1] - conv.padding[1] + m * conv.dilation[1]
            if 0 <= row < x.shape[1] and 0 <= col < x.shape[2]:
                y[o, i, j] += int(conv.weight[o, c, k, m]) * int(x[first + c, row, col])
    return y


PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    kernel=PAIRS,
    stride=PAIRS,
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=PAIRS,
    groups=st.integers(1, 2),
    channels=st.tuples(st.integers(1, 2), st.integers(1, 2)),
)
def test_convolution_by_loops(
    execute: Any,
    seed: int,
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    channels: tuple[int, int],
) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.integers(-256, 256, (groups * channels[0], channels[1], *kernel))
    conv = Conv2d(weight, stride, padding, dilation, groups)
    x = rng.integers(-255, 256, (1, groups * channels[1], *size))
    shape = conv.output_shape(x.shape[1:])
    assume(min(shape) > 0)
    got = through(execute, conv, x, shape)
    assert got.dtype == np.int64
    assert np.array_equal(got[0], convolve(x[0], conv, shape))


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
@pytest.mark.parametrize(
    "geometry",
    [
        {},
        {"padding": (1, 1)},
        {"stride": (2, 3), "padding": (0, 2)},
        {"dilation": (2, 1)},
        {"groups": 4},
        {"stride": (2, 1), "padding": (2, 1), "dilation": (1, 3), "groups": 2},
    ],
    ids=str,
)
def test_convolution_as_in_torch(execute: Any, geometry: dict[str, Any], dtype: type) -> None:
    rng = np.random.default_rng(1)
    groups = geometry.get("groups", 1)
    weight = rng.integers(-128, 128, (8, 4 // groups, 3, 2)).astype(dtype)
    x = rng.integers(0, 256, (2, 4, 9, 11)).astype(dtype)
    expected = torch.nn.functional.conv2d(
        torch.tensor(x, dtype=torch.float64),
        torch.tensor(weight, dtype=torch.float64),
        **geometry,
    ).numpy()
    # All products and sums are integers far below 2⁵³, so that no order of summation matters.
    assert np.array_equal(
        through(execute, Conv2d(weight, **geometry), x, expected.shape[1:]), expected
    )


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("extents", [(8, 6), (9, 6), (8, 7)], ids=str)
@pytest.mark.parametrize("changed", [0, 1])
def test_a_kernel_with_a_pool_in_it(
    execute: Any, groups: int, extents: tuple[int, int], changed: int
) -> None:
    """Equal weights in blocks of 2×3; or all but one, or a row or column left over."""
    rng = np.random.default_rng(4)
    weight = rng.integers(-128, 128, (4, 4 // groups, 3, 2)).repeat(2, 2).repeat(3, 3)
    weight[3, 1, 2, 4] += changed
    x = rng.integers(0, 256, (3, 4, *extents))
    conv = Conv2d(weight, stride=(2, 3), padding=(2, 0), groups=groups)
    expected = torch.nn.functional.conv2d(
        torch.tensor(x), torch.tensor(weight), None, conv.stride, conv.padding, groups=groups
    )
    assert np.array_equal(through(execute, conv, x, tuple(expected.shape[1:])), expected)


@given(seed=st.integers(0, 2**32 - 1), sizes=st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_dense_by_loops(execute: Any, seed: int, sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.integers(-256, 256, (sizes[1], sizes[0]))
    x = rng.integers(-255, 256, (1, sizes[0]))
    expected = [
        sum(int(w) * int(value) for w, value in zip(row, x[0], strict=True)) for row in weight
    ]
    assert through(execute, Dense(weight), x, (sizes[1],))[0].tolist() == expected


def test_dense_flattens_in_c_order(execute: Any) -> None:
    """Neuron i of 12 is sent to neuron i of 12, and both populations are images."""
    x = np.arange(12).reshape(1, 2, 3, 2)
    got = through(execute, Dense(np.eye(12, dtype=np.int64)), x, (3, 1, 4))
    assert got.shape == (1, 3, 1, 4)
    assert got.ravel().tolist() == list(range(12))


def test_identity_scales_and_reshapes(execute: Any) -> None:
    x = np.arange(6).reshape(1, 1, 2, 3)
    got = through(execute, Identity(np.array(-3)), x, (6,))
    assert got.tolist() == [[0, -3, -6, -9, -12, -15]]


def test_identity_may_weigh_each_neuron(execute: Any) -> None:
    x = np.arange(6).reshape(1, 1, 2, 3)
    got = through(execute, Identity(np.arange(6) - 2), x, (3, 2))
    assert got.tolist() == [[[0, -1], [0, 3], [8, 15]]]


def test_a_convolution_along_a_sequence(execute: Any) -> None:
    """[2, 5] to [3, 3]: a kernel of 3 with a stride of 2 and one zero on both sides."""
    rng = np.random.default_rng(2)
    weight = rng.integers(-9, 9, (3, 2, 1, 3))
    x = rng.integers(0, 9, (1, 2, 5))
    conv = Conv2d(weight, stride=(1, 2), padding=(0, 1))
    expected = torch.nn.functional.conv1d(
        torch.tensor(x), torch.tensor(weight[:, :, 0]), stride=2, padding=1
    )
    assert np.array_equal(through(execute, conv, x, (3, 3)), expected)
    assert np.array_equal(through(execute, conv, x[:, :, None], (3, 1, 3)), expected[:, :, None])


@given(total=st.integers(-(2**20), 2**20), exponent=st.integers(-12, 7))
def test_an_exponent_shifts_and_rounds_down(execute: Any, total: int, exponent: int) -> None:
    got = through(execute, Identity(np.array(1)), np.array([[total]]), (1,), exponent)
    expected = total * 2**exponent if exponent >= 0 else math.floor(total / 2**-exponent)
    assert got.item() == expected


def test_each_projection_is_shifted_before_the_sum(execute: Any) -> None:
    """⌊1/2⌋ + ⌊1/2⌋ is 0, and ⌊−1/2⌋ + ⌊−1/2⌋ is −2."""
    half = Projection("in", "out", Identity(np.array(1)), delay=1, exponent=-1)
    program = Program(
        (Population("in", (2,), Source(-1, 1)), Population("out", (2,), Relay(), offset=1)),
        (half, half),
        "integer",
        ("out",),
    )
    trace = execute(program, Stimulus({"in": np.array([[[1, -1]]])}))
    assert trace["out"].output.tolist() == [[[0, -2]]]
