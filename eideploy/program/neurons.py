"""What a population computes in one step, in floating point and in integers.

A neuron model is a frozen record of parameters; it holds no state and no code. What the parameters
mean is written in the docstrings and executed by `eideploy.simulate.reference`. Parameters are
scalars or arrays that broadcast to the shape of the population.

Every step a population receives the sum of its projections on each of its *ports*, integrates,
tests and resets, in this order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from eideploy.program.arrays import Array, widened

Reset = Literal["value", "subtract"]
"""At a spike: v ← reset_to (`value`), or v ← v − reset_to (`subtract`)."""

Arithmetic = Literal["float", "integer"]

Ranges = Mapping[str, tuple[float, float]]
"""Smallest and largest value that a parameter may have, by name of the parameter."""

CURRENT_SHIFT = 6
"""Loihi's alignment of synaptic input and threshold: shifted left by this (lava/proc/lif)."""

DECAY_BITS = 12
"""Decays are integers in units of 2⁻¹² (lava/proc/lif)."""

STATE_BITS = 24
"""Width of u, v and of a port's sum, sign included (lava/proc/lif, lava/proc/conv)."""

STATE_MAX = 2 ** (STATE_BITS - 1) - 1
"""Largest value of a state variable or a port's sum."""

GAIN_BITS = 8
"""An integer gain of an E-I neuron is in units of 2⁻⁸."""


