"""Small networks of circuits, drawn at random, with everything that a trained one may have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pytest
import torch
from eideploy_models.layers import Merged
from norse.torch import SequentialState
from torch import Tensor, nn

from eideploy.cells import LIF, AvgPool2d, EICircuit, EIConv2d, EILinear, ResidualBlock
from eideploy.compile import CompileOptions, integer_pipeline
from eideploy.graph.export import calibrate_shunt_means, export
from eideploy.train.quantized.deployment import Deployed, compile_in_two

Kind = Literal["dense", "conv", "residual"]
LEVELS = 16


@dataclass(frozen=True)
class Example:
    """A network, what it is compiled to, and something to show to it [T, B, …]."""

    network: SequentialState
    deployed: Deployed
    stimulus: Tensor


def _layers(kind: Kind, reset: Literal["zero", "subtract"]) -> tuple[list[nn.Module], list[int]]:
    def lif() -> LIF:
        return LIF(reset=reset)

    if kind == "dense":
        hidden = [EILinear(12, 20), lif(), EILinear(20, 16), lif()]
        return [*hidden, EILinear(16, 5, divisive=False)], [12]
    if kind == "conv":
        first = [EIConv2d(2, 8, 3, padding=1), lif(), Merged(AvgPool2d(2))]
        second = [EIConv2d(8, 8, 3, padding=1), lif(), Merged(AvgPool2d(2))]
        return [*first, *second, nn.Flatten(2), EILinear(32, 5, divisive=False)], [2, 9, 8]
    body = SequentialState(
        EIConv2d(4, 4, 3, padding=1), lif(), EIConv2d(4, 8, 3, stride=2, padding=1), lif()
    )
    shortcut = SequentialState(EIConv2d(4, 8, 1, stride=2), lif())
    block = ResidualBlock(body, shortcut)
    same = ResidualBlock(SequentialState(EIConv2d(8, 8, 3, padding=1), lif()), SequentialState())
    start = [EIConv2d(2, 4, 3, padding=1), lif()]
    return [*start, block, same, nn.Flatten(2), EILinear(72, 5, divisive=False)], [2, 5, 6]


@pytest.fixture(scope="session")
def example() -> Callable[..., Example]:
    """Make one; weights are about as E-I Init and some training leave them."""

    def make(
        kind: Kind = "dense",
        reset: Literal["zero", "subtract"] = "zero",
        *,
        form: Literal["ei", "folded"] = "ei",
        timed: bool = True,
        seed: int = 0,
        **options: Any,
    ) -> Example:
        generator = torch.Generator().manual_seed(seed)
        layers, shape = _layers(kind, reset)
        network = SequentialState(*layers)
        for module in network.modules():
            if isinstance(module, EICircuit):
                module.reset_parameters(1 / module.fan_in, 3 / module.fan_in**0.5, generator)
                with torch.no_grad():
                    for name in ("weight_ei", "gain_i", "gain_e"):
                        value = getattr(module, name)
                        value.mul_(torch.rand(value.shape, generator=generator) + 0.5)
                    module.bias.normal_(0.3, 0.2, generator=generator)
                    module.floor.fill_(1e-2)
                    module.stabilizer = "floor"
        x = torch.rand((6, 3, *shape), generator=generator).mul(LEVELS).round() / LEVELS
        if not timed:
            x = x[:1].expand(6, *x.shape[1:])
        graph = export(
            network,
            input_shape=shape,
            dt=1e-3,
            form=form,
            shunt_means=calibrate_shunt_means(network, x) if form == "folded" else None,
            high=1.0,
            levels=LEVELS,
        )
        return Example(
            network, compile_in_two(integer_pipeline(CompileOptions(**options)), graph), x
        )

    return make
