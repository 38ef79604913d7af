"""The nodes that a network becomes: what they are called, and what feeds them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import torch
from norse.torch import Lift

from eideploy.cells import LIF, EICircuit, LIFCell, ResidualBlock
from eideploy.errors import UnsupportedError

INPUT = "input"
"""Name of the node that stands for what goes into the network."""

_NEURONS = (LIF, LIFCell)
_PLAIN = (torch.nn.Linear, torch.nn.Conv2d)
_KINDS: dict[str, tuple[type[torch.nn.Module], ...]] = {
    "lif": _NEURONS,
    "ei": (EICircuit,),
    "conv": (torch.nn.Conv2d,),
    "linear": (torch.nn.Linear,),
    "flatten": (torch.nn.Flatten,),
    "pool": (torch.nn.AvgPool2d,),
}
_NORMS = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)
_INERT = (torch.nn.Identity, torch.nn.Dropout, torch.nn.Dropout2d)
_SUPPORTED = (
    "EILinear, EIConv2d, LIF, ResidualBlock and torch.nn.Linear, Conv2d, Flatten, AvgPool2d; "
    "a BatchNorm only as torch.nn.Sequential(Linear or Conv2d, BatchNorm)"
)


@dataclass(frozen=True)
class Node:
    """A module of a network and its place in the graph.

    Attributes:
        name: as `node_names` gives it.
        module: a circuit, a plain layer with or without its BatchNorm, a LIF, a pool or a flatten.
        sources: names of the nodes whose outputs are added up at its input.
    """

    name: str
    module: torch.nn.Module
    sources: tuple[str, ...]


def node_names(network: torch.nn.Module) -> list[tuple[str, torch.nn.Module]]:
    """Name the modules of a network as they are named in graphs, programs and reports.

    The i-th LIF is `lif{i}`. What drives it is `ei{i}` if it is a circuit, and `conv{i}` or
    `linear{i}` if it is a plain layer. They are counted from 1 in the order of execution, of a
    `ResidualBlock` first the body, then the shortcut. A circuit or layer behind the last LIF is
    `readout`; the others are `flatten{i}` and `pool{i}`.

    A layer and its BatchNorm are one module, the `torch.nn.Sequential` of the two. What does
    nothing in inference (dropout, identity) has no name and is left out, and so is the sum at the
    end of a block; `norse.torch.Lift` is looked through.

    Args:
        network: a `norse.torch.SequentialState` (or any `torch.nn.Sequential`), may be nested.

    Returns:
        (name, module) in the order of execution.

    Raises:
        UnsupportedError: a module, or their order, cannot be expressed; names it.
    """
    nodes, _ = wire(network)
    return [(node.name, node.module) for node in nodes]


def wire(network: torch.nn.Module) -> tuple[list[Node], tuple[str, ...]]:
    """The nodes of a network in the order of execution, and how they are joined.

    Several edges into one node mean the sum, as in NIR, so that a block needs no node of its own.

    Args:
        network: as `node_names` takes it.

    Returns:
        The nodes, and the names of those whose outputs add up to that of the network.

    Raises:
        UnsupportedError: as `node_names`.
    """
    steps = _Steps()
    ends = steps.follow(network, (0,))
    names = (INPUT, *_names(steps.modules))
    nodes = [
        Node(name, module, tuple(names[i] for i in sources))
        for name, module, sources in zip(names[1:], steps.modules, steps.sources, strict=True)
    ]
    return nodes, tuple(names[i] for i in ends)


def is_normalized(module: torch.nn.Module) -> bool:
    """Whether a module is a plain layer and the BatchNorm behind it."""
    return (
        isinstance(module, torch.nn.Sequential)
        and len(module) == 2
        and isinstance(module[0], _PLAIN)
        and isinstance(module[1], _NORMS)
    )


class _Steps:
    """The modules of a network in the order of execution; the i-th is number i, the input 0."""

    def __init__(self) -> None:
        self.modules: list[torch.nn.Module] = []
        self.sources: list[tuple[int, ...]] = []

    def follow(self, module: torch.nn.Module, sources: tuple[int, ...]) -> tuple[int, ...]:
        """Take in a module that is fed by `sources`; returns what feeds the one behind it."""
        if isinstance(module, _INERT):
            return sources
        if isinstance(module, Lift):
            return self.follow(module.lifted_module, sources)
        if isinstance(module, ResidualBlock):
            body = self.follow(module.body, sources)
            shortcut = self.follow(module.shortcut, sources)
            if set(body) & set(shortcut):
                raise UnsupportedError(
                    "the network has a ResidualBlock with an empty body, which adds its input to "
                    "itself",
                    "Give the body layers that end in a LIF, or leave the block out.",
                )
            return (*body, *shortcut)
        if isinstance(module, torch.nn.Sequential) and not is_normalized(module):
            for inner in module:
                sources = self.follow(inner, sources)
            return sources
        self.modules.append(module)
        self.sources.append(sources)
        return (len(self.modules),)


def _names(modules: list[torch.nn.Module]) -> list[str]:
    last = max((i for i, module in enumerate(modules) if isinstance(module, _NEURONS)), default=-1)
    counts: Counter[str] = Counter()
    names: list[str] = []
    for position, module in enumerate(modules):
        kind = _kind(module, position)
        if kind in ("ei", "conv", "linear"):
            name = f"{kind}{counts['lif'] + 1}" if position < last else "readout"
        else:
            counts[kind] += 1
            name = f"{kind}{counts[kind]}"
        if name in names:
            raise UnsupportedError(
                f"module {position} of the network is a second {name!r} with no LIF between the "
                "two",
                "Put a LIF behind each circuit or layer but the last.",
            )
        names.append(name)
        if name == "readout" and isinstance(module, EICircuit) and module.divisive:
            raise UnsupportedError(
                "the last circuit of the network divides and drives no LIF",
                "Put a LIF behind it, or make it a readout with divisive=False.",
            )
    return names


def _kind(module: torch.nn.Module, position: int) -> str:
    layer = module[0] if is_normalized(module) else module  # type: ignore[index]
    for kind, classes in _KINDS.items():
        if isinstance(layer, classes):
            return kind
    raise UnsupportedError(
        f"module {position} of the network is a {type(module).__name__}, for which there is no "
        "node",
        f"Build the network from {_SUPPORTED}.",
    )
