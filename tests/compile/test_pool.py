"""Pools become part of the kernels behind them: against torch's own pools and convolutions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn import functional

from eideploy.compile.pool import before_pool, behind_pool
from eideploy.program import Conv2d, Dense, Identity
from eideploy.simulate import reference

CHANNELS = 4


@st.composite
def pools(draw: st.DrawFn) -> tuple[Conv2d, tuple[int, int, int]]:
    """A mean or sum over windows, which may overlap, pad or leave rows over, and its input."""
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.just(kernel) | st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = tuple(draw(st.sampled_from([0, 0, k // 2])) for k in kernel)
    assume(all(n + 2 * p >= k for n, p, k in zip(size, padding, kernel, strict=True)))
    tap = draw(st.sampled_from([1.0, 1 / (kernel[0] * kernel[1])]))
    weight = np.full((CHANNELS, 1, *kernel), tap)
    return Conv2d(weight, stride, padding, groups=CHANNELS), (CHANNELS, *size)


@st.composite
def convolutions(draw: st.DrawFn) -> Conv2d:
    two = st.tuples(*[st.integers(1, 3)] * 2)
    groups, padding = draw(st.sampled_from([1, 2, 4])), draw(st.tuples(*[st.integers(0, 2)] * 2))
    weight = rng(draw).normal(size=(groups * 2, CHANNELS // groups, *draw(two)))
    return Conv2d(weight, draw(two), padding, draw(two), groups)


def rng(draw: st.DrawFn) -> np.random.Generator:
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1)))


def convolved(operator: Conv2d, x: torch.Tensor) -> torch.Tensor:
    weight = torch.tensor(operator.weight)
    geometry = operator.stride, operator.padding, operator.dilation, operator.groups
    return functional.conv2d(x[None], weight, None, *geometry)[0]


def pooled(pool: Conv2d, x: torch.Tensor) -> torch.Tensor:
    """By torch's pool, which knows nothing of the weights that stand for it here."""
    kernel = pool.weight.shape[2:]
    mean = functional.avg_pool2d(x[None], kernel, pool.stride, pool.padding)[0]
    return mean if pool.weight.flat[0] != 1 else mean * (kernel[0] * kernel[1])


@given(pools(), convolutions(), st.data())
def test_a_pool_and_a_convolution_are_one_convolution_or_none(pool_and_shape, after, data):
    pool, shape = pool_and_shape
    x = torch.tensor(rng(data.draw).normal(size=shape))
    y = pooled(pool, x)
    assume(min(after.output_shape(tuple(y.shape))) > 0)
    z = convolved(after, y)
    folded = behind_pool(pool, after, shape, tuple(y.shape), tuple(z.shape))
    whole = all(
        k == s and p == 0 and n % k == 0
        for k, s, p, n in zip(
            pool.weight.shape[2:], pool.stride, pool.padding, shape[1:], strict=True
        )
    )
    if folded is None:
        assert not whole
        assert max(after.padding) > 0
    else:
        assert folded.fits(shape, tuple(z.shape))
        np.testing.assert_allclose(reference.apply(folded, x.numpy()), z, atol=1e-12)


@given(pools(), st.data())
def test_a_pool_and_a_matrix_are_one_matrix(pool_and_shape, data):
    pool, shape = pool_and_shape
    random = rng(data.draw)
    x = torch.tensor(random.normal(size=shape))
    y = pooled(pool, x)
    weight = random.normal(size=(3, y.numel()))
    folded = behind_pool(pool, Dense(weight), shape, tuple(y.shape), (3,))
    assert isinstance(folded, Dense)
    np.testing.assert_allclose(folded.weight @ x.numpy().ravel(), weight @ y.numpy().ravel())


@given(pools(), convolutions(), st.data())
def test_a_convolution_and_a_pool_are_one_convolution_unless_the_pool_pads(
    pool_and_shape, before, data
):
    pool, _ = pool_and_shape
    channels = len(before.weight)
    pool = replace(pool, weight=np.repeat(pool.weight[:1], channels, axis=0), groups=channels)
    folded = before_pool(before, pool)
    assert (folded is None) == any(pool.padding)
    shape = (CHANNELS, *data.draw(st.tuples(*[st.integers(4, 12)] * 2)))
    middle = before.output_shape(shape)
    assume(folded is not None)
    assume(min(middle) > 0)
    assume(min(pool.output_shape(middle)) > 0)
    x = torch.tensor(rng(data.draw).normal(size=shape))
    z = pooled(pool, convolved(before, x))
    assert folded.fits(shape, tuple(z.shape))
    np.testing.assert_allclose(reference.apply(folded, x.numpy()), z, atol=1e-12)


def test_the_kernel_of_two_by_two_and_three_by_three_is_six_by_six():
    pool = Conv2d(np.full((3, 1, 2, 2), 0.25), (2, 2), groups=3)
    weight = np.random.default_rng(0).normal(size=(5, 3, 3, 3))
    folded = behind_pool(pool, Conv2d(weight, padding=(1, 1)), (3, 8, 8), (3, 4, 4), (5, 4, 4))
    assert isinstance(folded, Conv2d)
    assert (folded.stride, folded.padding, folded.groups) == ((2, 2), (2, 2), 1)
    np.testing.assert_array_equal(folded.weight, np.kron(weight, np.full((2, 2), 0.25)))


@pytest.mark.parametrize(
    ("pool", "after", "folds"),
    [
        # 5 rows make 2; the convolution looks beyond them, where the fifth row is no zero.
        ({"size": 5, "window": 2, "stride": 2}, {"padding": (1, 1)}, False),
        ({"size": 5, "window": 2, "stride": 2}, {"padding": (0, 0)}, True),
        ({"size": 6, "window": 3, "stride": 2}, {"padding": (1, 1)}, False),
        # The pool of an ImageNet ResNet sees both edges itself.
        ({"size": 7, "window": 3, "stride": 2, "padding": (1, 1)}, {"padding": (1, 1)}, True),
        # Of 4 places, a stride of 2 reaches beyond the last, and one of 3 just to it.
        ({"size": 9, "window": 2, "stride": 2}, {"padding": (1, 1), "stride": (2, 2)}, False),
        ({"size": 9, "window": 2, "stride": 2}, {"padding": (1, 1), "stride": (3, 3)}, True),
    ],
)
def test_what_a_pool_drops_is_not_seen(pool, after, folds):
    geometry = (pool["stride"],) * 2, pool.get("padding", (0, 0))
    first = Conv2d(np.ones((1, 1, pool["window"], pool["window"])), *geometry)
    second = Conv2d(np.ones((1, 1, 2, 2)), **after)
    shape = (1, pool["size"], pool["size"])
    middle = first.output_shape(shape)
    operator = behind_pool(first, second, shape, middle, second.output_shape(middle))
    assert (operator is not None) == folds


def test_what_is_no_pool_is_left_alone():
    weight = np.array([1.0, 2.0]).reshape(2, 1, 1, 1)
    shape = (2, 3, 3)
    assert behind_pool(Identity(np.ones(())), Dense(np.ones((1, 18))), shape, shape, (1,)) is None
    for other in (Conv2d(weight, groups=2), Conv2d(np.ones((2, 2, 1, 1)))):
        assert behind_pool(other, Dense(np.ones((1, 18))), shape, shape, (1,)) is None
