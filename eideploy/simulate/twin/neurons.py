"""One step of each neuron model on tensors [sample, *shape]: float64, or int64 and bit-exact."""

from __future__ import annotations

import torch
from torch import Tensor

from eideploy.errors import UnsupportedError
from eideploy.program import (
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

Tensors = dict[str, Tensor]

Step = tuple[Tensor, Tensors, Tensors]
"""Output, state as tested, state after the reset."""

_UNITY = 2**12  # decays are in units of 1/_UNITY
_ALIGNMENT = 2**6  # synaptic input and threshold of Loihi's LIF are multiples of it
_GAIN = 2**8  # gains are in units of 1/_GAIN
_LIMIT = 2**23  # first magnitude beyond 24 bits


class Neurons:
    """A population whose parameters are on a device, and that can be stepped."""

    def __init__(self, population: Population, dtype: torch.dtype, device: torch.device) -> None:
        self.shape = population.shape
        self.model: Neuron = population.neuron
        self.dtype, self.device = dtype, device
        self.parameters = {
            name: torch.tensor(value, dtype=dtype, device=device)
            for name, value in population.neuron.parameters().items()
        }

    def zeros(self, samples: int) -> Tensor:
        """Zero for every neuron of every sample."""
        return torch.zeros((samples, *self.shape), dtype=self.dtype, device=self.device)

    def initial(self, samples: int) -> Tensors:
        """State before the first step of a sample."""
        state = {name: self.zeros(samples) for name in self.model.state}
        if "v" in state and "initial" in self.parameters:
            state["v"] += self.parameters["initial"]
        return state

    def step(self, ports: Tensors, state: Tensors) -> Step:
        """Integrate what arrived at the ports, test, reset."""
        p = self.parameters
        match self.model:
            case Relay():
                return _relay(ports["input"] + p["bias"], p["shift"]), {}, {}
            case LIFNeuron(reset=reset):
                u, v = _leaky(p, ports["input"], state)
                return _fire(v, p["threshold"], reset, p["reset_to"], u=u)
            case Integrator():
                u, v = _leaky(p, ports["input"], state)
                return v, {"u": u, "v": v}, {"u": u, "v": v}
            case EINeuron(reset=reset):
                divisor = torch.maximum(ports["shunt"], p["floor"])
                v = state["v"] - p["voltage_decay"] * state["v"]
                v = v + p["gain"] * ports["balanced"] / divisor + p["bias"]
                return _fire(v, p["threshold"], reset, p["reset_to"])
            case LIFNeuronFixed(reset=reset):
                u, v = _leaky_fixed(p, ports["input"], state)
                return _fire_fixed(v, _ALIGNMENT * p["threshold"], reset, p["reset_to"], u=u)
            case IntegratorFixed():
                u, v = _leaky_fixed(p, ports["input"], state)
                return _relay(v, p["shift"]), {"u": u, "v": v}, {"u": u, "v": v}
            case EINeuronFixed(reset=reset):
                q = _quotient(p, ports["balanced"], ports["shunt"])
                q = torch.div(q * p["gain"], _GAIN, rounding_mode="trunc")
                v = _decayed(state["v"], _UNITY - p["voltage_decay"]) + q + p["bias"]
                return _fire_fixed(v, p["threshold"], reset, p["reset_to"])
        raise UnsupportedError(f"the twin has no neuron model {type(self.model).__name__}")


def _relay(x: Tensor, shift: Tensor) -> Tensor:
    if x.is_floating_point():
        return x
    unit = _power_of_two(shift)
    return torch.div(2 * x + unit, 2 * unit, rounding_mode="floor")


def _leaky(p: Tensors, x: Tensor, state: Tensors) -> tuple[Tensor, Tensor]:
    u = state["u"] - p["current_decay"] * state["u"] + p["gain"] * x + p["current_bias"]
    v = state["v"] - p["voltage_decay"] * state["v"] + u + p["bias"]
    return u, v


def _leaky_fixed(p: Tensors, x: Tensor, state: Tensors) -> tuple[Tensor, Tensor]:
    u = _decayed(state["u"], _UNITY - 1 - p["current_decay"])
    u = _wrapped(u + _ALIGNMENT * (x + p["current_bias"]))
    bias = p["bias_mantissa"] * _power_of_two(p["bias_exponent"])
    v = _decayed(state["v"], _UNITY - p["voltage_decay"]) + u + bias
    return u, v.clamp(1 - _LIMIT, _LIMIT - 1)


def _decayed(x: Tensor, kept: Tensor) -> Tensor:
    return torch.div(x * kept, _UNITY, rounding_mode="trunc")


def _wrapped(u: Tensor) -> Tensor:
    """Once around the 24 bits; +2²³ stays, as in Lava."""
    turns = (u > _LIMIT).to(u.dtype) - (u <= -_LIMIT).to(u.dtype)
    return u - 2 * _LIMIT * turns


def _quotient(p: Tensors, balanced: Tensor, shunt: Tensor) -> Tensor:
    numerator = balanced.abs() * _power_of_two(p["quotient_shift"])
    q = torch.div(numerator, torch.maximum(shunt, p["floor"]), rounding_mode="floor")
    q = torch.minimum(q, _power_of_two(p["quotient_bits"] - 1) - 1)
    return torch.where(balanced < 0, -q, q)


def _power_of_two(exponent: Tensor) -> Tensor:
    return torch.ones_like(exponent) << exponent


def _fire_fixed(
    v: Tensor, threshold: Tensor, reset: str, reset_to: Tensor, **currents: Tensor
) -> Step:
    amount = threshold if reset == "subtract" else reset_to
    return _fire(v, threshold, reset, amount, **currents)


def _fire(v: Tensor, threshold: Tensor, reset: str, amount: Tensor, **currents: Tensor) -> Step:
    spikes = v > threshold
    after = torch.where(spikes, v - amount if reset == "subtract" else amount, v)
    return spikes.to(v.dtype), currents | {"v": v}, currents | {"v": after}
