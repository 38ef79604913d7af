"""The E-I neuron in integers: how many bits its potential and its quotient have."""

from __future__ import annotations

import math

import numpy as np

from eideploy.errors import QuantizationError
from eideploy.program import Array, EINeuron, EINeuronFixed, Population
from eideploy.program.neuron import DECAY_BITS, GAIN_BITS, STATE_BITS, STATE_MAX

FRACTION_BITS = 12
"""A threshold of about 1 becomes 2^FRACTION_BITS, where that leaves room for currents."""

LEAST_FRACTION_BITS, MOST_FRACTION_BITS = 6, 18
"""A threshold has at least 2 digits, and a current of 16 times that still fits 24 bits."""

LEAST_QUOTIENT_SHIFT = 8
"""|B| = S should make a quotient of as many bits: it is rounded toward zero."""

MOST_QUOTIENT_SHIFT = 62 - STATE_BITS
"""|B|·2^shift shall fit into 63 bits."""


def quotient_shift(circuit: EINeuron, scales: dict[str, float], bits: int = FRACTION_BITS) -> int:
    """Fraction bits of the quotient, and what balances the scales of B and S.

    θ ≈ 2^bits whatever its unit.
    """
    balance = round(math.log2(scales["shunt"] / scales["balanced"]))
    return _point(circuit, bits) + balance


def _point(circuit: EINeuron, bits: int) -> int:
    return bits - round(math.log2(float(np.max(circuit.threshold))))


def circuit_neuron(
    population: Population, circuit: EINeuron, scales: dict[str, float]
) -> EINeuronFixed:
    """An E-I neuron whose ports have the given scales; their ratio goes into the quotient's shift.

    Args:
        population: for messages.
        circuit: measured from its rest.
        scales: integer units per unit of B and of S; their ratio is a power of two.

    Raises:
        QuantizationError: no leak, thresholds too far apart, or B and S, the leak or the bias are
            too far apart for 24 bits.
    """
    decay = np.rint(circuit.voltage_decay * 2**DECAY_BITS).astype(np.int64)
    if np.any(decay < 1):
        raise QuantizationError(
            f"population {population.name!r}: an E-I neuron without leak can leave any width",
            f"Give the LIF a time constant of at most {2**DECAY_BITS} steps.",
        )
    bits = _fraction_bits(population, circuit, scales, decay)
    unit = 2.0 ** _point(circuit, bits)
    shift = quotient_shift(circuit, scales, bits)
    bias = np.rint(circuit.bias * unit).astype(np.int64)
    threshold = np.rint(circuit.threshold * unit).astype(np.int64)
    if np.any(threshold < 1):
        raise QuantizationError(
            f"population {population.name!r}: thresholds from {circuit.threshold.min():g} to "
            f"{circuit.threshold.max():g} are too far apart for {bits} bits"
        )
    if not 0 <= shift <= MOST_QUOTIENT_SHIFT:
        raise QuantizationError(
            f"population {population.name!r}: balanced input, shunting input and threshold are too "
            f"far apart for one quotient: it would be shifted by {shift} bits, "
            f"0 to {MOST_QUOTIENT_SHIFT} are possible"
        )
    gain = np.rint(circuit.gain * 2**GAIN_BITS).astype(np.int64)
    # The widest quotient with which the potential provably stays in its width.
    room = np.min(_room(decay, bias) / np.maximum(gain, 1)) * 2**GAIN_BITS
    return EINeuronFixed(
        voltage_decay=decay,
        gain=gain,
        bias=bias,
        floor=np.maximum(1, np.rint(circuit.floor * scales["shunt"])).astype(np.int64),
        threshold=threshold,
        quotient_shift=shift,
        quotient_bits=min(STATE_BITS, math.floor(math.log2(room + 1)) + 1),
        reset=circuit.reset,
        reset_to=np.rint(circuit.reset_to * unit).astype(np.int64)
        if circuit.reset == "value"
        else 0,
    )


def _room(decay: Array, bias: Array) -> Array:
    """Largest current with which the potential stays in its width: |v| ≤ (|q| + |b|)·4096/d."""
    room: Array = STATE_MAX * (decay / 2**DECAY_BITS) - np.abs(bias)
    return room


def _fraction_bits(
    population: Population, circuit: EINeuron, scales: dict[str, float], decay: Array
) -> int:
    """Bits of the threshold: FRACTION_BITS, more where a slow neuron needs them, or fewer.

    A current that crosses two thresholds in a step, or one of |B| = 2·S if that is less, has to
    fit; a quotient of |B| = S should have LEAST_QUOTIENT_SHIFT bits.
    """

    def fits(bits: int, spare: int = 1) -> bool:
        unit = 2.0 ** _point(circuit, bits)
        current = min(bits, max(0, quotient_shift(circuit, scales, bits)))
        room = float(np.min(_room(decay, circuit.bias * unit)))
        resets = circuit.reset != "value" or np.max(np.abs(circuit.reset_to)) * unit <= STATE_MAX
        return room >= 2 ** (current + spare) and bool(resets)

    bits = FRACTION_BITS
    while (
        quotient_shift(circuit, scales, bits) < LEAST_QUOTIENT_SHIFT
        and bits < MOST_FRACTION_BITS
        and fits(bits + 1, spare=2)
    ):
        bits += 1
    while bits > LEAST_FRACTION_BITS and not fits(bits):
        bits -= 1
    if not fits(bits):
        raise QuantizationError(
            f"population {population.name!r}: bias and leak leave no room for a current in "
            f"{STATE_BITS} bits, even if the threshold has only {bits}",
            "Give the LIF a shorter time constant, or its circuit a smaller bias.",
        )
    return bits
