"""What a graph says, written out once more, so that no code of the project is held against itself.

Node by node and step by step, in NumPy; nothing of the project is used but the names of its nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any

import nir
import numpy as np
from numpy.typing import NDArray

from eideploy.graph import EIConv2d, EILinear, SoftResetCubaLIF, SoftResetIF, SoftResetLIF
from eideploy.program import Stimulus

Array = NDArray[Any]
DT = 1e-3

NEURONS = (
    *(nir.LIF, nir.CubaLIF, nir.IF, nir.LI, nir.CubaLI, nir.I, nir.Threshold),
    *(SoftResetLIF, SoftResetCubaLIF, SoftResetIF),
)


def interpret(graph: nir.NIRGraph, stimulus: Stimulus) -> dict[str, Array]:
    """What every node gives out, [sample, step, *shape], and `name.v` for every potential.

    Inputs of a node add up. In a loop without a Delay, an edge to a node that is listed earlier
    carries what was there one step ago. Before the first step inputs and neurons are silent, and
    linear nodes give what they give for silence. Nodes of nested graphs are named `outer.inner`.
    """
    seen: dict[str, list[Array]] = {}
    for sample in range(stimulus.samples):
        machine = _Machine(graph)
        for step in range(stimulus.steps):
            x = {name: values[sample, step] for name, values in stimulus.values.items()}
            machine.advance(x)
            for name, value in machine.seen():
                seen.setdefault(name, []).append(value)
    return {
        name: np.reshape(values, (stimulus.samples, stimulus.steps, *np.shape(values[0])))
        for name, values in seen.items()
    }


class _Machine:
    """A graph in the middle of a sample."""

    def __init__(self, graph: nir.NIRGraph) -> None:
        self.graph = graph
        self.states: dict[str, dict[str, Any]] = {name: {} for name in graph.nodes}
        self.inner = {n: _Machine(g) for n, g in graph.nodes.items() if isinstance(g, nir.NIRGraph)}
        listed = {name: index for index, name in enumerate(graph.nodes)}
        late = {n for n, x in graph.nodes.items() if isinstance(x, nir.Delay) and _steps(x).min()}
        at_once = {n: [s for s, t in graph.edges if t == n and n not in late] for n in graph.nodes}
        self.closing = {
            (s, t)
            for t in graph.nodes
            for s in at_once[t]
            if listed[s] >= listed[t] and t in _behind(s, at_once)
        }
        before = {t: [s for s in at_once[t] if (s, t) not in self.closing] for t in graph.nodes}
        self.order = list(TopologicalSorter(before).static_order())
        self.now: dict[str, Any] = {}
        # What there was before the first step: nothing but biases.
        for name in self.order:
            node = graph.nodes[name]
            if isinstance(node, (nir.Input, nir.NIRGraph, nir.Delay, *NEURONS)):
                self.now[name] = np.zeros(1)
            else:
                x = sum(self.now.get(s, np.zeros(1)) for s in before[name])
                self.now[name] = _node(node, x, {})

    def advance(self, inputs: dict[str, Array]) -> None:
        last, self.now = self.now, {}
        for name in self.order:
            node = self.graph.nodes[name]
            if isinstance(node, nir.Input):
                self.now[name] = inputs[name]
            elif isinstance(node, nir.Delay):
                # Where it is not 0 everywhere, what comes in now is not known yet, nor needed.
                self.now[name] = self._delayed(name, self._received(name, last, known=True))
            elif name in self.inner:
                inside = self.inner[name]
                entry, end = (
                    next(n for n, x in inside.graph.nodes.items() if isinstance(x, kind))
                    for kind in (nir.Input, nir.Output)
                )
                inside.advance({entry: self._received(name, last)})
                self.now[name] = inside.now[end]
            else:
                self.now[name] = _node(node, self._received(name, last), self.states[name])
        for name, node in self.graph.nodes.items():
            if isinstance(node, nir.Delay):
                self.states[name].setdefault("past", []).append(self._received(name, last))

    def _received(self, name: str, last: dict[str, Any], known: bool = False) -> Any:
        total: Any = 0.0
        for edge in self.graph.edges:
            source, target = edge
            if target == name and (not known or edge in self.closing or source in self.now):
                total = total + (last if edge in self.closing else self.now)[source]
        return total

    def _delayed(self, name: str, x: Any) -> Array:
        steps = _steps(self.graph.nodes[name])
        past = [*self.states[name].get("past", []), x]
        gone = [np.broadcast_to(value, steps.shape) for value in reversed(past)]
        longest = len(gone)
        return np.select([steps == d for d in range(longest)], gone, 0.0)

    def seen(self) -> Iterator[tuple[str, Any]]:
        yield from self.now.items()
        for name, state in self.states.items():
            if "tested" in state:
                yield f"{name}.v", state["tested"]
        for outer, machine in self.inner.items():
            for name, value in machine.seen():
                yield f"{outer}.{name}", value


def _steps(node: nir.Delay) -> Array:
    return np.rint(node.delay / DT).astype(int)


def _behind(name: str, before: dict[str, list[str]]) -> set[str]:
    """Nodes that lead to `name`, over one edge or more."""
    found: set[str] = set()
    frontier = {name}
    while frontier:
        frontier = {source for node in frontier for source in before[node]} - found
        found |= frontier
    return found


def _node(node: nir.NIRNode, x: Array, state: dict[str, Any]) -> Array:
    match node:
        case nir.Output():
            return x
        case nir.Flatten():
            return _flat(node, x)
        case nir.Linear():
            return _dense(node.weight, x)
        case nir.Affine():
            return _dense(node.weight, x) + node.bias
        case nir.Scale():
            return node.scale * x
        case nir.Conv1d() | nir.Conv2d():
            bias = node.bias.reshape(-1, *[1] * (node.weight.ndim - 2))
            return _convolution(node, node.weight, x) + bias
        case nir.AvgPool2d() | nir.SumPool2d():
            return _pool(node, x)
        case EILinear() | EIConv2d():
            return _circuit(node, x)
        case nir.Threshold():
            state["tested"] = x + 0 * node.threshold
            return (x > node.threshold).astype(float)
    return _neuron(node, x, state)


def _flat(node: nir.Flatten, x: Array) -> Array:
    if x.ndim < 2:
        return x  # nothing has arrived yet: one 0 for all
    last = node.end_dim % x.ndim
    return x.reshape(*x.shape[: node.start_dim], -1, *x.shape[last + 1 :])


def _dense(weight: Array, x: Array) -> Array:
    return weight @ np.broadcast_to(x, weight.shape[1])


def _convolution(node: nir.NIRNode, weight: Array, x: Array) -> Array:
    """Tap by tap of the kernel, group by group."""
    axes = weight.ndim - 2
    x = np.broadcast_to(x, (weight.shape[1] * getattr(node, "groups", 1), *_space(node)))

    def each(name: str, default: int) -> list[int]:
        return [int(v) for v in np.broadcast_to(getattr(node, name, default), (axes,))]

    groups, apart, stride = getattr(node, "groups", 1), each("dilation", 1), each("stride", 1)
    reach = [d * (k - 1) for d, k in zip(apart, weight.shape[2:], strict=True)]
    if node.padding == "same":
        ends = [(total // 2, total - total // 2) for total in reach]
    elif node.padding == "valid":
        ends = [(0, 0)] * axes
    else:
        ends = [(p, p) for p in each("padding", 0)]
    x = np.pad(x, ((0, 0), *ends))
    size = [(n - r - 1) // s + 1 for n, r, s in zip(x.shape[1:], reach, stride, strict=True)]
    out, inside = len(weight) // groups, weight.shape[1]
    y = np.zeros((len(weight), *size))
    for o, c in np.ndindex(len(weight), inside):
        channel = x[o // out * inside + c]
        for tap in np.ndindex(*weight.shape[2:]):
            window = tuple(
                slice(i * d, i * d + (n - 1) * s + 1, s)
                for i, d, n, s in zip(tap, apart, size, stride, strict=True)
            )
            y[o] += weight[(o, c, *tap)] * channel[window]
    return y


def _space(node: nir.NIRNode) -> tuple[int, ...]:
    return tuple(int(v) for v in np.atleast_1d(node.input_shape))


def _pool(node: nir.NIRNode, x: Array) -> Array:
    """Window by window."""
    if x.ndim < 3:
        return x  # nothing has arrived yet: one 0 for all
    (kh, kw), (sh, sw), (ph, pw) = node.kernel_size, node.stride, node.padding
    x = np.pad(x, ((0, 0), (ph, ph), (pw, pw)))
    rows, columns = range(0, x.shape[1] - kh + 1, sh), range(0, x.shape[2] - kw + 1, sw)
    y = np.array([[x[:, i : i + kh, j : j + kw].sum((1, 2)) for j in columns] for i in rows])
    return y.transpose(2, 0, 1) / (kh * kw if isinstance(node, nir.AvgPool2d) else 1)


def _circuit(node: nir.NIRNode, x: Array) -> Array:
    def synapses(weight: Array) -> Array:
        return _dense(weight, x) if isinstance(node, EILinear) else _convolution(node, weight, x)

    def channels(values: Array) -> Array:
        return values if isinstance(node, EILinear) else values[:, None, None]

    inhibition = synapses(node.weight_ie)
    balanced = synapses(node.weight_ee) - np.tensordot(node.weight_ei, inhibition, 1)
    if not node.divisive:
        return balanced
    shunt = np.tensordot(node.weight_ei, channels(node.gain_i) * inhibition, 1)
    current = channels(node.gain_e) * balanced / np.maximum(shunt, node.floor)
    return current + channels(node.bias)


def _neuron(node: nir.NIRNode, x: Array, state: dict[str, Any]) -> Array:
    leak = getattr(node, "v_leak", np.zeros_like(node.r))
    v = state.get("v", leak)
    if isinstance(node, (nir.CubaLIF, SoftResetCubaLIF, nir.CubaLI)):
        current = state.get("i", np.zeros_like(leak))
        current = state["i"] = current + DT / node.tau_syn * (node.w_in * x - current)
        v = v + DT / node.tau_mem * (leak - v + node.r * current)
    elif isinstance(node, (nir.IF, SoftResetIF, nir.I)):
        v = v + DT * node.r * x
    else:
        v = v + DT / node.tau * (leak - v + node.r * x)
    state["tested"] = state["v"] = v
    if isinstance(node, (nir.LI, nir.CubaLI, nir.I)):
        return v
    spikes = v > node.v_threshold
    soft = isinstance(node, (SoftResetLIF, SoftResetCubaLIF, SoftResetIF))
    state["v"] = np.where(spikes, v - node.v_threshold if soft else node.v_reset, v)
    return spikes.astype(float)
