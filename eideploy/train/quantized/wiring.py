"""The synapses of a quantized Program, tied to the parameters that they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from eideploy.program import Identity, Operator, Projection
from eideploy.train.quantized.deployment import Deployed
from eideploy.train.quantized.membrane import shifted, straight_through
from eideploy.train.quantized.parameters import Circuit, float_weight
from eideploy.train.quantized.synapses import weighted_sum


@dataclass(frozen=True, eq=False)
class Bundle:
    """Projections of one geometry from one population to the ports of another, summed up together.

    Attributes:
        source: name of the population that emits.
        operator: their geometry.
        weight: their integer weights with their exponents ≥ 0, one below the other, float32.
        ports: of the target, in the order of the weights.
        exponents: their exponents ≤ 0, likewise.
    """

    source: str
    operator: Operator
    weight: Tensor
    ports: tuple[str, ...]
    exponents: tuple[int, ...]

    def __call__(self, x: Tensor) -> Tensor:
        """What arrives at each port one after the other, [N, ports·channels, …], of x [N, …]."""
        sums = weighted_sum(self.operator, self.weight, x)
        if not any(self.exponents):
            return sums
        parts = sums.chunk(len(self.ports), dim=1)
        return torch.cat([shifted(*pair) for pair in zip(parts, self.exponents, strict=True)], 1)


def bundles(
    deployed: Deployed, circuits: Mapping[str, Circuit], device: torch.device
) -> dict[str, list[Bundle]]:
    """The synapses that end at each population, by its name.

    Args:
        deployed: the Program and its float form.
        circuits: of the network, by the population that each drives.
        device: where the parameters are.

    Raises:
        UnsupportedError: as `float_weight`.
    """
    found: dict[str, list[Bundle]] = {name: [] for name in deployed.program.by_name}
    pairs = zip(deployed.floating.projections, deployed.program.projections, strict=True)
    for real, integer in pairs:
        weight = _tied(real, integer, deployed, circuits, device)
        exponents = (min(0, integer.exponent),)
        bundle = Bundle(integer.source, integer.operator, weight, (integer.port,), exponents)
        others = found[integer.target]
        same = next((other for other in others if _alike(other, bundle)), None)
        if same is None:
            others.append(bundle)
        else:
            others[others.index(same)] = replace(
                same,
                weight=torch.cat([same.weight, weight]),
                ports=(*same.ports, integer.port),
                exponents=(*same.exponents, *exponents),
            )
    return found


def _tied(
    real: Projection,
    integer: Projection,
    deployed: Deployed,
    circuits: Mapping[str, Circuit],
    device: torch.device,
) -> Tensor:
    """w + (s·W − stopgrad(s·W)); of a projection without parameters, as a relay's, w alone."""
    whole = integer.operator.weight * 2.0 ** max(0, integer.exponent)
    value = torch.tensor(whole, dtype=torch.float32, device=device)
    circuit = circuits.get(real.target)
    if circuit is None:
        return value
    weight = float_weight(circuit, real, deployed.floating)
    power = float(np.sum(real.operator.weight**2))
    closest = float(np.sum(real.operator.weight * whole)) / power if power else 0.0
    return straight_through(closest * weight, value)


def _alike(one: Bundle, other: Bundle) -> bool:
    """Whether two can be summed up at once: same source and geometry, rows side by side."""
    first, second = one.operator, other.operator
    if isinstance(first, Identity) or getattr(first, "groups", 1) != 1:
        return False
    kernel = first.weight.shape[1:] == second.weight.shape[1:]
    settings = (
        {key: value for key, value in vars(operator).items() if key != "weight"}
        for operator in (first, second)
    )
    return (
        one.source == other.source
        and type(first) is type(second)
        and kernel
        and next(settings) == next(settings)
        and len(first.weight) == len(second.weight)
    )
