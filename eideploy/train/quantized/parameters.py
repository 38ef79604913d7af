"""The float weights of a Program as functions of the parameters that they are made of.

What the compiler computes in NumPy is said once more in torch, so that gradients can follow it:

    fused      balanced: diag(g_E)·(W_EE − W_EI·W_IE)         shunt: W_EI·diag(g_I)·W_IE
    explicit   balanced: diag(g_E)·W_EE and −diag(g_E)·W_EI   shunt: W_EI·diag(g_I)   I: W_IE

each spread over the windows of the pools that were folded into it. Constants that multiply whole
rows (R·dt/τ, mean divisors, what equalizes rows) are read off the Program itself, and so it is
checked that there is no other difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import conv_transpose2d, pad

from eideploy.cells import LIF, EICircuit, EIConv2d
from eideploy.cells.circuit import balanced_weight, scale_gradient
from eideploy.errors import UnsupportedError
from eideploy.graph.export.naming import Node, wire
from eideploy.program import Program, Projection

_TOLERANCE = 1e-3
"""Float32 against float64 differs by less, another formula by more (relative, of a row)."""


@dataclass(frozen=True)
class Circuit:
    """A circuit of a network and where it is in its Programs.

    Attributes:
        name: of its node.
        module: with the parameters.
        population: that it drives; its own name for a readout.
        pools: between each population that feeds it and itself, in the order of execution.
    """

    name: str
    module: EICircuit
    population: str
    pools: dict[str, tuple[nn.AvgPool2d, ...]]

    @property
    def inhibitory(self) -> str:
        """Name of its I population, in the explicit mapping."""
        return f"{self.name}.inhibitory"


def circuits_of(network: nn.Module, program: Program) -> dict[str, Circuit]:
    """The circuits of a network by the population that each drives, I populations included.

    Args:
        network: as `eideploy.graph.export.node_names` takes it, of circuits alone.
        program: what was compiled of it.

    Raises:
        UnsupportedError: the network has a layer that is no circuit.
    """
    nodes = {node.name: node for node in wire(network)[0]}
    found: dict[str, Circuit] = {}
    for node in nodes.values():
        if isinstance(node.module, EICircuit):
            driven = [
                other.name
                for other in nodes.values()
                if node.name in other.sources and isinstance(other.module, LIF)
            ]
            population = driven[0] if driven else node.name
            circuit = Circuit(node.name, node.module, population, _pools(node, nodes, program))
            found[population] = found[circuit.inhibitory] = circuit
        elif not isinstance(node.module, (LIF, nn.AvgPool2d, nn.Flatten)):
            raise UnsupportedError(
                f"layer {node.name!r} is a {type(node.module).__name__} and no E-I circuit; only "
                "networks of circuits are fine-tuned through integers",
                "Fine-tune a run with model.inhibition: true.",
            )
    return found


def float_weight(circuit: Circuit, projection: Projection, program: Program) -> Tensor:
    """The weight of a projection of a float Program, with its gradient to the parameters.

    Args:
        circuit: that the projection belongs to.
        projection: of `program`, with the constants of its rows.
        program: float, as it is before its quantization.

    Raises:
        UnsupportedError: the Program has weights that are not made as they are made here.
    """
    weight = _algebra(circuit, projection, program)
    for pool in reversed(circuit.pools.get(projection.source, ())):
        weight = _spread(weight, pool, program.by_name[projection.source].shape)
    wanted = torch.tensor(projection.operator.weight, dtype=weight.dtype, device=weight.device)
    if weight.shape != wanted.shape:
        raise _unlike(projection)
    constants = _constants(weight.detach(), wanted)
    scaled = weight * constants
    difference = (scaled.detach() - wanted).flatten(1).norm(dim=1)
    if (difference > _TOLERANCE * wanted.flatten(1).norm(dim=1) + 1e-30).any():
        raise _unlike(projection)
    return scaled


def _pools(
    node: Node, nodes: dict[str, Node], program: Program
) -> dict[str, tuple[nn.AvgPool2d, ...]]:
    """Back from a circuit to each population that feeds it; a pool may be one itself."""
    found: dict[str, tuple[nn.AvgPool2d, ...]] = {}
    ways: list[tuple[str, tuple[nn.AvgPool2d, ...]]] = [(name, ()) for name in node.sources]
    while ways:
        name, pools = ways.pop()
        if name in program.by_name:
            found[name] = pools
            continue
        before = nodes[name]
        if isinstance(before.module, nn.AvgPool2d):
            pools = (before.module, *pools)
        ways += [(source, pools) for source in before.sources]
    return found


def _algebra(circuit: Circuit, projection: Projection, program: Program) -> Tensor:
    module = circuit.module
    weight_ei: Tensor = module.weight_ei
    if module.gradient_scaling:
        weight_ei = scale_gradient(weight_ei, 1 / module.fan_in)
    shunting = projection.port == "shunt"
    if projection.target == circuit.inhibitory:
        return module.weight_ie
    if projection.source == circuit.inhibitory:
        weight = weight_ei * module.gain_i if shunting else -weight_ei
        weight = weight[:, :, None, None] if isinstance(module, EIConv2d) else weight
    elif shunting:
        weight = -balanced_weight(
            torch.zeros_like(module.weight_ee), module.weight_ie, weight_ei * module.gain_i
        )
    elif circuit.inhibitory in program.by_name:
        weight = module.weight_ee
    else:
        weight = balanced_weight(module.weight_ee, module.weight_ie, weight_ei)
    if module.divisive and not shunting:
        weight = weight * module.gain_e.view(-1, *[1] * (weight.dim() - 1))
    return weight


def _spread(weight: Tensor, pool: nn.AvgPool2d, source: tuple[int, ...]) -> Tensor:
    """Weights behind a pool as weights in front of it, each shared by its whole window.

    Args:
        weight: a kernel [n, c, h, w], or columns [n, c·h·w] for what the pool makes.
        pool: means over k × k places that do not overlap.
        source: shape [c, H, W] in front of it.
    """
    assert isinstance(pool.kernel_size, int)  # its constructor takes no other
    side = pool.kernel_size
    channels, height, width = source
    dense = weight.dim() == 2
    small = weight.view(-1, channels, height // side, width // side) if dense else weight
    taps = small.new_full((1, 1, side, side), 1 / side**2)
    maps = small.flatten(0, 1)[:, None]
    large = conv_transpose2d(maps, taps, stride=side).squeeze(1)
    large = large.reshape(*small.shape[:2], *large.shape[1:])
    if not dense:
        return large
    left_out = (0, width - large.shape[-1], 0, height - large.shape[-2])
    return pad(large, left_out).flatten(1)


def _constants(weight: Tensor, wanted: Tensor) -> Tensor:
    """What each row is multiplied by; a row of zeros takes the mean of the others, to come back."""
    rows, goals = weight.flatten(1).double(), wanted.flatten(1).double()
    power = (rows * rows).sum(1)
    alive = power > 0
    constants = torch.where(
        alive, (rows * goals).sum(1) / power.where(alive, power.new_ones(())), 0
    )
    constants[~alive] = constants[alive].mean() if alive.any() else 0
    return constants.to(weight.dtype).view(-1, *[1] * (weight.dim() - 1))


def _unlike(projection: Projection) -> UnsupportedError:
    return UnsupportedError(
        f"projection {projection.name}: its weights are not made of the parameters of one circuit "
        "in a way that fine-tuning through integers knows",
        "Leave the pools out of the kernels (--pool relay), or deploy without fine-tuning.",
    )
