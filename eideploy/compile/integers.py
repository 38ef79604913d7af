"""Real parameters as integers: weights, payloads, biases and the E-I neuron, one at a time."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from eideploy.errors import QuantizationError, UnsupportedError
from eideploy.program import (
    Array,
    EINeuron,
    EINeuronFixed,
    LIFNeuron,
    Population,
    Projection,
    Source,
)
from eideploy.program.neuron import DECAY_BITS, GAIN_BITS, STATE_BITS, STATE_MAX

FRACTION_BITS = 12
"""A threshold of about 1 becomes 2^FRACTION_BITS in an E-I neuron."""

PAYLOAD_LEVELS = 255
"""Graded inputs are 8-bit payloads."""

MOST_QUOTIENT_SHIFT = 62 - STATE_BITS
"""|B|·2^shift shall fit into 63 bits."""

THRESHOLD_MAX = 2**17 - 1
"""Largest threshold of Lava's LIF, before its shift (lava/proc/lif/models.py)."""

BIAS_MANTISSA_MAX, BIAS_EXPONENT_MAX = 2**12 - 1, 7
"""Bias of Lava's LIF: 13-bit mantissa, 3-bit exponent (lava/proc/lif/models.py)."""


def quotient_shift(circuit: EINeuron, scales: dict[str, float]) -> int:
    """Fraction bits of the quotient, and what balances the scales of B and S."""
    return _fraction_bits(circuit) + round(math.log2(scales["shunt"] / scales["balanced"]))


def _fraction_bits(circuit: EINeuron) -> int:
    """Bits behind the point of the potential: θ ≈ 2^FRACTION_BITS whatever its unit."""
    return FRACTION_BITS - round(math.log2(float(np.max(circuit.threshold))))


def circuit_neuron(
    population: Population, circuit: EINeuron, scales: dict[str, float]
) -> EINeuronFixed:
    """An E-I neuron whose ports have the given scales; their ratio goes into the quotient's shift.

    Raises:
        QuantizationError: no leak, thresholds too far apart, or B and S or the bias are too far
            apart for 24 bits.
    """
    unit = 2.0 ** _fraction_bits(circuit)
    shift = quotient_shift(circuit, scales)
    decay = np.rint(circuit.voltage_decay * 2**DECAY_BITS).astype(np.int64)
    bias = np.rint(circuit.bias * unit).astype(np.int64)
    threshold = np.rint(circuit.threshold * unit).astype(np.int64)
    if np.any(decay < 1):
        raise QuantizationError(
            f"population {population.name!r}: an E-I neuron without leak can leave any width",
            "Give the LIF a time constant below 4096 steps.",
        )
    if np.any(threshold < 1):
        raise QuantizationError(
            f"population {population.name!r}: thresholds from {circuit.threshold.min():g} to "
            f"{circuit.threshold.max():g} are too far apart for {FRACTION_BITS} bits"
        )
    if not 0 <= shift <= MOST_QUOTIENT_SHIFT:
        raise QuantizationError(
            f"population {population.name!r}: balanced input, shunting input and threshold are too "
            f"far apart for one quotient: it would be shifted by {shift} bits, "
            f"0 to {MOST_QUOTIENT_SHIFT} are possible"
        )
    room = (STATE_MAX * decay.astype(np.float64) / 2**DECAY_BITS - np.abs(bias)).min()
    if room < 2 ** (FRACTION_BITS + 1):
        raise QuantizationError(
            f"population {population.name!r}: bias and leak leave no room for a current in "
            f"{STATE_BITS} bits",
            "Give the LIF a time constant of at most 1000 steps, or its circuit a smaller bias.",
        )
    return EINeuronFixed(
        voltage_decay=decay,
        gain=np.rint(circuit.gain * 2**GAIN_BITS).astype(np.int64),
        bias=bias,
        floor=np.maximum(1, np.rint(circuit.floor * scales["shunt"])).astype(np.int64),
        threshold=threshold,
        quotient_shift=shift,
        # The widest quotient with which the potential provably stays in its width.
        quotient_bits=min(STATE_BITS, math.floor(math.log2(room + 1)) + 1),
        reset=circuit.reset,
    )


