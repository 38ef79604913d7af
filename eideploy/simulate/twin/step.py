"""What a neuron model does in one step, and what all spiking ones do at its end."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from eideploy.program import Array, LIFNeuron, LIFNeuronFixed

Tensors = dict[str, Tensor]

Step = tuple[Tensor, Tensors, Tensors]
"""Output, state as tested, state after the reset."""

Advance = Callable[[Tensors, Tensors], Step]
"""Integrate what arrived at the ports, test, reset: (ports, state) → Step."""

ToTensor = Callable[[Array], Tensor]
"""Brings a parameter, or what is made of it, to the type and the device of the neurons."""


def fire(v: Tensor, threshold: Tensor, reset: str, amount: Tensor, **currents: Tensor) -> Step:
    """Spikes where v > threshold, as float32, in which all synapses take them; then the reset."""
    spikes = v > threshold
    after = torch.where(spikes, v - amount if reset == "subtract" else amount, v)
    return spikes.to(torch.float32), currents | {"v": v}, currents | {"v": after}


def refractory(neuron: LIFNeuron | LIFNeuronFixed, tensor: ToTensor, advance: Advance) -> Advance:
    """`advance`, with v held and not tested in the steps after a spike."""
    if not np.any(neuron.refractory):
        return advance
    period = tensor(neuron.refractory)

    def advance_unless_held(ports: Tensors, state: Tensors) -> Step:
        free = state["remaining"] == 0
        spikes, tested, after = advance(ports, state)
        spikes = spikes * free
        remaining = torch.where(spikes > 0, period, (state["remaining"] - 1).clamp_(min=0))
        tested, after = (x | {"v": torch.where(free, x["v"], state["v"])} for x in (tested, after))
        return spikes, tested, after | {"remaining": remaining}

    return advance_unless_held
