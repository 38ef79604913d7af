"""What arrives at the ports of a population."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from eideploy.program import Population, Program
from eideploy.simulate.twin.bounds import Bounds
from eideploy.simulate.twin.geometry import Geometry, geometry


@dataclass(frozen=True, eq=False)
class Weights:
    """The weights of one projection.

    Args:
        port: of the target.
        matrix: as `Geometry.matrix` makes it.
        exponent: weight exponent.
    """

    port: str
    matrix: Tensor
    exponent: int


@dataclass(frozen=True, eq=False)
class Synapses:
    """All projections from one source to one target that can share their operand.

    Args:
        source: name of the population that emits.
        lag: logical steps from emission to reception.
        geometry: of all of them.
        dtype: in which the sums are taken.
        weights: of each of them.
    """

    source: str
    lag: int
    geometry: Geometry
    dtype: torch.dtype
    weights: tuple[Weights, ...]

    def __call__(self, emitted: Tensor, dtype: torch.dtype) -> Iterator[tuple[str, Tensor]]:
        """Ports and what arrives there, [B, …] in `dtype`, for `emitted` [B, *shape]."""
        operand = self.geometry.operand(emitted.to(self.dtype))
        for weights in self.weights:
            total = self.geometry.sums(operand, weights.matrix).to(dtype)
            yield weights.port, scale(total, weights.exponent)


def connect(
    program: Program, target: Population, bounds: Bounds, device: torch.device
) -> tuple[Synapses, ...]:
    """The projections that end at a population.

    Raises:
        UnsupportedError: an integer sum may reach 2⁵³, or has no bound.
    """
    shared: dict[tuple[str, int, Geometry, torch.dtype], list[Weights]] = {}
    for projection in program.into(target.name):
        form = geometry(projection.operator, program.by_name[projection.source].shape)
        dtype = bounds.sum_type(projection)
        matrix = torch.tensor(form.matrix(projection.operator.weight), dtype=dtype, device=device)
        key = (projection.source, program.lag(projection), form, dtype)
        weights = Weights(projection.port, matrix, projection.exponent)
        shared.setdefault(key, []).append(weights)
    return tuple(Synapses(*key, tuple(weights)) for key, weights in shared.items())


@contextmanager
def exact_products() -> Iterator[None]:
    """No TF32 and no bfloat16 inside float32 products, whatever the caller has set."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def scale(total: Tensor, exponent: int) -> Tensor:
    """⌊total · 2^exponent⌋; `total` itself where the exponent is 0."""
    if not exponent:
        return total
    if exponent > 0:
        return total * 2**exponent
    if total.is_floating_point():
        return torch.floor(total * 2.0**exponent)
    return torch.div(total, 2**-exponent, rounding_mode="floor")
