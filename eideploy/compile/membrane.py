"""NIR's neuron nodes as neuron models in discrete time (forward Euler, a = dt/τ)."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np

from eideploy.errors import GraphError
from eideploy.graph import SoftResetCubaLIF, SoftResetIF, SoftResetLIF
from eideploy.graph.soft_reset import SOFT_RESET_NODES
from eideploy.program import Array, EINeuron, Integrator, LIFNeuron, Neuron

NEURON_NODES = (
    nir.LIF,
    nir.CubaLIF,
    nir.IF,
    *SOFT_RESET_NODES,
    nir.LI,
    nir.CubaLI,
    nir.I,
    nir.Threshold,
)
"""Nodes that become populations with a membrane potential. That of a Threshold has no memory."""

DIVISIBLE_NODES = (nir.LIF, SoftResetLIF)
"""Nodes that a divisive E-I circuit may drive."""


def membrane(name: str, node: nir.NIRNode, bias: Array, dt: float | None) -> Neuron:
    """The neuron model of a node.

    Args:
        name: of the node, for messages.
        node: one of `NEURON_NODES`.
        bias: constant input that comes with the synapses (Affine, Conv2d), [*shape] or 0.
        dt: step in seconds; None only where the node has no time constant (then 1).

    Raises:
        GraphError: a time constant is shorter than a step.
    """
    fixed: dict[str, Any]
    gain: Array
    if isinstance(node, nir.Threshold):
        fixed = {
            "current_decay": 1.0,
            "voltage_decay": 1.0,
            "gain": 1.0,
            "bias": bias,
        }
    elif isinstance(node, (nir.IF, SoftResetIF, nir.I)):
        step = 1.0 if dt is None else dt
        gain = step * _double(node.r)
        fixed = {
            "current_decay": 1.0,
            "voltage_decay": 0.0,
            "gain": gain,
            "bias": gain * bias,
        }
    elif isinstance(node, (nir.CubaLIF, SoftResetCubaLIF, nir.CubaLI)):
        a_mem, a_syn = _decay(name, node.tau_mem, dt), _decay(name, node.tau_syn, dt)
        gain = a_syn * _double(node.w_in) * a_mem * _double(node.r)
        fixed = {
            "current_decay": a_syn,
            "voltage_decay": a_mem,
            "gain": gain,
            "bias": a_mem * _double(node.v_leak),
            "initial": _double(node.v_leak),
            "current_bias": gain * bias,
        }
    else:
        a = _decay(name, node.tau, dt)
        gain = a * _double(node.r)
        fixed = {
            "current_decay": 1.0,
            "voltage_decay": a,
            "gain": gain,
            "bias": a * _double(node.v_leak) + gain * bias,
            "initial": _double(node.v_leak),
        }
    if isinstance(node, (nir.LI, nir.CubaLI, nir.I)):
        return Integrator(**_compact(fixed))
    return LIFNeuron(**_compact(fixed | _test(node)), reset=_reset(node))


def divisive_membrane(
    name: str, node: nir.NIRNode, gain_e: Array, bias: Array, floor: float, dt: float | None
) -> EINeuron:
    """The neuron model of a LIF that is driven by a divisive E-I circuit.

    Args:
        name: of the LIF node, for messages.
        node: one of `DIVISIBLE_NODES`.
        gain_e: g_E, broadcasts to the shape of the population.
        bias: b, broadcasts to the shape of the population.
        floor: s_min > 0.
        dt: step in seconds.
    """
    a = _decay(name, node.tau, dt)
    drive = a * _double(node.r)
    parameters = {
        "voltage_decay": a,
        "gain": drive * gain_e,
        "bias": a * _double(node.v_leak) + drive * bias,
        "floor": np.float64(floor),
        "initial": _double(node.v_leak),
    }
    return EINeuron(**_compact(parameters | _test(node)), reset=_reset(node))


def _test(node: nir.NIRNode) -> dict[str, Array]:
    if isinstance(node, nir.Threshold):
        return {"threshold": _double(node.threshold)}
    threshold = _double(node.v_threshold)
    reset_to = threshold if isinstance(node, SOFT_RESET_NODES) else _double(node.v_reset)
    return {"threshold": threshold, "reset_to": reset_to}


def _reset(node: nir.NIRNode) -> Any:
    return "subtract" if isinstance(node, SOFT_RESET_NODES) else "value"


def _decay(name: str, tau: Array, dt: float | None) -> Array:
    if dt is None:
        raise GraphError(
            f"node {name!r} has a time constant, but the length of a step is not known",
            "Give it with --dt (seconds), or as `dt` in the metadata of the graph.",
        )
    decay = dt / _double(tau)
    # τ = dt in float32 may be a hair shorter than dt in float64.
    decay = np.where(np.abs(decay - 1) < 1e-6, 1.0, decay)
    low, high = float(np.min(tau)), float(np.max(tau))
    if np.any(decay > 1) or np.any(decay <= 0):
        extent = f"{low:g}" if low == high else f"{low:g}…{high:g}"
        raise GraphError(
            f"node {name!r}: τ is {extent} s, but a step is {dt:g} s; "
            "forward Euler needs 0 < dt ≤ τ",
            "Check the unit of the time constants (seconds) or give another --dt.",
        )
    return decay


def _double(value: Any) -> Array:
    return np.asarray(value, dtype=np.float64)


def _compact(parameters: dict[str, Any]) -> dict[str, Array]:
    """Store what is the same for all neurons, or for all pixels of a channel, only once."""
    return {name: compact(_double(value)) for name, value in parameters.items()}


def compact(values: Array) -> Array:
    """The smallest array that broadcasts to the same values: scalar, per channel, or as it is."""
    if values.size and np.all(values == values.flat[0]):
        return np.asarray(values.flat[0])
    first = (slice(None),) + (slice(1),) * (values.ndim - 1)
    channels = values[first]
    return channels if np.all(values == channels) else values
