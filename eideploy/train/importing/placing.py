"""Putting the parameters of circuits into a network: by shape, and among equals by order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import torch
from norse.torch import SequentialState

from eideploy.cells import EICircuit
from eideploy.errors import InputError
from eideploy.train.importing.circuits import Circuit, Signature


def signature(layer: EICircuit) -> Signature:
    """That of a circuit in a network."""
    return tuple(layer.weight_ee.shape), len(layer.weight_ie)


def signatures(network: SequentialState) -> list[Signature]:
    """Those of all circuits of a network, in order."""
    return [signature(layer) for layer in network.modules() if isinstance(layer, EICircuit)]


@torch.no_grad()
def place_(circuits: Sequence[Circuit], network: SequentialState) -> None:
    """Copy parameters into a network, in place.

    Raises:
        InputError: the network has other circuits; names the first that differs.
    """
    waiting: dict[Signature, list[Circuit]] = defaultdict(list)
    for circuit in circuits:
        waiting[circuit.signature].append(circuit)
    expected = Counter(signatures(network))
    for found, alike in sorted(waiting.items()):
        if len(alike) > expected[found]:
            raise InputError(
                f"the network of the recipe has {expected[found]} circuits with weights "
                f"{list(found[0])} and {found[1]} inhibitory neurons, the checkpoint has "
                f"{len(alike)}: {', '.join(circuit.name for circuit in alike)}",
                "Correct the options of the model in the recipe.",
            )
    for name, layer in network.named_modules():
        if not isinstance(layer, EICircuit):
            continue
        if not waiting[signature(layer)]:
            raise InputError(
                f"the checkpoint lacks a circuit with weights {list(layer.weight_ee.shape)} and "
                f"{len(layer.weight_ie)} inhibitory neurons, which the network of the recipe has "
                f"as module {name}",
                "Correct the options of the model in the recipe.",
            )
        for parameter, values in waiting[signature(layer)].pop(0).parameters.items():
            getattr(layer, parameter).copy_(values)
