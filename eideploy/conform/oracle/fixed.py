"""Integer neurons: one neuron, one step.

Each function takes the parameters of the neuron, its state and the sums on its ports, and gives
what it emits, its state as tested (after integration, before reset), and its state afterwards.
"""

from __future__ import annotations

from typing import Any

from eideploy.conform.oracle.rounding import clipped, half_up, toward_zero, wrapped

Parameters = dict[str, Any]
Integers = tuple[int, ...]
Step = tuple[int, Integers, Integers]

ONE = 4096
"""1 in units of a decay, 2⁻¹²."""


def relay(p: Parameters, state: Integers, ports: Integers) -> Step:
    """y = ⌊(x + bias) / 2^shift + 1/2⌋."""
    (x,) = ports
    return half_up(x + p["bias"], p["shift"]), state, state


def lif(p: Parameters, state: Integers, ports: Integers) -> Step:
    """Integrate, test v > 2⁶·threshold, and reset to a value or by 2⁶·threshold.

    The third state variable are the refractory steps that are left, in which only u goes on.
    """
    u, v, left = state
    u = _current(p, u, ports)
    if left > 0:
        return 0, (u, v), (u, v, left - 1)
    v = _potential(p, u, v)
    threshold = 64 * p["threshold"]
    if v <= threshold:
        return 0, (u, v), (u, v, 0)
    after = v - threshold if p["reset"] == "subtract" else p["reset_to"]
    return 1, (u, v), (u, after, p["refractory"])


def integrator(p: Parameters, state: Integers, ports: Integers) -> Step:
    """Integrate, and emit ⌊v / 2^shift + 1/2⌋."""
    u, v = state
    u = _current(p, u, ports)
    v = _potential(p, u, v)
    return half_up(v, p["shift"]), (u, v), (u, v)


def _current(p: Parameters, u: int, ports: Integers) -> int:
    """u ← wrap(tz(u·(4096 − (current_decay + 1)) / 4096) + 2⁶·(x + current_bias))."""
    (x,) = ports
    kept = toward_zero(u * (ONE - (p["current_decay"] + 1)), 12)
    return wrapped(kept + 64 * (x + p["current_bias"]))


def _potential(p: Parameters, u: int, v: int) -> int:
    """v ← clip(tz(v·(4096 − voltage_decay) / 4096) + u + bias)."""
    kept = toward_zero(v * (ONE - p["voltage_decay"]), 12)
    return clipped(kept + u + p["bias_mantissa"] * 2 ** p["bias_exponent"])


def circuit(p: Parameters, state: Integers, ports: Integers) -> Step:
    """The E-I neuron: divide B by S, integrate, test v > threshold, reset."""
    (v,), (balanced, shunt) = state, ports
    quotient = abs(balanced) * 2 ** p["quotient_shift"] // max(shunt, p["floor"])
    quotient = clipped(quotient, 2 ** (p["quotient_bits"] - 1) - 1)
    if balanced < 0:
        quotient = -quotient
    quotient = toward_zero(quotient * p["gain"], 8)
    v = toward_zero(v * (ONE - p["voltage_decay"]), 12) + quotient + p["bias"]
    if v <= p["threshold"]:
        return 0, (v,), (v,)
    return 1, (v,), (v - p["threshold"] if p["reset"] == "subtract" else p["reset_to"],)
