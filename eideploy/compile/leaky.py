"""Leaky neurons in integers: LIF and integrators, in the registers of Lava's LIF."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from eideploy.errors import QuantizationError, UnsupportedError
from eideploy.program import (
    Array,
    EINeuron,
    Integrator,
    IntegratorFixed,
    LIFNeuron,
    LIFNeuronFixed,
    Population,
)
from eideploy.program.neuron import CURRENT_SHIFT, DECAY_BITS

THRESHOLD_BITS = 12
"""A threshold becomes about 2^THRESHOLD_BITS units of its port, or more."""

THRESHOLD_MAX = 2**17 - 1
"""Largest threshold of Lava's LIF, before its shift (lava/proc/lif/models.py)."""

BIAS_MANTISSA_MAX, BIAS_EXPONENT_MAX = 2**12 - 1, 7
"""Bias of Lava's LIF: 13-bit mantissa, 3-bit exponent (lava/proc/lif/models.py)."""

Spiking = TypeVar("Spiking", LIFNeuron, EINeuron)


def lif_neuron(population: Population, lif: LIFNeuron, scale: float) -> LIFNeuronFixed:
    """A LIF whose port has the given scale; v is in units of 2^-6 of it.

    Args:
        population: for messages.
        lif: measured from its rest, with a gain of 1.
        scale: integer units per unit of the input.

    Raises:
        QuantizationError: a decay is below what 12 bits can hold.
    """
    unit = scale * 2**CURRENT_SHIFT
    return LIFNeuronFixed(
        **_registers(population, lif, scale),
        threshold=_rounded(lif.threshold * scale),
        reset=lif.reset,
        reset_to=_rounded(lif.reset_to * unit) if lif.reset == "value" else 0,
        refractory=lif.refractory,
    )


def integrator_neuron(
    population: Population, integrator: Integrator, scale: float
) -> IntegratorFixed:
    """An integrator whose port has the given scale, and that emits all bits of v.

    Raises:
        QuantizationError: a decay is below what 12 bits can hold.
    """
    return IntegratorFixed(
        **_registers(population, integrator, scale),
        initial=_rounded(integrator.initial * scale * 2**CURRENT_SHIFT),
    )


def _registers(
    population: Population, neuron: LIFNeuron | Integrator, scale: float
) -> dict[str, Array]:
    """Decays and biases, which both models have."""
    current_decay = _rounded(neuron.current_decay * 2**DECAY_BITS) - 1
    voltage_decay = _rounded(neuron.voltage_decay * 2**DECAY_BITS)
    if np.any(current_decay < 0):
        raise _slow(population, "synaptic")
    if np.any((voltage_decay == 0) & (neuron.voltage_decay > 0)):
        raise _slow(population, "membrane")
    return {
        "current_decay": current_decay,
        "voltage_decay": voltage_decay,
        **_split_bias(neuron.bias * scale * 2**CURRENT_SHIFT),
        "current_bias": _rounded(neuron.current_bias * scale),
    }


def _slow(population: Population, kind: str) -> QuantizationError:
    return QuantizationError(
        f"population {population.name!r}: a {kind} decay is below 2^-{DECAY_BITS}",
        f"Its time constant is too long for {DECAY_BITS} bits: take a longer step (dt), or a time "
        f"constant of at most {2**DECAY_BITS} steps.",
    )


def _split_bias(bias: Array) -> dict[str, Array]:
    """Mantissa and exponent of Lava's LIF bias, with the smallest exponent that fits."""
    exponent = 0
    largest = float(np.max(np.abs(bias), initial=0.0))
    while largest / 2**exponent > BIAS_MANTISSA_MAX and exponent < BIAS_EXPONENT_MAX:
        exponent += 1
    return {
        "bias_mantissa": _rounded(bias / 2**exponent),
        "bias_exponent": np.array(exponent),
    }


def _rounded(values: Any) -> Array:
    # What no register holds is still to be found too large, and not to wrap.
    return np.rint(np.clip(values, -(2.0**62), 2.0**62)).astype(np.int64)


def threshold_exponent(lif: LIFNeuron, scale: float) -> int:
    """Power of two that brings the thresholds of a LIF to about 2^THRESHOLD_BITS units.

    Never less than 0, which would cost weights their bits, unless a threshold, or what v is reset
    to, would be too large. More bits would cost range: v is clipped at 2¹⁷ units, and a potential
    far below 0 has to stay there.
    """
    threshold = lif.threshold[lif.threshold > 0] * scale
    largest = float(np.max(threshold, initial=0.0))
    if lif.reset == "value":
        largest = max(largest, scale * float(np.max(np.abs(lif.reset_to))))
    if largest == 0:
        return 0
    wanted = math.ceil(math.log2(2**THRESHOLD_BITS / float(np.min(threshold, initial=largest))))
    return min(max(0, wanted), math.floor(math.log2(THRESHOLD_MAX / largest)))


def rest_at_zero(population: Population, neuron: Spiking) -> Spiking:
    """The same neuron with its potential measured from where it starts.

    v = v' + v₀ gives v' ← (1 − a)·v' + input + (bias − a·v₀), tested against θ − v₀, reset to
    v_reset − v₀. A membrane that forgets at once (a = 1) can be measured from anywhere.

    Raises:
        UnsupportedError: a neuron fires at rest, or is reset by another amount than θ − v₀.
    """
    rest, forgets = neuron.initial, neuron.voltage_decay == 1
    rest = np.where(forgets & (neuron.threshold < rest), 2 * neuron.threshold - rest, rest)
    threshold = neuron.threshold - rest
    least = 0.0 if isinstance(neuron, LIFNeuron) else np.finfo(np.float64).tiny
    if np.any(threshold < least):
        raise UnsupportedError(
            f"population {population.name!r}: a threshold is not above v_leak, where the neuron "
            "starts",
            "Give it a higher threshold, or a lower v_leak.",
        )
    if neuron.reset == "value":
        reset_to = np.where(forgets, 0.0, neuron.reset_to - rest)
    else:
        reset_to = threshold
        if np.any(~forgets & (neuron.reset_to != threshold)):
            raise UnsupportedError(
                f"population {population.name!r}: with soft reset, v_leak must be 0 in fixed point"
            )
    return replace(
        neuron,
        threshold=threshold,
        bias=neuron.bias - neuron.voltage_decay * rest,
        reset_to=reset_to,
        initial=0.0,
    )


def at_unit_gain(population: Population, lif: LIFNeuron) -> LIFNeuron:
    """The same LIF with its state in units of its gain, which then is 1. Exact for spikes.

    Raises:
        UnsupportedError: a gain is not above 0.
    """
    if np.any(lif.gain <= 0):
        raise _different_gains(population)
    return scaled(lif, 1 / lif.gain, gain=1.0)


def scaled(lif: LIFNeuron, factor: Array, **changes: Any) -> LIFNeuron:
    """The same LIF, in every spike, for weights that are `factor` times as large."""
    names = ("threshold", "bias", "current_bias", "reset_to", "initial")
    return replace(lif, **{name: getattr(lif, name) * factor for name in names} | changes)


def require_folded(population: Population, gain: Array) -> None:
    """Raise `UnsupportedError` unless the gain of a population became part of its weights."""
    if np.any(gain != 1.0):
        raise _different_gains(population)


def _different_gains(population: Population) -> UnsupportedError:
    return UnsupportedError(
        f"population {population.name!r}: its input gain differs from neuron to neuron and "
        "cannot be folded into the shared weights of a convolution or a one-to-one connection",
        "Make R and τ the same for all neurons, or for all pixels of a channel; or put a "
        "Linear in front.",
    )
