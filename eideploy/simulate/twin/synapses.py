"""Weighted sums as matrix products in floating point, exact for integers by proof.

Every float64 holds integers below 2⁵³ exactly and every float32 those below 2²⁴. If the sum of
|weight| · |largest input| stays below that, so does every partial sum in every order, and a matrix
product gives the integer itself. Convolutions are products with unfolded patches, because the
convolutions of libraries may transform their operands (Winograd, FFT) and round.

Axes: B samples, N and M neurons (channels) of source and target, L positions, K = N·kernel size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import unfold

from eideploy.errors import UnsupportedError
from eideploy.program import (
    Array,
    Conv2d,
    Dense,
    Identity,
    IntegratorFixed,
    Operator,
    Population,
    Program,
    Projection,
    Relay,
    planar,
)
from eideploy.program.neuron import STATE_MAX

_EXACT = ((2.0**24, torch.float32), (2.0**53, torch.float64))
"""All integers below the bound are numbers of the type."""


@dataclass(frozen=True, eq=False)
class Synapses:
    """A projection made ready to run.

    Args:
        source: name of the population that emits.
        port: port of the target.
        lag: logical steps from emission to reception.
        operator: geometry; its weights are not used.
        weight: the weights, in the type in which the sums are taken.
        exponent: weight exponent.
    """

    source: str
    port: str
    lag: int
    operator: Operator
    weight: Tensor
    exponent: int

    def __call__(self, emitted: Tensor) -> Tensor:
        """What arrives, [B, …] of as many values as the target has, for `emitted` [B, *shape]."""
        total = _apply(self.operator, self.weight, emitted.to(self.weight.dtype))
        return scale(total.to(emitted.dtype), self.exponent)


def connect(
    program: Program, inputs: Mapping[str, Array], device: torch.device
) -> dict[str, list[Synapses]]:
    """The projections that end at each population.

    Args:
        program: whose projections.
        inputs: encoded stimulus; its largest values bound the integer sums.
        device: where the weights go.

    Raises:
        UnsupportedError: an integer sum may reach 2⁵³, or has no bound.
    """
    bounds = _Bounds(program, inputs)
    return {
        population.name: [
            Synapses(
                projection.source,
                projection.port,
                program.lag(projection),
                projection.operator,
                torch.tensor(
                    projection.operator.weight, dtype=bounds.exact_type(projection), device=device
                ),
                projection.exponent,
            )
            for projection in program.into(population.name)
        ]
        for population in program.populations
    }


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
    if exponent < 0:
        return torch.div(total, 2**-exponent, rounding_mode="floor")
    return total * 2**exponent if exponent else total


def _apply(operator: Operator, weight: Tensor, x: Tensor) -> Tensor:
    """Weighted sums of x [B, *shape]."""
    match operator:
        case Dense():
            return x.flatten(1) @ weight.T  # [B, N] [N, M]
        case Identity():
            return weight * x.flatten(1)
        case Conv2d(_, stride, padding, dilation, groups):
            x = x.reshape(len(x), *planar(x.shape[1:]))
            patches = unfold(x, weight.shape[2:], dilation, padding, stride)  # [B, K, L]
            patches = patches.reshape(len(x), groups, -1, patches.shape[-1])
            rows = weight.reshape(groups, weight.shape[0] // groups, -1)
            return torch.matmul(rows, patches)  # [B, groups, M/groups, L]
    raise UnsupportedError(f"the twin has no operator {type(operator).__name__}")


class _Bounds:
    """Largest magnitudes that the sums of an integer Program can reach."""

    def __init__(self, program: Program, inputs: Mapping[str, Array]) -> None:
        self.program = program
        self.inputs = inputs

    def exact_type(self, projection: Projection) -> torch.dtype:
        """The narrowest type in which the sums of `projection` are exact."""
        if self.program.arithmetic == "float":
            return torch.float64
        bound = self._sum(projection, ())
        for limit, dtype in _EXACT:
            if bound < limit:
                return dtype
        raise UnsupportedError(
            f"the twin cannot run projection {projection.name}: its sums may reach {bound:.3g}, "
            "and are exact below 2^53",
            "Use smaller weights, or a larger shift in the relays before it.",
        )

    def _sum(self, projection: Projection, path: tuple[str, ...]) -> float:
        """Largest Σ|weight|·|input| of one neuron, and not below any single |weight|.

        Sums of integers in float64 are exact below 2⁵³ and monotonic beyond it, so a bound that
        comes out below a limit is below it.
        """
        weight = np.abs(projection.operator.weight.astype(np.float64))
        fan_in = weight.reshape(weight.shape[0] if weight.ndim else 1, -1).sum(axis=1)
        source = self.program.by_name[projection.source]
        return float(fan_in.max()) * max(1.0, self._emitted(source, path))

    def _emitted(self, population: Population, path: tuple[str, ...]) -> float:
        """Largest magnitude that a population emits; `path` leads to it through relays."""
        if population.neuron.spiking:
            return 1.0
        if population.name in self.inputs:
            return float(np.abs(self.inputs[population.name]).max())
        if population.name in path:
            raise UnsupportedError(
                f"the twin cannot run population {population.name!r}: it is a graded relay in a "
                "loop of relays, so that nothing bounds what it emits"
            )
        if isinstance(population.neuron, IntegratorFixed):
            return STATE_MAX / 2.0 ** int(np.min(population.neuron.shift)) + 1
        assert isinstance(population.neuron, Relay)
        total = sum(
            # Floor rounding can add one to a magnitude.
            self._sum(projection, (*path, population.name)) * 2.0**projection.exponent + 1
            for projection in self.program.into(population.name)
        )
        total += float(np.abs(population.neuron.bias).max())
        return total / 2.0 ** int(np.min(population.neuron.shift)) + 1