def lif_exponent(threshold: Array) -> int:
    """Power of two that brings the thresholds of a LIF to about 2^FRACTION_BITS.

    Never less than 0, which would cost weights their bits, unless a threshold would be too large.
    More bits would cost range: v is clipped at 2¹⁷ units, and a potential far below 0 has to stay
    there.
    """
    wanted = math.ceil(math.log2(2**FRACTION_BITS / float(np.min(threshold))))
    most = math.floor(math.log2(THRESHOLD_MAX / float(np.max(threshold))))
    return min(max(0, wanted), most)


def payload_source(source: Source) -> Source:
    """Payloads: the training data's own levels where they fit, else 255 of them."""
    largest = float(max(abs(source.minimum), abs(source.maximum)))
    if largest == 0:
        raise QuantizationError("the range of an input is [0, 0]")
    scale, levels = PAYLOAD_LEVELS / largest, int(source.levels)
    if levels > 0 and source.maximum > 0:
        own = levels / float(source.maximum)
        scale = own if own * largest <= PAYLOAD_LEVELS else scale
    return replace(source, scale=scale)


def largest_weight(projection: Projection, weight_bits: int) -> int:
    """Largest weight: 255 for one sign and 254 for mixed ones at 8 bits."""
    return 256 - weight_step(projection, weight_bits)


def weight_step(projection: Projection, weight_bits: int) -> int:
    """Distance of neighbouring weights: the lost bits, and one more for the sign."""
    return int(2 ** (8 - weight_bits + (projection.sign == "mixed")))


def integer_weights(projection: Projection, factor: float, weight_bits: int) -> Projection:
    """W·factor as integers with the smallest exponent ≥ 0 that brings them into range."""
    weight = projection.operator.weight * factor
    largest = float(np.max(np.abs(weight), initial=0.0))
    most, step = largest_weight(projection, weight_bits), weight_step(projection, weight_bits)
    exponent = 0
    while largest / 2.0**exponent > most + step / 2:
        exponent += 1
    rounded = np.rint(weight / (step * 2.0**exponent)) * step
    integer = np.clip(rounded, -most, most).astype(np.int64)
    return replace(
        projection,
        operator=replace(projection.operator, weight=integer),
        exponent=exponent,
    )


def split_bias(bias: Array) -> dict[str, Array]:
    """Mantissa and exponent of Lava's LIF bias, with the smallest exponent that fits."""
    exponent = 0
    largest = float(np.max(np.abs(bias), initial=0.0))
    while largest / 2**exponent > BIAS_MANTISSA_MAX and exponent < BIAS_EXPONENT_MAX:
        exponent += 1
    return {
        "bias_mantissa": np.rint(bias / 2**exponent).astype(np.int64),
        "bias_exponent": np.array(exponent),
    }


def require_folded(population: Population, gain: Array) -> None:
    """Raise `UnsupportedError` unless the gain of a population became part of its weights."""
    if np.any(gain != 1.0):
        raise UnsupportedError(
            f"population {population.name!r}: its input gain differs from neuron to neuron and "
            "cannot be folded into the shared weights of a convolution or a one-to-one connection",
            "Make R and τ the same for all neurons, or for all pixels of a channel; or put a "
            "Linear in front.",
        )


def rest_at_zero(population: Population, lif: LIFNeuron) -> LIFNeuron:
    """The same neuron with its potential measured from where it starts.

    v = v' + v₀ gives v' ← (1 − a)·v' + u + (bias − a·v₀), tested against θ − v₀.
    """
    rest = lif.initial
    threshold = lif.threshold - rest
    if lif.reset == "value" and np.any(lif.reset_to != rest):
        raise UnsupportedError(
            f"population {population.name!r}: v_reset differs from v_leak; in fixed point a "
            "neuron is reset to where it starts",
            "Set v_reset to v_leak, or give --target lava-float.",
        )
    if lif.reset == "subtract" and np.any(lif.reset_to != threshold):
        raise UnsupportedError(
            f"population {population.name!r}: with soft reset, v_leak must be 0 in fixed point"
        )
    if np.any(threshold <= 0):
        raise UnsupportedError(f"population {population.name!r}: a threshold is not above v_leak")
    return replace(lif, threshold=threshold, bias=lif.bias - lif.voltage_decay * rest)
