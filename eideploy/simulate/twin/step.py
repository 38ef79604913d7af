"""What a neuron model does in one step, and what all spiking ones do at its end."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from eideploy.program import Array

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