@dataclass(frozen=True, eq=False)
class Neuron:
    """Base of all neuron models.

    `ports` are the names of the inputs, `state` those of the state variables, `spiking` says
    whether the output is 0 or 1, `arithmetic` where the model can be used, and `ranges` between
    which values a parameter must lie.
    """

    ports: ClassVar[tuple[str, ...]] = ()
    state: ClassVar[tuple[str, ...]] = ()
    spiking: ClassVar[bool] = False
    arithmetic: ClassVar[tuple[Arithmetic, ...]] = ("float", "integer")
    ranges: ClassVar[Ranges] = {}

    def __post_init__(self) -> None:
        """Turn every numeric parameter into a read-only array."""
        for name, value in vars(self).items():
            if isinstance(value, (float, int, np.generic, np.ndarray)) and not isinstance(
                value, bool
            ):
                object.__setattr__(self, name, widened(value))

    def parameters(self) -> dict[str, Array]:
        """Numeric parameters by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}


@dataclass(frozen=True, eq=False)
class Source(Neuron):
    """An input: emits what the stimulus says.

    That is x in a float Program and rint(x·scale) in an integer one.

    Args:
        minimum: smallest value of x.
        maximum: largest value of x.
        levels: x is a multiple of maximum / levels; 0 if x is continuous.
        scale: integer units per unit of x; 1 in a float Program.
    """

    minimum: Any = 0.0
    maximum: Any = 1.0
    levels: Any = 0
    scale: Any = 1.0


@dataclass(frozen=True, eq=False)
class Relay(Neuron):
    """A graded relay without memory: emits the sum x of its input, or its high bits.

        y = ⌊x / 2^shift + 1/2⌋

    Rounding to the nearest matters: what is always rounded down would weaken all inhibition by
    half a unit.

    Args:
        shift: low bits that are dropped; integers only.
    """

    ports: ClassVar[tuple[str, ...]] = ("input",)
    ranges: ClassVar[Ranges] = {"shift": (0, 62)}

    shift: Any = 0


@dataclass(frozen=True, eq=False)
class LIFNeuron(Neuron):
    """Leaky integrate-and-fire with a current, in float64. Covers LIF, CubaLIF and IF.

        u ← (1 − current_decay)·u + gain·x
        v ← (1 − voltage_decay)·v + u + bias
        z = [v > threshold];  reset where z

    `current_decay` = 1 makes it a plain LIF, `voltage_decay` = 0 an IF. u starts at 0, v at
    `initial`. Source: LIF, CubaLIF and IF of NIR under forward Euler, in the form of
    `lava.proc.lif`.

    Args:
        current_decay: dt/τ_syn, in [0, 1].
        voltage_decay: dt/τ_mem, in [0, 1].
        gain: factor on the input.
        bias: added to v in every step.
        threshold: θ; the test is strict.
        reset: kind of reset.
        reset_to: value that v is set to, or amount that is subtracted.
        initial: v before the first step.
    """

    ports: ClassVar[tuple[str, ...]] = ("input",)
    state: ClassVar[tuple[str, ...]] = ("u", "v")
    spiking: ClassVar[bool] = True
    arithmetic: ClassVar[tuple[Arithmetic, ...]] = ("float",)
    ranges: ClassVar[Ranges] = {
        "current_decay": (0, 1),
        "voltage_decay": (0, 1),
    }

    current_decay: Any
    voltage_decay: Any
    gain: Any
    bias: Any
    threshold: Any
    reset: Reset = "value"
    reset_to: Any = 0.0
    initial: Any = 0.0


@dataclass(frozen=True, eq=False)
class Integrator(Neuron):
    """A leaky integrator without test and reset, in float64; emits v. Covers LI, CubaLI and I.

    u ← (1 − current_decay)·u + gain·x
    v ← (1 − voltage_decay)·v + u + bias
    """

    ports: ClassVar[tuple[str, ...]] = ("input",)
    state: ClassVar[tuple[str, ...]] = ("u", "v")
    arithmetic: ClassVar[tuple[Arithmetic, ...]] = ("float",)
    ranges: ClassVar[Ranges] = {
        "current_decay": (0, 1),
        "voltage_decay": (0, 1),
    }

    current_decay: Any
    voltage_decay: Any
    gain: Any
    bias: Any
    initial: Any = 0.0


@dataclass(frozen=True, eq=False)
class EINeuron(Neuron):
    """A neuron under subtractive and divisive inhibition, in float64.

        I = gain·B / max(S, floor)                     B, S: sums on ports `balanced`, `shunt`
        v ← (1 − voltage_decay)·v + I + bias
        z = [v > threshold];  reset where z

    Source: Liu, Ding, Yu (ICLR 2026), with the floor that a chip can have in place of the adaptive
    stabilizer of training.

    Args:
        voltage_decay: dt/τ, in [0, 1].
        gain: g_E·R·dt/τ, ≥ 0.
        bias: (b·R + v_leak)·dt/τ.
        floor: s_min > 0.
        threshold: θ; the test is strict.
        reset: kind of reset.
        reset_to: value that v is set to, or amount that is subtracted.
        initial: v before the first step.
    """

    ports: ClassVar[tuple[str, ...]] = ("balanced", "shunt")
    state: ClassVar[tuple[str, ...]] = ("v",)
    spiking: ClassVar[bool] = True
    arithmetic: ClassVar[tuple[Arithmetic, ...]] = ("float",)
    ranges: ClassVar[Ranges] = {
        "voltage_decay": (0, 1),
        "floor": (float(np.finfo(np.float64).tiny), np.inf),
    }

    voltage_decay: Any
    gain: Any
    bias: Any
    floor: Any
    threshold: Any
    reset: Reset = "value"
    reset_to: Any = 0.0
    initial: Any = 0.0


@dataclass(frozen=True, eq=False)
class LIFNeuronFixed(Neuron):
    """Lava's bit-accurate LIF in integers, with reset to 0 or by subtraction.

        u ← wrap(tz(u·(4096 − (current_decay + 1)) / 4096) + 2⁶·x)
        v ← clip(tz(v·(4096 − voltage_decay) / 4096) + u + bias)
        z = [v > 2⁶·threshold];  v ← 0, or v − 2⁶·threshold, where z

    tz rounds toward zero; clip is to ±(2²³ − 1); wrap adds or subtracts 2²⁴ where u > 2²³ or
    u ≤ −2²³ (so +2²³ stays and −2²³ becomes +2²³, as in Lava, against its comment).
    Source: `lava.proc.lif.models.AbstractPyLifModelFixed` of lava-nc 0.10.

    Args:
        current_decay: register du, 0…4095; the model adds 1.
        voltage_decay: register dv, 0…4096.
        bias_mantissa: −4096…4095.
        bias_exponent: 0…7; bias = bias_mantissa << bias_exponent.
        threshold: 0…131071, before the shift by 6.
        reset: kind of reset.
    """

    ports: ClassVar[tuple[str, ...]] = ("input",)
    state: ClassVar[tuple[str, ...]] = ("u", "v")
    spiking: ClassVar[bool] = True
    arithmetic: ClassVar[tuple[Arithmetic, ...]] = ("integer",)
    ranges: ClassVar[Ranges] = {
        "current_decay": (0, 4095),
        "voltage_decay": (0, 4096),
        "bias_mantissa": (-4096, 4095),
        "bias_exponent": (0, 7),
        "threshold": (0, 131071),
    }

    current_decay: Any
    voltage_decay: Any
    bias_mantissa: Any
    bias_exponent: Any
    threshold: Any
    reset: Reset = "value"


@dataclass(frozen=True, eq=False)
class EINeuronFixed(Neuron):
    """The E-I neuron in integers: a program for a chip with programmable neurons.

        q = sgn(B)·⌊ |B|·2^quotient_shift / max(S, floor) ⌋       exact; 0 where B = 0
        q saturated to ±(2^(quotient_bits − 1) − 1), then q ← tz(q·gain / 2⁸)
        v ← tz(v·(4096 − voltage_decay) / 4096) + q + bias
        z = [v > threshold];  v ← 0, or v − threshold, where z

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
    }

    voltage_decay: Any
    gain: Any
    bias: Any
    floor: Any
    threshold: Any
    quotient_shift: Any
    quotient_bits: Any
    reset: Reset = "value"


NEURONS: dict[str, type[Neuron]] = {
    model.__name__: model
    for model in (
        Source,
        Relay,
        LIFNeuron,
        Integrator,
        EINeuron,
        LIFNeuronFixed,
        EINeuronFixed,
    )
}
"""All neuron models by name: what a Program file may contain."""
