"""The yardstick: E-I circuit and LIF written down plainly, with autograd doing all of the backward.

One torch call for each term of the equations, in the default memory layout: a convolution for E and
one for I, a channel mixing for B and one for S, a Python loop over the steps of the LIF; whatever a
call makes is a new tensor. It takes no detour to look slow: steps and samples are merged wherever
neurons have no memory, a mixing is one einsum, nothing is computed twice. The implementation of the
paper's authors is of this kind and takes 2.2 times as long as its BatchNorm twin.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from eideploy.cells import LIF, AvgPool2d, EICircuit, EIConv2d
from eideploy.cells.circuit import scale_gradient


def plain(network: nn.Module) -> nn.Module:
    """A copy of a network with plain cells in place of the shipped ones."""
    network = copy.deepcopy(network)
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, LIF):
                setattr(parent, name, PlainLIF(child))
            elif isinstance(child, EICircuit):
                setattr(parent, name, PlainCircuit(child))
            elif isinstance(child, AvgPool2d):
                setattr(parent, name, nn.AvgPool2d(child.kernel_size))
    return network


class PlainCircuit(nn.Module):
    """The current of `circuit` with its parameters."""

    def __init__(self, circuit: EICircuit) -> None:
        super().__init__()
        self.circuit = circuit

    def forward(self, x: Tensor) -> Tensor:
        circuit = self.circuit
        merged = circuit.merge(x)
        i_ee = feed_forward(circuit, merged, circuit.weight_ee)
        i_ie = feed_forward(circuit, merged, circuit.weight_ie)
        weight_ei: Tensor = circuit.weight_ei
        if circuit.gradient_scaling:
            weight_ei = scale_gradient(weight_ei, 1 / circuit.fan_in)
        current = i_ee - mix(weight_ei, i_ie)
        if circuit.divisive:
            divisor = stabilize(circuit, mix(weight_ei, along(circuit.gain_i, i_ie) * i_ie))
            current = along(circuit.gain_e, current) * (current / divisor)
            current = current + along(circuit.bias, current)
        return current.reshape(*x.shape[: x.dim() - circuit.input_dims], *current.shape[1:])


def feed_forward(circuit: EICircuit, x: Tensor, weight: Tensor) -> Tensor:
    """W x, dense or convolutional."""
    if isinstance(circuit, EIConv2d):
        return functional.conv2d(x, weight, stride=circuit.stride, padding=circuit.padding)
    return functional.linear(x, weight)


def mix(weight: Tensor, current: Tensor) -> Tensor:
    """W_EI at each place, [E, I] and [N, I, …] → [N, E, …]."""
    return torch.einsum("ei,ni...->ne...", weight, current)


def stabilize(circuit: EICircuit, shunt: Tensor) -> Tensor:
    """Adaptive: zeros become the smallest other entry of their row, the gradient passes all."""
    if circuit.stabilizer == "none":
        return shunt
    if circuit.stabilizer == "floor":
        return torch.maximum(shunt, circuit.floor)
    rows = shunt.detach().flatten(1)
    fill = rows.masked_fill(rows == 0, torch.inf).amin(1).view(-1, *[1] * (shunt.dim() - 1))
    if circuit.straight_through:
        return shunt + torch.where(shunt == 0, fill, 0.0)
    return torch.where(shunt == 0, fill, shunt)


def along(values: Tensor, like: Tensor) -> Tensor:
    """One value for each channel of [N, C, …]."""
    return values.view(-1, *[1] * (like.dim() - 2))


class Spike(torch.autograd.Function):
    """[x > 0], with the gradient of a sigmoid of steepness α."""

    @staticmethod
    def forward(ctx, x, alpha):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(x)
        ctx.alpha = alpha
        return (x > 0).to(x)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        (x,) = ctx.saved_tensors
        sigmoid = torch.sigmoid(ctx.alpha * x)
        return gradient * ctx.alpha * sigmoid * (1 - sigmoid), None


class PlainLIF(nn.Module):
    """The neuron of `lif` from rest, [T, B, …] → spikes [T, B, …] and no state."""

    def __init__(self, lif: LIF) -> None:
        super().__init__()
        self.lif = lif

    def forward(self, currents: Tensor, state: None = None) -> tuple[Tensor, None]:
        lif = self.lif
        v = torch.zeros_like(currents[0])
        spikes = []
        for current in currents:
            v = v - v / lif.tau + current
            z = Spike.apply(v - lif.threshold, lif.alpha)
            spikes.append(z)
            reset = z.detach()
            v = v * (1 - reset) if lif.reset == "zero" else v - reset * lif.threshold
        return torch.stack(spikes), None
