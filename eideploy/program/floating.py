"""Neuron models in float64."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from eideploy.program.neuron import REFRACTORY_MAX, Arithmetic, Neuron, Ranges, Reset


@dataclass(frozen=True, eq=False)
class LIFNeuron(Neuron):
    """Leaky integrate-and-fire with a current, in float64. Covers LIF, CubaLIF and IF.

        u ← (1 − current_decay)·u + gain·x + current_bias
        v ← (1 − voltage_decay)·v + u + bias
        z = [v > threshold];  reset where z

    `current_decay` = 1 makes it a plain LIF, `voltage_decay` = 0 an IF. u starts at 0, v at
    `initial`. Source: LIF, CubaLIF and IF of NIR under forward Euler, in the form of
    `lava.proc.lif`.

    In the `refractory` steps after a spike v stays where the reset left it, without leak, input or
    bias, and is not tested; u goes on. The steps are logical ones, and a reset of the state ends
    the period. So it is in `lava.proc.lif.process.LIFRefractory` (lava-nc 0.10) except that
    there v is reset to 0, and is tested all the same: a threshold below 0 would let it spike.

    Args:
        current_decay: dt/τ_syn, in [0, 1].
        voltage_decay: dt/τ_mem, in [0, 1].
        gain: factor on the input.
        bias: added to v in every step.
        threshold: θ; the test is strict.
        reset: kind of reset.
        reset_to: value that v is set to, or amount that is subtracted.
        initial: v before the first step.
        current_bias: added to u in every step: a constant input through the synaptic filter.
        refractory: steps after a spike in which v is held, an integer in 0…63.
    """

    ports: ClassVar[tuple[str, ...]] = ("input",)
    state: ClassVar[tuple[str, ...]] = ("u", "v")
    counters: ClassVar[tuple[str, ...]] = ("remaining",)
    spiking: ClassVar[bool] = True
    arithmetic: ClassVar[tuple[Arithmetic, ...]] = ("float",)
    ranges: ClassVar[Ranges] = {
        "current_decay": (0, 1),
        "voltage_decay": (0, 1),
        "refractory": (0, REFRACTORY_MAX),
    }
    whole: ClassVar[frozenset[str]] = frozenset({"refractory"})

    current_decay: Any
    voltage_decay: Any
    gain: Any
    bias: Any
    threshold: Any
    reset: Reset = "value"
    reset_to: Any = 0.0
    initial: Any = 0.0
    current_bias: Any = 0.0
    refractory: Any = 0


@dataclass(frozen=True, eq=False)
class Integrator(Neuron):
    """A leaky integrator without test and reset, in float64; emits v. Covers LI, CubaLI and I.

    u ← (1 − current_decay)·u + gain·x + current_bias
    v ← (1 − voltage_decay)·v + u + bias

    Parameters as those of `LIFNeuron`.
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
    current_bias: Any = 0.0


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
