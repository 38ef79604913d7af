"""Neurons of float Programs, in fractions: one neuron, one step, nothing is rounded.

Arguments and results as in `eideploy.conform.oracle.fixed`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

Parameters = dict[str, Any]
Fractions = tuple[Fraction, ...]
Step = tuple[Fraction, Fractions, Fractions]


def relay(p: Parameters, state: Fractions, ports: Fractions) -> Step:
    """y = x + bias."""
    (x,) = ports
    return x + p["bias"], state, state


def lif(p: Parameters, state: Fractions, ports: Fractions) -> Step:
    """Integrate, test v > threshold, and reset to a value or by an amount.

    The third state variable are the refractory steps that are left, in which only u goes on.
    """
    u, v, left = state
    u = _current(p, u, ports)
    if left > 0:
        return Fraction(0), (u, v), (u, v, left - 1)
    v = _potential(p, u, v)
    spike, after = _tested(p, v)
    return spike, (u, v), (u, after, p["refractory"] * spike)


def integrator(p: Parameters, state: Fractions, ports: Fractions) -> Step:
    """Integrate, and emit v."""
    u, v = state
    u = _current(p, u, ports)
    v = _potential(p, u, v)
    return v, (u, v), (u, v)


def circuit(p: Parameters, state: Fractions, ports: Fractions) -> Step:
    """The E-I neuron: I = gain·B / max(S, floor), v ← (1 − decay)·v + I + bias, test, reset."""
    (v,), (balanced, shunt) = state, ports
    current = p["gain"] * balanced / max(shunt, p["floor"])
    v = (1 - p["voltage_decay"]) * v + current + p["bias"]
    spike, after = _tested(p, v)
    return spike, (v,), (after,)


def _current(p: Parameters, u: Fraction, ports: Fractions) -> Fraction:
    """u ← (1 − current_decay)·u + gain·x + current_bias."""
    (x,) = ports
    current: Fraction = (1 - p["current_decay"]) * u + p["gain"] * x + p["current_bias"]
    return current


def _potential(p: Parameters, u: Fraction, v: Fraction) -> Fraction:
    """v ← (1 − voltage_decay)·v + u + bias."""
    potential: Fraction = (1 - p["voltage_decay"]) * v + u + p["bias"]
    return potential


def _tested(p: Parameters, v: Fraction) -> tuple[Fraction, Fraction]:
    """Whether v exceeds the threshold, and v after the reset that follows where it does."""
    if v <= p["threshold"]:
        return Fraction(0), v
    return Fraction(1), v - p["reset_to"] if p["reset"] == "subtract" else p["reset_to"]
