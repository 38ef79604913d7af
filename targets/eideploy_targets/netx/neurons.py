"""Neurons of an integer Program → CUBA neurons of lava-dl, or by name what netx has not."""

from __future__ import annotations

import numpy as np

from eideploy.errors import UnsupportedError
from eideploy.program import (
    Array,
    IntegratorFixed,
    LIFNeuronFixed,
    Population,
    Relay,
    Source,
)
from eideploy_targets.netx.layers import BIAS_EXPONENT, READOUT, Cuba, Shape

BIAS_RANGE = (-4096, 4095)
"""13 bits: a mantissa of Loihi."""


def cuba_of(population: Population, shape: Shape, *, last: bool) -> tuple[Cuba, Array]:
    """CUBA parameters of a population, and its bias in units of 2⁶.

    Args:
        population: of an integer Program.
        shape: of its layer, [n] or [c, h, w].
        last: it is the output, whose potential can be read.

    Raises:
        UnsupportedError: netx has no such neuron, or cannot hold a parameter.
    """
    where = f"population {population.name!r}"
    match population.neuron:
        case LIFNeuronFixed() as lif:
            if lif.reset != "value" or np.any(lif.reset_to):
                raise UnsupportedError(
                    f"{where}: netx resets to 0, not by subtraction or to another value",
                    "Train with reset to zero, or deploy on another target.",
                )
            if np.any(lif.refractory):
                raise UnsupportedError(
                    f"{where}: the neurons of netx have no refractory period",
                    "Use another target.",
                )
            cuba = Cuba(lif.current_decay + 1, lif.voltage_decay, lif.threshold)
            mantissa, exponent, current_bias = (
                lif.bias_mantissa,
                lif.bias_exponent,
                lif.current_bias,
            )
        case IntegratorFixed() as integrator if last and not np.any(integrator.initial):
            cuba = Cuba(integrator.current_decay + 1, integrator.voltage_decay, np.array(READOUT))
            mantissa, exponent = integrator.bias_mantissa, integrator.bias_exponent
            current_bias = integrator.current_bias
        case Relay() as relay if last:
            # Neither current nor potential lasts: v = 2⁶·(x + bias), which is read.
            cuba = Cuba(np.array(4096), np.array(4096), np.array(READOUT))
            mantissa, exponent, current_bias = relay.bias, np.array(BIAS_EXPONENT), np.array(0)
        case Relay() | IntegratorFixed():
            raise UnsupportedError(
                f"{where}: netx sends spikes, and graded values nowhere but at its output",
                "Pools become part of the kernels behind them with --pool fold.",
            )
        case Source():
            raise UnsupportedError(f"{where}: netx has one input")
        case other:
            raise UnsupportedError(f"{where}: netx has no {type(other).__name__}")
    if np.any(current_bias):
        raise UnsupportedError(f"{where}: netx has biases of the potential, not of the current")
    shift = population.neuron.parameters().get("shift", np.array(0))
    if np.any(shift != shift.flat[0]):
        raise UnsupportedError(f"{where}: an output of netx drops as many bits in every neuron")
    bias = mantissa << exponent
    if np.any(bias % 2**BIAS_EXPONENT):
        raise UnsupportedError(f"{where}: a bias is no multiple of {2**BIAS_EXPONENT}, as in netx")
    bias = bias >> BIAS_EXPONENT
    if np.any(bias < BIAS_RANGE[0]) or np.any(bias > BIAS_RANGE[1]):
        raise UnsupportedError(
            f"{where}: biases {bias.min()}…{bias.max()} (times {2**BIAS_EXPONENT}) are beyond the "
            "13 bits of Loihi"
        )
    values = (cuba.current_decay, cuba.voltage_decay, cuba.threshold)
    return Cuba(*(_per_channel(where, _laid_out(v, population, shape)) for v in values)), _laid_out(
        bias, population, shape
    )


def _laid_out(values: Array, population: Population, shape: Shape) -> Array:
    """A parameter as one number, or one for each neuron of the layer."""
    if np.all(values == values.flat[0]):
        return np.array(values.flat[0])
    return np.broadcast_to(values, population.shape).reshape(shape)


def _per_channel(where: str, values: Array) -> Array:
    """The same as one number, or one for each channel."""
    first = values.reshape(len(values), -1)[:, 0] if values.ndim else values
    first = first.reshape(-1, *(1 for _ in values.shape[1:])) if values.ndim else first
    if np.any(values != first):
        raise UnsupportedError(f"{where}: netx has one decay and threshold for each channel")
    return first
