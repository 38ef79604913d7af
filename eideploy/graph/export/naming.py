"""Names of the nodes that a network of E-I circuits becomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import torch
from norse.torch import Lift

from eideploy.cells import LIF, EICircuit, LIFCell
from eideploy.errors import UnsupportedError

_NEURONS = (LIF, LIFCell)
_INERT = (torch.nn.Identity, torch.nn.Dropout, torch.nn.Dropout2d)
_SUPPORTED = "EILinear, EIConv2d, LIF, torch.nn.Flatten, torch.nn.AvgPool2d"


def node_names(network: torch.nn.Module) -> list[tuple[str, torch.nn.Module]]:
    """Name the modules of a network as they are named in graphs, programs and reports.

    The i-th LIF is `lif{i}` and the circuit that drives it `ei{i}`, counted from 1; a circuit
    behind the last LIF is `readout`; the others are `flatten{i}` and `pool{i}`. What does nothing
    in inference (dropout, identity) has no name and is left out; `norse.torch.Lift` is looked
    through.

    Args:
        network: a `norse.torch.SequentialState` (or any `torch.nn.Sequential`), may be nested.

    Returns:
        (name, module) in the order of execution.

    Raises:
        UnsupportedError: a module, or their order, cannot be expressed; names it.
    """
    modules = list(_flat(network))
    last = max((i for i, module in enumerate(modules) if isinstance(module, _NEURONS)), default=-1)
    counts: Counter[str] = Counter()
    names: list[tuple[str, torch.nn.Module]] = []
    for position, module in enumerate(modules):
        if isinstance(module, _NEURONS):
            counts["lif"] += 1
            name = f"lif{counts['lif']}"
        elif isinstance(module, EICircuit):
            name = f"ei{counts['lif'] + 1}" if position < last else "readout"
        elif isinstance(module, (torch.nn.Flatten, torch.nn.AvgPool2d)):
            kind = "flatten" if isinstance(module, torch.nn.Flatten) else "pool"
            counts[kind] += 1
            name = f"{kind}{counts[kind]}"
        else:
            raise UnsupportedError(
                f"module {position} of the network is a {type(module).__name__}, "
                "for which there is no node",
                f"Build the network from {_SUPPORTED}.",
            )
        if name in dict(names):
            raise UnsupportedError(
                f"module {position} of the network is a second circuit {name!r} with no LIF "
                "between the two",
                "Put a LIF behind each circuit but the last.",
            )
        names.append((name, module))
    readout = dict(names).get("readout")
    if isinstance(readout, EICircuit) and readout.divisive:
        raise UnsupportedError(
            "the last circuit of the network divides and drives no LIF",
            "Put a LIF behind it, or make it a readout with divisive=False.",
        )
    return names


def _flat(module: torch.nn.Module) -> Iterator[torch.nn.Module]:
    if isinstance(module, torch.nn.Sequential):
        for inner in module:
            yield from _flat(inner)
    elif isinstance(module, Lift):
        yield from _flat(module.lifted_module)
    elif not isinstance(module, _INERT):
        yield module
