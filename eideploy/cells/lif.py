"""The leaky integrate-and-fire neuron of the paper, as parameters for Norse's LIFBox step.

v ← v + a·((0 − v) + R·I),  z = [v > θ],  then v ← 0 or v ← v − θ where z        a = dt/τ, R = τ/dt

which is v ← v − v/τ + I with τ in steps. The test is strict.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from norse.torch.functional.lif_box import (
    LIFBoxFeedForwardState,
    LIFBoxParameters,
    lif_box_feed_forward_step,
)
from norse.torch.functional.reset import reset_subtract, reset_value
from norse.torch.module.snn import SNN, SNNCell
from torch import Tensor

from eideploy.cells.circuit import scale_gradient
from eideploy.cells.sequence import integrate, lif_sequence
from eideploy.errors import InputError

Reset = Literal["zero", "subtract"]

_RESETS = {"zero": reset_value, "subtract": reset_subtract}


def lif_parameters(
    tau: float = 2.0, threshold: float = 1.0, reset: Reset = "zero", alpha: float = 4.0
) -> LIFBoxParameters:
    """Norse's parameters of the neuron.

    The surrogate gradient is that of a sigmoid, α σ'(α x) = α/4 · (1 − tanh²(α x / 2)). Norse has
    the second factor, as method "tanh" with slope α/2; `lif_step` supplies the first, 1 for α = 4.

    Args:
        tau: membrane time constant in steps, ≥ 1.
        threshold: θ > 0.
        reset: "zero" sets v to 0 at a spike, "subtract" takes θ off.
        alpha: steepness α > 0 of the surrogate.

    Raises:
        InputError: a value is out of its range.
    """
    _check(math.isfinite(tau) and tau >= 1, f"tau must be at least 1 step, got {tau}")
    _check(math.isfinite(threshold) and threshold > 0, f"threshold must be > 0, got {threshold}")
    _check(math.isfinite(alpha) and alpha > 0, f"alpha must be > 0, got {alpha}")
    _check(reset in _RESETS, f"reset must be one of {', '.join(get_args(Reset))}, got {reset!r}")
    return LIFBoxParameters(
        tau_mem_inv=1 / tau,
        v_leak=0.0,
        v_th=threshold,
        v_reset=0.0,
        method="tanh",
        alpha=alpha / 2,
        reset_method=_RESETS[reset],
    )


def lif_step(
    current: Tensor, state: LIFBoxFeedForwardState, p: LIFBoxParameters, dt: float = 1.0
) -> tuple[Tensor, LIFBoxFeedForwardState]:
    """One step of the neuron.

    As in the paper the reset is no path for gradients: only the membrane potential is.

    Args:
        current: I, any shape.
        state: membrane potential after the step before.
        p: from `lif_parameters`.
        dt: length of a step in the unit of τ.

    Returns:
        Spikes (0 or 1, in the dtype of the current) and the state after the reset.
    """

    def reset(z: Tensor, v: Tensor, v_reset: Tensor, v_th: Tensor) -> Tensor:
        after: Tensor = p.reset_method(z.detach(), v, v_reset, v_th)
        return after

    resistance = 1 / (dt * p.tau_mem_inv)
    spikes, after = lif_box_feed_forward_step(
        resistance * current, state, p._replace(reset_method=reset), dt
    )
    return scale_gradient(spikes, p.alpha / 2), after


class LIFCell(SNNCell):  # type: ignore[misc]
    """One step of the neuron as a module: (I, state) → (spikes, state), like Norse's cells.

    Args:
        tau: membrane time constant in steps, ≥ 1.
        threshold: θ > 0.
        reset: "zero" or "subtract".
        alpha: steepness of the sigmoid surrogate.

    Raises:
        InputError: a value is out of its range.
    """

    def __init__(
        self,
        tau: float = 2.0,
        threshold: float = 1.0,
        reset: Reset = "zero",
        alpha: float = 4.0,
    ) -> None:
        p = lif_parameters(tau, threshold, reset, alpha)
        super().__init__(lif_step, _at_rest, p, dt=1.0)
        self.tau, self.threshold, self.reset, self.alpha = tau, threshold, reset, alpha

    def extra_repr(self) -> str:
        """What stands between the parentheses of `repr`."""
        return f"tau={self.tau}, threshold={self.threshold}, reset={self.reset!r}"


class LIF(SNN):  # type: ignore[misc]
    """The neuron over a sequence: (I [T, B, …], state) → (spikes [T, B, …], last state).

    Args:
        tau: membrane time constant in steps, ≥ 1.
        threshold: θ > 0.
        reset: "zero" or "subtract".
        alpha: steepness of the sigmoid surrogate.

    Raises:
        InputError: a value is out of its range.
    """

    def __init__(
        self,
        tau: float = 2.0,
        threshold: float = 1.0,
        reset: Reset = "zero",
        alpha: float = 4.0,
    ) -> None:
        p = lif_parameters(tau, threshold, reset, alpha)
        super().__init__(lif_step, lambda sequence: _at_rest(sequence[0]), p, dt=1.0)
        self.tau, self.threshold, self.reset, self.alpha = tau, threshold, reset, alpha

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # by hand it is faster
    def forward(
        self, currents: Tensor, state: LIFBoxFeedForwardState | None = None
    ) -> tuple[Tensor, LIFBoxFeedForwardState]:
        """All steps of `lif_step`, as one node of autograd's graph.

        Args:
            currents: I, [T, B, …].
            state: membrane potential before the first step; at rest if not given.

        Returns:
            Spikes [T, B, …] and the state after the last step.
        """
        v = self.state_fallback(currents).v if state is None else state.v
        spikes, last = lif_sequence(currents, v, self.p, self.dt)
        return spikes, LIFBoxFeedForwardState(v=last)

    def trace(self, currents: Tensor) -> tuple[Tensor, Tensor]:
        """Spikes and membrane potentials at the threshold test, from rest, both [T, B, …].

        Neither has a gradient.

        Args:
            currents: I, [T, B, …].
        """
        spikes, potentials, _ = integrate(currents, _at_rest(currents[0]).v, self.p, self.dt)
        return spikes, potentials

    def extra_repr(self) -> str:
        """What stands between the parentheses of `repr`."""
        return f"tau={self.tau}, threshold={self.threshold}, reset={self.reset!r}"


def _at_rest(current: Tensor) -> LIFBoxFeedForwardState:
    return LIFBoxFeedForwardState(v=torch.zeros_like(current))


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise InputError(f"LIF: {message}")
