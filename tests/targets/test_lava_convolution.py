"""Our convolution against Lava's `Conv`: the same integers where that has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from eideploy_targets.lava import LavaFixed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eideploy.errors import UnsupportedError
from eideploy.program import Array, Conv2d, Population, Program, Projection, Relay, Source, Stimulus
from eideploy.simulate import reference
from eideploy.simulate.record import Record

pytestmark = pytest.mark.lava
pytest.importorskip("lava")


def convolution(
    operator: Conv2d, shape: tuple[int, ...], scale: float = 1.0, exponent: int = 0, **options: Any
) -> Program:
    """A source, a convolution, and a relay that emits its sums as they are."""
    return Program(
        (
            Population("input", shape, Source(-1.0, 1.0, scale=scale)),
            Population("sums", operator.output_shape(shape), Relay(), offset=1),
        ),
        (Projection("input", "sums", operator, delay=1, exponent=exponent, **options),),
        "integer",
        ("sums",),
    )


def sums(program: Program, values: Array, synapses: str) -> Array:
    target = LavaFixed(executor="inprocess", synapses=synapses)
    return target.run(program, Stimulus({"input": values}), Record())["sums"].output


@st.composite
def geometries(draw: st.DrawFn) -> tuple[Conv2d, tuple[int, int, int]]:
    small = st.integers(1, 3)
    groups, per_group, out_per_group = draw(small), draw(small), draw(small)
    kernel, stride, dilation = (draw(st.tuples(small, small)) for _ in range(3))
    padding = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    height, width = (
        draw(st.integers(max(1, (k - 1) * d + 1 - 2 * p), 9))
        for k, d, p in zip(kernel, dilation, padding, strict=True)
    )
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    weight = 2 * rng.integers(-128, 128, (groups * out_per_group, per_group, *kernel))
    operator = Conv2d(weight, stride, padding, dilation, groups)
    return operator, (groups * per_group, height, width)


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(
    geometry=geometries(),
    exponent=st.integers(0, 4),
    graded=st.booleans(),
    density=st.sampled_from([0.0, 0.03, 0.3, 1.0]),
    seed=st.integers(0, 99),
)
def test_sums_are_those_of_lavas_conv(
    geometry: tuple[Conv2d, tuple[int, int, int]],
    exponent: int,
    graded: bool,
    density: float,
    seed: int,
) -> None:
    operator, shape = geometry
    rng = np.random.default_rng(seed)
    program = convolution(operator, shape, 50.0 if graded else 1.0, exponent)
    values = (rng.random((2, 3, *shape)) < density) * rng.uniform(-1, 1, (2, 3, *shape))
    values = values if graded else np.rint(np.abs(values))
    ours = sums(program, values, "own")
    assert np.array_equal(ours, sums(program, values, "stock"))
    assert np.array_equal(ours, reference.run(program, Stimulus({"input": values}))["sums"].output)


def test_an_exponent_below_0_rounds_down_and_lavas_conv_has_none() -> None:
    program = convolution(Conv2d(np.full((1, 1, 1, 1), -2)), (1, 1, 3), scale=3.0, exponent=-2)
    values = np.array([1, 2, 3]).reshape(1, 1, 1, 1, 3) / 3
    assert sums(program, values, "own").ravel().tolist() == [-1, -1, -2]
    with pytest.raises(UnsupportedError, match="Lava's Conv has no weight exponent -2"):
        sums(program, values, "stock")


def test_sums_beyond_24_bits_wrap_in_lavas_conv_alone() -> None:
    """Which is why they are refused there."""
    from lava.proc.conv.utils import signed_clamp

    weight, largest = 254, 40_000
    program = convolution(Conv2d(np.full((1, 1, 1, 1), weight)), (1, 1, 1), scale=largest)
    values = np.ones((1, 1, 1, 1, 1))
    assert sums(program, values, "own").item() == weight * largest
    assert signed_clamp(weight * largest, bits=24) == weight * largest - 2**24
    with pytest.raises(UnsupportedError, match=r"can reach 10160000, beyond the 8388607"):
        sums(program, values, "stock")


@pytest.mark.parametrize(("largest", "kind"), [(1, "float32"), (2**20, "float64"), (2**50, "int")])
def test_sums_are_exact_in_every_type_of_number(largest: int, kind: str) -> None:
    from eideploy_targets.lava.patches import Patches

    rng = np.random.default_rng(0)
    operator = Conv2d(rng.integers(-255, 256, (3, 2, 3, 3)), padding=(1, 1))
    x = rng.integers(-largest, largest + 1, (2, 5, 4))
    x.flat[0] = largest
    patches = Patches(operator.weight, operator, x.shape)
    assert patches._type(x).name.startswith(kind)
    exact = np.vectorize(int, otypes=[object])(patches.sums(x.ravel()))
    assert exact.tolist() == reference.apply(operator, x.astype(object)).ravel().tolist()
