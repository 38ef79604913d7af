"""A population on a device, ready to be stepped on tensors [sample, *shape].

In a float Program tensors are float64. In an integer one they hold integers, bit-exact: in float64
where `Bounds` proves that every intermediate result is one of its numbers, else in int64.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from eideploy.errors import UnsupportedError
from eideploy.program import (
    Array,
    EINeuron,
    EINeuronFixed,
    Integrator,
    IntegratorFixed,
    LIFNeuron,
    LIFNeuronFixed,
    Neuron,
    Population,
    Relay,
)
from eideploy.simulate.twin import fixed, floating
from eideploy.simulate.twin.division import Division
from eideploy.simulate.twin.step import Advance, Tensors, ToTensor, refractory


class Neurons:
    """A population whose parameters are on a device.

    Args:
        population: neurons of one model, no input.
        dtype: of its ports and state.
        device: where they are.
        division: how the integer E-I neuron divides.
    """

    def __init__(
        self, population: Population, dtype: torch.dtype, device: torch.device, division: Division
    ) -> None:
        neuron = population.neuron
        self.shape = population.shape
        self.ports, self.memory = neuron.ports, (*neuron.state, *neuron.counters)
        self.dtype, self.device = dtype, device
        self.start = self._tensor(neuron.parameters().get("initial", np.zeros(())))
        self.step = _advance(neuron, self._tensor, division)

    def zeros(self, samples: int) -> Tensor:
        """Zero for every neuron of every sample; images with their channels innermost."""
        image = len(self.shape) == 3
        return torch.zeros((samples, *self.shape), dtype=self.dtype, device=self.device).contiguous(
            memory_format=torch.channels_last if image else torch.contiguous_format
        )

    def initial(self, samples: int) -> Tensors:
        """State before the first step of a sample."""
        state = {name: self.zeros(samples) for name in self.memory}
        if "v" in state:
            state["v"] += self.start
        return state

    def _tensor(self, values: Array) -> Tensor:
        return torch.tensor(values, dtype=self.dtype, device=self.device)


def _advance(neuron: Neuron, tensor: ToTensor, division: Division) -> Advance:
    match neuron:
        case Relay():
            return fixed.relay(neuron, tensor)
        case LIFNeuron():
            return refractory(neuron, tensor, floating.lif(neuron, tensor))
        case Integrator():
            return floating.integrator(neuron, tensor)
        case EINeuron():
            return floating.circuit(neuron, tensor)
        case LIFNeuronFixed():
            return refractory(neuron, tensor, fixed.lif(neuron, tensor))
        case IntegratorFixed():
            return fixed.integrator(neuron, tensor)
        case EINeuronFixed():
            return fixed.circuit(neuron, tensor, division)
    raise UnsupportedError(f"the twin has no neuron model {type(neuron).__name__}")
