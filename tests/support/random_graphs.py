"""Random graphs over all nodes that can be compiled, and what is shown to them.

    graph, stimulus, options = data.draw(cases())

In the graphs that are drawn every loop has one edge to a node that is listed earlier: it is the one
that closes it, unless the loop holds a Delay.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Any

import nir
import numpy as np
from equations import DT, NEURONS
from hypothesis import strategies as st
from numpy.typing import NDArray

from eideploy.compile import CompileOptions
from eideploy.graph import EIConv2d, EILinear, SoftResetCubaLIF, SoftResetIF, SoftResetLIF
from eideploy.program import Stimulus

Array = NDArray[Any]
Shape = tuple[int, ...]
SAMPLES, STEPS = 2, 6

SPIKING = (
    *(nir.LIF, nir.LIF, nir.CubaLIF, nir.IF, nir.Threshold),
    *(SoftResetLIF, SoftResetLIF, SoftResetCubaLIF, SoftResetIF),
)
GRADED = (nir.LI, nir.CubaLI, nir.I)


@st.composite
def cases(
    draw: st.DrawFn, integer: bool = False, portable: bool = False
) -> tuple[nir.NIRGraph, Stimulus, CompileOptions]:
    """A graph, what is shown to it (its extremes too), and how it is compiled.

    Args:
        draw: given by hypothesis.
        integer: leave out what has no integer form; a few cases still have none.
        portable: leave out what norse has no neuron for, or nirtorch no place.
    """
    builder = _Builder(draw, integer, portable)
    graph = builder.build()
    values = {}
    for name, node in graph.nodes.items():
        if isinstance(node, nir.Input):
            low, shape = node.metadata["low"], builder.shapes[name]
            x = builder.rng.integers(low * 16, 17, (SAMPLES, STEPS, *shape))
            x[0, ::2] = 16 * builder.rng.choice([low, 1.0], x[0, ::2].shape)
            values[name] = x / 16
    options = CompileOptions(
        draw(st.sampled_from(["fused", "explicit"])),
        draw(st.sampled_from([8, 8, 6, 4])),
        draw(st.sampled_from(["fold", "fold", "relay"])),
    )
    return graph, Stimulus(values), options


@dataclass
class _Builder:
    """Draws a graph node by node."""

    draw: st.DrawFn
    integer: bool
    portable: bool
    nodes: dict[str, nir.NIRNode] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    layers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.draw(st.integers(0, 2**32 - 1)))

    def one_of(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def in_one_of(self, times: int) -> bool:
        return self.one_of(*[False] * (times - 1), True)

    def add(self, name: str, node: nir.NIRNode, shape: Shape, *sources: str) -> str:
        self.nodes[name], self.shapes[name] = node, shape
        self.edges += [(source, name) for source in sources]
        return name

    # --- the whole ---

    def build(self) -> nir.NIRGraph:
        space = (self.one_of(1, 2), self.one_of(4, 5), 4)
        sequence = (self.one_of(1, 2), self.one_of(6, 7))
        shape = self.one_of(space, sequence, (self.draw(st.integers(1, 8)),))
        last = self.input("input", shape)
        self.layers.append(last)
        for index in range(self.draw(st.integers(1, 3))):
            last = self.layer(index, last)
            self.layers.append(last)
        if self.in_one_of(4):
            last = self.block(last)
        self.readout(last)
        for index, early in enumerate(self.layers[1:-1]):
            if not self.portable and self.in_one_of(3):
                self.output(f"early{index}", early)
        return nir.NIRGraph(self.nodes, self.edges, metadata={"dt": DT}, type_check=False)

    def input(self, name: str, shape: Shape) -> str:
        node = nir.Input({"input": np.array(shape)})
        node.metadata = {"low": self.one_of(0.0, 0.0, -0.5), "high": 1.0, "levels": 16}
        return self.add(name, node, shape)

    def output(self, name: str, *sources: str) -> str:
        shape = self.shapes[sources[0]]
        return self.add(name, nir.Output({"output": np.array(shape)}), shape, *sources)

    def layer(self, index: int, source: str) -> str:
        """Synapses and neurons, perhaps with a second path of the same shape, or loops."""
        name, first = f"lif{index}", isinstance(self.nodes[source], nir.Input)
        if first and self.in_one_of(6):
            return self.neuron(name, False, self.between(f"x{index}", source))
        alike = [n for n in self.layers if self.shapes[n] == self.shapes[source] and n != source]
        shortcuts = [n for n in alike if self.in_one_of(2)]
        between = [self.between(f"x{index}{n}", n) for n in (source, *shortcuts)]
        synapses, divided = self.synapses(f"w{index}", *between)
        sources, shape, before = [synapses], self.shapes[synapses], self.shapes[source]
        if divided:
            return self.recurrent(self.neuron(name, True, *sources), synapses)
        if self.in_one_of(3):
            sources = [self.between(f"y{index}", synapses)]
        if len(shape) == 1:
            if len(before) == 1 and self.in_one_of(3):
                second = self.dense(f"second{index}", "plain", shape[0], source)
                sources.append(second)
            if index == 1 and not self.portable and self.in_one_of(3):
                other = self.input("other", (3,))
                sources.append(self.dense("path", "plain", shape[0], other))
        neuron = self.recurrent(self.neuron(name, False, *sources), synapses)
        if len(shape) == 1:
            self.loops(index, neuron)
        return neuron

    def recurrent(self, neuron: str, synapses: str) -> str:
        """The same neurons, perhaps with what they give as a second input of their synapses."""
        taken = next(self.shapes[source] for source, target in self.edges if target == synapses)
        if taken == self.shapes[neuron] and self.in_one_of(2):
            self.edges.append((neuron, synapses))
        return neuron

    def loops(self, index: int, neuron: str) -> None:
        """Perhaps a loop from the neurons to themselves, and one that takes in others."""
        if self.in_one_of(2):
            source = neuron
            if not self.portable and self.in_one_of(4):
                delay = self.delay("", self.shapes[neuron])
                source = self.add(f"loop{index}.delay", delay, self.shapes[neuron], neuron)
            self.back(f"loop{index}", source, neuron)
        if self.in_one_of(2):
            self.far_loop(index, neuron)

    def back(self, name: str, source: str, target: str) -> str:
        """Synapses onto neurons that are listed already."""
        shape = self.shapes[target]
        node = self.matrix(shape[0], self.shapes[source][0], 0.4, biased=not self.portable)
        self.add(name, node, shape, source)
        self.edges.append((name, target))
        return name

    def far_loop(self, index: int, neuron: str) -> None:
        """Back to this layer or an earlier one, perhaps through inhibitory neurons."""
        divided = {t for s, t in self.edges if _divides(self.nodes[s])}
        targets = [n for n in self.layers[1:] if len(self.shapes[n]) == 1 and n not in divided]
        target, source = self.one_of(*targets, neuron), neuron
        if self.in_one_of(2):
            to = self.dense(f"to_i{index}", "plain", self.draw(st.integers(1, 3)), source)
            source = self.neuron(f"i{index}", False, to, graded=self.in_one_of(4))
        if self.in_one_of(3):
            source = self.between(f"z{index}", source)
        back = self.back(f"back{index}", source, target)
        if not self.portable and self.in_one_of(4):
            self.output(f"seen{index}", back)

    def block(self, source: str) -> str:
        """A nested graph of synapses and neurons."""
        inner = _Builder(self.draw, self.integer, self.portable)
        shape = self.shapes[source]
        entry = inner.add("in", nir.Input({"input": np.array(shape)}), shape)
        synapses, divided = inner.synapses("w", entry)
        neuron = inner.neuron("lif", divided, synapses)
        if not divided and len(inner.shapes[neuron]) == 1 and self.in_one_of(2):
            inner.back("loop", neuron, neuron)
        inner.output("out", neuron)
        graph = nir.NIRGraph(inner.nodes, inner.edges, type_check=False)
        graph.input_type = {"in": np.array(shape)}
        graph.output_type = {"out": np.array(inner.shapes[neuron])}
        return self.add("block", graph, inner.shapes[neuron], source)

    def readout(self, last: str) -> None:
        for index in range(self.one_of(0, 1, 1, 2)):
            last = self.dense(f"readout{index}", "plain", 3, self.flat(f"flat{index}", last))
        if self.in_one_of(3):
            last = self.between("late", last)
        if self.in_one_of(3):
            last = self.neuron("potential", False, last, graded=True)
        alike = [n for n in self.layers[1:] if self.shapes[n] == self.shapes[last] and n != last]
        extra = [] if self.portable else alike
        self.output("output", last, *[n for n in extra if self.in_one_of(4)])

    # --- what lies between neurons ---

    def between(self, name: str, source: str) -> str:
        """Perhaps a Scale or a Delay."""
        shape = self.shapes[source]
        for index in range(0 if self.portable else self.one_of(0, 0, 0, 1, 1, 2)):
            kind = self.one_of(self.scale, self.delay)
            source = self.add(f"{name}.{index}", kind(name, shape), shape, source)
        return source

    def scale(self, name: str, shape: Shape) -> nir.Scale:
        varied = self.one_of((1,) * len(shape), (shape[0], *[1] * (len(shape) - 1)), shape)
        factors = self.rng.uniform(0.5, 1.5, varied) * self.rng.choice([1, 1, 1, -1], varied)
        return nir.Scale(np.broadcast_to(factors, shape).copy())

    def delay(self, name: str, shape: Shape) -> nir.Delay:
        if self.in_one_of(3):
            return nir.Delay(DT * self.rng.integers(0, 4, shape))
        return nir.Delay(np.full(shape, DT * self.one_of(1, 1, 2, 3, 7)))

    def flat(self, name: str, *sources: str) -> str:
        shape = self.shapes[sources[0]]
        if len(shape) == 1:
            return sources[0]
        node = nir.Flatten({"input": np.array(shape)}, 0, -1)
        return self.add(name, node, (math.prod(shape),), *sources)

    def synapses(self, name: str, *sources: str) -> tuple[str, bool]:
        """A linear node behind the sum of `sources`, perhaps pooled; whether it divides."""
        for index in range(self.one_of(0, 0, 1, 1, 2)):
            if len(self.shapes[sources[0]]) == 3:
                pooled = self.pool(f"{name}.pool{index}", *sources)
                sources = sources if pooled == sources[0] else (pooled,)
        if len(self.shapes[sources[0]]) > 1 and self.in_one_of(3):
            sources = (self.flat(f"{name}.flat", *sources),)
        shape = self.shapes[sources[0]]
        circuits = () if self.portable else ("circuit", "circuit", "readout")
        kind = self.one_of("plain", *circuits)
        if len(shape) == 3 and self.in_one_of(5):
            node = nir.Flatten({"input": np.array(shape)}, 1, 2)
            shape = (shape[0], shape[1] * shape[2])
            sources = (self.add(f"{name}.row", node, shape, *sources),)
        if len(shape) == 1:
            n = self.draw(st.integers(1, 6))
            return self.dense(name, kind, n, *sources), kind == "circuit"
        if len(shape) == 2:
            return self.sequence(name, *sources), False
        node, out = self.convolution(kind, shape)
        if isinstance(node, nir.Conv2d) and self.in_one_of(3):
            return self.pool(name, self.add(f"{name}.conv", node, out, *sources)), False
        return self.add(name, node, out, *sources), kind == "circuit"

    def pool(self, name: str, *sources: str) -> str:
        """A pool behind `sources`, of windows that may overlap, pad, or leave a row over."""
        channels, *size = self.shapes[sources[0]]
        kernel = (min(self.one_of(2, 2, 3), size[0]), self.one_of(1, 2))
        stride, padding = (self.one_of(2, 2, 1), self.one_of(1, 2)), (self.one_of(0, 0, 1), 0)
        kind = self.one_of(nir.AvgPool2d, nir.AvgPool2d, nir.SumPool2d)
        if self.portable and (kind is nir.SumPool2d or kernel[0] < 2):
            padding = (0, 0)
        out = [
            (extent + 2 * p - k) // s + 1
            for extent, p, k, s in zip(size, padding, kernel, stride, strict=True)
        ]
        if min(*out, size[1] - kernel[1] + 1) < 1:
            return sources[0]
        node = kind(*(np.array(value) for value in (kernel, stride, padding)))
        return self.add(name, node, (channels, *out), *sources)

    def matrix(self, n: int, n_in: int, size: float = 1.0, biased: bool = True) -> nir.NIRNode:
        weight = size * self.rng.normal(0.2, 1, (n, n_in)) / math.sqrt(n_in)
        if not biased or self.in_one_of(2):
            return nir.Linear(weight)
        return nir.Affine(weight, self.rng.normal(0, 0.2, n))

    def dense(self, name: str, kind: str, n: int, *sources: str) -> str:
        (n_in,) = self.shapes[sources[0]]
        if kind == "plain":
            return self.add(name, self.matrix(n, n_in), (n,), *sources)
        return self.add(name, EILinear(**self.circuit(kind, n, (n_in,))), (n,), *sources)

    def sequence(self, name: str, *sources: str) -> str:
        channels, length = self.shapes[sources[0]]
        groups, kernel, dilation = self.one_of(1, channels), self.one_of(1, 2, 3), self.one_of(1, 2)
        padding = self.one_of("same", "valid", 0, 1)
        stride = 1 if padding == "same" else self.one_of(1, 2)
        reach = dilation * (kernel - 1)
        total = {"same": reach, "valid": 0}.get(padding, 2 * padding)
        out = (length + total - reach - 1) // stride + 1
        if out < 1:
            return self.flat(name, *sources)
        n = groups * self.draw(st.integers(1, 3))
        weight, bias = self.kernel(n, channels // groups, kernel)
        node = nir.Conv1d(length, weight, stride, padding, dilation, groups, bias)
        return self.add(name, node, (n, out), *sources)

    def convolution(self, kind: str, shape: Shape) -> tuple[nir.NIRNode, Shape]:
        channels, *size = shape
        stride, padding = (self.one_of(1, 2), 1), (self.one_of(0, 1), 1)
        kernel, dilation, groups = (min(self.one_of(1, 3), size[0]), self.one_of(1, 2)), (1, 1), 1
        if kind == "plain":
            groups, dilation = self.one_of(1, channels), (1, self.one_of(1, 2))
            if self.in_one_of(2):
                kernel, stride, padding = (self.one_of(1, 2, 3), self.one_of(1, 2)), (1, 1), "same"
                dilation = (self.one_of(1, 2), self.one_of(1, 3))
            elif self.in_one_of(4) and size[1] > 2:
                kernel, padding = (1, 2), "valid"
        n = groups * self.draw(st.integers(1, 4))
        pads = padding if isinstance(padding, tuple) else (0, 0)
        out = [
            extent if padding == "same" else (extent + 2 * p - d * (k - 1) - 1) // s + 1
            for extent, p, d, k, s in zip(size, pads, dilation, kernel, stride, strict=True)
        ]
        if min(out) < 1:
            return self.convolution(kind, shape)
        if kind != "plain":
            parameters = self.circuit(kind, n, (channels, *kernel))
            return EIConv2d(tuple(size), **parameters, stride=stride, padding=padding), (n, *out)
        weight, bias = self.kernel(n, channels // groups, *kernel)
        return nir.Conv2d(tuple(size), weight, stride, padding, dilation, groups, bias), (n, *out)

    def kernel(self, n: int, *fan_in: int) -> tuple[Array, Array]:
        weight = self.rng.normal(0.2, 1, (n, *fan_in)) / math.sqrt(math.prod(fan_in))
        return weight, self.rng.normal(0, 0.2, n)

    def circuit(self, kind: str, n: int, fan_in: Shape) -> dict[str, Any]:
        n_i, size = max(1, n // 4), math.prod(fan_in)
        sparse = self.rng.random((n, *fan_in)) < self.one_of(0.5, 1.0)
        return {
            "weight_ee": self.rng.exponential(1 / size, (n, *fan_in)) * sparse,
            "weight_ie": self.rng.exponential(1 / size, (n_i, *fan_in)),
            "weight_ei": self.rng.uniform(0.5, 1.5, (n, n_i)) / n_i,
            "gain_i": self.rng.uniform(0.2, 0.6, n_i) * self.one_of(0, 1, 1),
            "gain_e": self.rng.uniform(0.5, 1.5, n),
            "bias": self.rng.normal(0.1, 0.2, n),
            "floor": self.one_of(0.01, 0.1),
            "divisive": kind == "circuit",
        }

    # --- neurons ---

    def neuron(self, name: str, divided: bool, *sources: str, graded: bool = False) -> str:
        shape = self.shapes[sources[0]]
        if divided:
            kinds: tuple[Any, ...] = (nir.LIF, SoftResetLIF)
        else:
            kinds = GRADED if graded or self.in_one_of(8) else SPIKING
            if self.portable:
                kinds = tuple(kind for kind in kinds if kind not in (nir.I, SoftResetIF))
        # By chance, and not by hypothesis, which would draw the first ones too often.
        kind = kinds[self.rng.integers(len(kinds))]
        return self.add(name, self.parameters(kind, shape), shape, *sources)

    def parameters(self, kind: Any, shape: Shape) -> nir.NIRNode:
        varied = self.one_of((1,) * len(shape), (shape[0], *[1] * (len(shape) - 1)), shape)

        def around(value: float) -> Array:
            factors = self.rng.uniform(0.7, 1.3, varied)
            return np.broadcast_to(value * factors, shape).copy()

        # Inputs are multiples of 1/16: no sum of them meets this threshold exactly.
        threshold = around(math.pi / 3)
        leak, reset = around(0.1) * self.one_of(0, 1), around(0.2) * self.one_of(0, 1, -1)
        if self.integer and "SoftReset" in kind.__name__:
            leak = 0 * leak  # integers measure from where a potential starts
        tau = np.full(shape, self.one_of(2, 5, 50) * DT) * around(1) + DT
        tau_syn, w_in, r = around(3 * DT), around(1.5), around(1) * tau / DT
        match kind.__name__:
            case "Threshold":
                return nir.Threshold(threshold / 2)
            case "I":
                return nir.I(around(1 / DT))
            case "IF":
                return nir.IF(around(1 / DT), threshold, reset)
            case "SoftResetIF":
                return SoftResetIF(around(1 / DT), threshold)
            case "LI":
                return nir.LI(tau, r, leak)
            case "CubaLI":
                return nir.CubaLI(tau_syn, tau, around(4), leak, w_in)
            case "CubaLIF":
                return nir.CubaLIF(tau_syn, tau, around(4), leak, threshold, reset, w_in)
            case "SoftResetCubaLIF":
                return SoftResetCubaLIF(tau_syn, tau, around(4), leak, threshold, w_in)
            case "SoftResetLIF":
                return SoftResetLIF(tau, r, leak, threshold)
        return nir.LIF(tau, r, leak, threshold, reset)


def _divides(node: nir.NIRNode) -> bool:
    return isinstance(node, (EILinear, EIConv2d)) and bool(node.divisive)


def kinds(graph: nir.NIRGraph) -> set[str]:
    """Names of the node types of a graph, nested ones included."""
    nested = [kinds(node) for node in graph.nodes.values() if isinstance(node, nir.NIRGraph)]
    return set(itertools.chain(*nested, (type(node).__name__ for node in graph.nodes.values())))


__all__ = ["NEURONS", "cases", "kinds"]
