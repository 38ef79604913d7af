"""The neuron models in integers, which float64 or int64 tensors hold: the same code for both.

Products of matrices aside, this is all the integer arithmetic of the twin, and it shares none with
the reference.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from eideploy.program import Array, EINeuronFixed, IntegratorFixed, LIFNeuronFixed, Relay
from eideploy.simulate.twin.division import Division, divider, floor_division
from eideploy.simulate.twin.step import Advance, Step, Tensors, ToTensor, fire

_UNITY = 2**12  # decays are in units of 1/_UNITY
_ALIGNMENT = 2**6  # synaptic input and threshold of Loihi's LIF are multiples of it
_GAIN = 2**8  # gains are in units of 1/_GAIN
_LIMIT = 2**23  # first magnitude beyond 24 bits


def relay(neuron: Relay, tensor: ToTensor) -> Advance:
    """See `Relay`. In a float Program no bits are dropped, and it is the same."""
    bias = tensor(neuron.bias)
    rounded = _rounding_shift(neuron.shift, tensor)

    def advance(ports: Tensors, state: Tensors) -> Step:
        return rounded(ports["input"] + bias), {}, {}

    return advance


def lif(neuron: LIFNeuronFixed, tensor: ToTensor) -> Advance:
    """See `LIFNeuronFixed`."""
    integrate = _leaky(neuron, tensor)
    threshold = tensor(_ALIGNMENT * neuron.threshold)
    amount = threshold if neuron.reset == "subtract" else tensor(neuron.reset_to)

    def advance(ports: Tensors, state: Tensors) -> Step:
        u, v = integrate(ports["input"], state)
        return fire(v, threshold, neuron.reset, amount, u=u)

    return advance


def integrator(neuron: IntegratorFixed, tensor: ToTensor) -> Advance:
    """See `IntegratorFixed`."""
    integrate = _leaky(neuron, tensor)
    rounded = _rounding_shift(neuron.shift, tensor)

    def advance(ports: Tensors, state: Tensors) -> Step:
        u, v = integrate(ports["input"], state)
        return rounded(v), {"u": u, "v": v}, {"u": u, "v": v}

    return advance


def circuit(neuron: EINeuronFixed, tensor: ToTensor, division: Division) -> Advance:
    """See `EINeuronFixed`."""
    kept = tensor(_UNITY - neuron.voltage_decay)
    floor, gain, bias = (tensor(p) for p in (neuron.floor, neuron.gain, neuron.bias))
    threshold = tensor(neuron.threshold)
    amount = threshold if neuron.reset == "subtract" else tensor(neuron.reset_to)
    divide = divider(neuron, tensor, division)
    gained = bool(np.any(neuron.gain != _GAIN))

    def advance(ports: Tensors, state: Tensors) -> Step:
        q = divide(ports["balanced"], torch.maximum(ports["shunt"], floor))
        if gained:
            q = torch.div(q * gain, _GAIN, rounding_mode="trunc")
        v = _decayed(state["v"], kept).add_(q).add_(bias)
        return fire(v, threshold, neuron.reset, amount)

    return advance


def _leaky(
    neuron: LIFNeuronFixed | IntegratorFixed, tensor: ToTensor
) -> Callable[[Tensor, Tensors], tuple[Tensor, Tensor]]:
    """u and v after the input of a step, as they are tested."""
    kept_u = tensor(_UNITY - 1 - neuron.current_decay)
    kept_v = tensor(_UNITY - neuron.voltage_decay)
    current_bias = tensor(neuron.current_bias)
    bias = tensor(neuron.bias_mantissa << neuron.bias_exponent)

    def integrate(x: Tensor, state: Tensors) -> tuple[Tensor, Tensor]:
        u = _wrapped(_decayed(state["u"], kept_u) + _ALIGNMENT * (x + current_bias))
        v = _decayed(state["v"], kept_v).add_(u).add_(bias)
        return u, v.clamp_(1 - _LIMIT, _LIMIT - 1)

    return integrate


def _decayed(x: Tensor, kept: Tensor) -> Tensor:
    return torch.div(x * kept, _UNITY, rounding_mode="trunc")


def _wrapped(u: Tensor) -> Tensor:
    """Once around the 24 bits; +2²³ stays, as in Lava."""
    turns = (u > _LIMIT).to(u.dtype) - (u <= -_LIMIT).to(u.dtype)
    return u - 2 * _LIMIT * turns


def _rounding_shift(bits: Array, tensor: ToTensor) -> Callable[[Tensor], Tensor]:
    """⌊x / 2^bits + 1/2⌋."""
    if not np.any(bits):
        return lambda x: x
    half, unit = tensor((1 << bits) >> 1), tensor(1 << bits)
    return lambda x: floor_division(x + half, unit)
