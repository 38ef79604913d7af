"""The neuron models in float64."""

from __future__ import annotations

import torch

from eideploy.program import EINeuron, Integrator, LIFNeuron
from eideploy.simulate.twin.step import Advance, Step, Tensors, ToTensor, fire


def lif(neuron: LIFNeuron, tensor: ToTensor) -> Advance:
    """See `LIFNeuron`."""
    integrate = integrator(neuron, tensor)
    threshold, reset_to = tensor(neuron.threshold), tensor(neuron.reset_to)

    def advance(ports: Tensors, state: Tensors) -> Step:
        v, tested, _ = integrate(ports, state)
        return fire(v, threshold, neuron.reset, reset_to, u=tested["u"])

    return advance


def integrator(neuron: LIFNeuron | Integrator, tensor: ToTensor) -> Advance:
    """See `Integrator`."""
    current_decay, voltage_decay = tensor(neuron.current_decay), tensor(neuron.voltage_decay)
    gain, bias = tensor(neuron.gain), tensor(neuron.bias)
    current_bias = tensor(neuron.current_bias)

    def advance(ports: Tensors, state: Tensors) -> Step:
        u = state["u"] - current_decay * state["u"] + gain * ports["input"] + current_bias
        v = state["v"] - voltage_decay * state["v"] + u + bias
        return v, {"u": u, "v": v}, {"u": u, "v": v}

    return advance


def circuit(neuron: EINeuron, tensor: ToTensor) -> Advance:
    """See `EINeuron`."""
    decay, gain, bias = (tensor(p) for p in (neuron.voltage_decay, neuron.gain, neuron.bias))
    floor, threshold = tensor(neuron.floor), tensor(neuron.threshold)
    reset_to = tensor(neuron.reset_to)

    def advance(ports: Tensors, state: Tensors) -> Step:
        v = state["v"] - decay * state["v"]
        v = v + gain * ports["balanced"] / torch.maximum(ports["shunt"], floor) + bias
        return fire(v, threshold, neuron.reset, reset_to)

    return advance
