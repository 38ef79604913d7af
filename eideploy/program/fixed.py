"""Neuron models in integers: Lava's bit-accurate LIF, and the E-I neuron of Loihi 2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from eideploy.program.neuron import (
    REFRACTORY_MAX,
    STATE_BITS,
    STATE_MAX,
    Arithmetic,
    Neuron,
    Ranges,
    Reset,
)


@dataclass(frozen=True, eq=False)
class LIFNeuronFixed(Neuron):
    """Lava's bit-accurate LIF in integers, with reset to a value or by subtraction.

        u ← wrap(tz(u·(4096 − (current_decay + 1)) / 4096) + 2⁶·(x + current_bias))
        v ← clip(tz(v·(4096 − voltage_decay) / 4096) + u + bias)
        z = [v > 2⁶·threshold];  v ← reset_to, or v − 2⁶·threshold, where z

    tz rounds toward zero; clip is to ±(2²³ − 1); wrap adds or subtracts 2²⁴ where u > 2²³ or
    u ≤ −2²³ (so +2²³ stays and −2²³ becomes +2²³, as in Lava, against its comment).
    Source: `lava.proc.lif.models.AbstractPyLifModelFixed` of lava-nc 0.10.

    In the `refractory` steps after a spike v stays where the reset left it, without leak, input or
    bias, and is not tested; u goes on, see `LIFNeuron`. Lava has this in floating point only.

    Args:
        current_decay: register du, 0…4095; the model adds 1.
        voltage_decay: register dv, 0…4096.
        bias_mantissa: −4096…4095.
        bias_exponent: 0…7; bias = bias_mantissa << bias_exponent.
        threshold: 0…131071, before the shift by 6.
        reset: kind of reset.
        reset_to: value that v is set to, in its own units; 0 in Lava's LIF.
        current_bias: added to the input before its shift by 6; 0 in Lava's LIF.
        refractory: steps after a spike in which v is held, 0…63.
    """

    ports: ClassVar[tuple[str, ...]] = ("input",)
    state: ClassVar[tuple[str, ...]] = ("u", "v")
    counters: ClassVar[tuple[str, ...]] = ("remaining",)
    spiking: ClassVar[bool] = True
    arithmetic: ClassVar[tuple[Arithmetic, ...]] = ("integer",)
    ranges: ClassVar[Ranges] = {
        "current_decay": (0, 4095),
        "voltage_decay": (0, 4096),
        "bias_mantissa": (-4096, 4095),
        "bias_exponent": (0, 7),
        "threshold": (0, 131071),
        "reset_to": (-STATE_MAX, STATE_MAX),
        "current_bias": (-STATE_MAX, STATE_MAX),
        "refractory": (0, REFRACTORY_MAX),
    }

    current_decay: Any
    voltage_decay: Any
    bias_mantissa: Any
    bias_exponent: Any
    threshold: Any
    reset: Reset = "value"
    reset_to: Any = 0
    current_bias: Any = 0
    refractory: Any = 0


@dataclass(frozen=True, eq=False)
class IntegratorFixed(Neuron):
    """A leaky integrator in integers: u and v as in `LIFNeuronFixed`, without test and reset.

        y = ⌊v / 2^shift + 1/2⌋

    Args:
        current_decay: register du, 0…4095; the model adds 1.
        voltage_decay: register dv, 0…4096.
        bias_mantissa: −4096…4095.
        bias_exponent: 0…7; bias = bias_mantissa << bias_exponent.
        current_bias: added to the input before its shift by 6.
        initial: v before the first step.
        shift: low bits of v that are not emitted.
    """

    ports: ClassVar[tuple[str, ...]] = ("input",)
    state: ClassVar[tuple[str, ...]] = ("u", "v")
    arithmetic: ClassVar[tuple[Arithmetic, ...]] = ("integer",)
    ranges: ClassVar[Ranges] = {
        "current_decay": (0, 4095),
        "voltage_decay": (0, 4096),
        "bias_mantissa": (-4096, 4095),
        "bias_exponent": (0, 7),
        "current_bias": (-STATE_MAX, STATE_MAX),
        "initial": (-STATE_MAX, STATE_MAX),
        "shift": (0, STATE_BITS - 1),
    }

    current_decay: Any
    voltage_decay: Any
    bias_mantissa: Any
    bias_exponent: Any
    current_bias: Any = 0
    initial: Any = 0
    shift: Any = 0


@dataclass(frozen=True, eq=False)
class EINeuronFixed(Neuron):
    """The E-I neuron in integers: a program for a chip with programmable neurons.

        q = sgn(B)·⌊ |B|·2^quotient_shift / max(S, floor) ⌋       exact; 0 where B = 0
        q saturated to ±(2^(quotient_bits − 1) − 1), then q ← tz(q·gain / 2⁸)
        v ← tz(v·(4096 − voltage_decay) / 4096) + q + bias
        z = [v > threshold];  v ← reset_to, or v − threshold, where z

    The quotient is exact by definition, so that every right implementation agrees on it.

    Args:
        voltage_decay: 0…4096, in units of 2⁻¹².
        gain: in units of 2⁻⁸; 256 where the gain is folded into the weights.
        bias: added to v in every step.
        floor: S_min ≥ 1.
        threshold: θ; the test is strict.
        quotient_shift: F + e, ≥ 0: fraction bits of q plus what balances the scales of B and S.
        quotient_bits: width of q, sign included.
        reset: kind of reset.
        reset_to: value that v is set to.
    """

    ports: ClassVar[tuple[str, ...]] = ("balanced", "shunt")
    state: ClassVar[tuple[str, ...]] = ("v",)
    spiking: ClassVar[bool] = True
    arithmetic: ClassVar[tuple[Arithmetic, ...]] = ("integer",)
    ranges: ClassVar[Ranges] = {
        "voltage_decay": (0, 4096),
        "floor": (1, STATE_MAX),
        "quotient_shift": (0, 62 - STATE_BITS),
        "quotient_bits": (1, STATE_BITS),
        "reset_to": (-STATE_MAX, STATE_MAX),
    }

    voltage_decay: Any
    gain: Any
    bias: Any
    floor: Any
    threshold: Any
    quotient_shift: Any
    quotient_bits: Any
    reset: Reset = "value"
    reset_to: Any = 0
