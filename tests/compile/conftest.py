"""Random graphs over all nodes that can be compiled."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import nir
import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

from eideploy.compile import CompileOptions
from eideploy.graph import EIConv2d, EILinear, SoftResetLIF
from eideploy.program import Stimulus

Array = NDArray[Any]
DT = 1e-3
SAMPLES, STEPS = 2, 6


@dataclass
class _Builder:
    """Draws a graph node by node; `integer` keeps to what has an integer form."""

    draw: st.DrawFn
    integer: bool
    nodes: dict[str, nir.NIRNode] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    layers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.draw(st.integers(0, 2**32 - 1)))

    def one_of(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def add(self, name: str, node: nir.NIRNode, shape: tuple[int, ...], *sources: str) -> str:
        self.nodes[name], self.shapes[name] = node, shape
        self.edges += [(source, name) for source in sources]
        return name

    def input(self, name: str, shape: tuple[int, ...]) -> str:
        node = nir.Input({"input": np.array(shape)})
        node.metadata = {"low": self.one_of(0.0, 0.0, -0.5), "high": 1.0, "levels": 16}
        return self.add(name, node, shape)

    def pool(self, name: str, *sources: str) -> str:
        """A pool behind `sources`, of windows that may overlap, pad, or leave a row over."""
        channels, *size = self.shapes[sources[0]]
        kernel = (min(self.one_of(2, 2, 3), size[0]), self.one_of(1, 2))
        stride, padding = (self.one_of(2, 2, 1), self.one_of(1, 2)), (self.one_of(0, 0, 1), 0)
        out = [
            (extent + 2 * p - k) // s + 1
            for extent, p, k, s in zip(size, padding, kernel, stride, strict=True)
        ]
        if min(*out, kernel[1] - size[1] + 1) < 1:
            return sources[0]
        kind = self.one_of(nir.AvgPool2d, nir.AvgPool2d, nir.SumPool2d)
        node = kind(*(np.array(value) for value in (kernel, stride, padding)))
        return self.add(name, node, (channels, *out), *sources)

    def synapses(self, name: str, *sources: str) -> tuple[str, bool]:
        """A linear node behind the sum of `sources`, perhaps pooled; whether it divides."""
        for index in range(self.one_of(0, 0, 1, 1, 2)):
            if len(self.shapes[sources[0]]) == 3:
                pooled = self.pool(f"{name}.pool{index}", *sources)
                sources = sources if pooled == sources[0] else (pooled,)
        shape = self.shapes[sources[0]]
        if len(shape) == 3 and self.draw(st.booleans()):
            flat = nir.Flatten({"input": np.array(shape)}, 0, -1)
            shape = (math.prod(shape),)
            sources = (self.add(f"{name}.flat", flat, shape, *sources),)
        kind = self.one_of("plain", "circuit", "circuit", "readout")
        make = self.convolution if len(shape) == 3 else self.dense
        node, out = make(kind, shape)
        if isinstance(node, nir.Conv2d) and self.one_of(True, False, False):
            pooled = self.pool(name, self.add(f"{name}.conv", node, out, *sources))
            if pooled == name and np.any(self.nodes[pooled].padding):
                node.bias = 0 * node.bias  # what pads keeps the convolution a relay, without bias
            return pooled, False
        return self.add(name, node, out, *sources), kind == "circuit"

    def dense(self, kind: str, shape: tuple[int, ...]) -> tuple[nir.NIRNode, tuple[int, ...]]:
        (n_in,), n = shape, self.draw(st.integers(1, 6))
        if kind != "plain":
            return EILinear(**self.circuit(kind, n, (n_in,))), (n,)
        weight = self.rng.normal(0.2, 1, (n, n_in)) / math.sqrt(n_in)
        if self.draw(st.booleans()):
            return nir.Linear(weight), (n,)
        return nir.Affine(weight, self.rng.normal(0, 0.2, n)), (n,)

    def convolution(self, kind: str, shape: tuple[int, ...]) -> tuple[nir.NIRNode, tuple[int, ...]]:
        channels, *size = shape
        stride, padding = (self.one_of(1, 2), 1), (self.one_of(0, 1), 1)
        kernel, dilation, groups = (min(self.one_of(1, 3), size[0]), self.one_of(1, 2)), (1, 1), 1
        if kind == "plain":
            groups = self.one_of(1, channels)
            dilation = (1, self.one_of(1, 2))
            if self.draw(st.booleans()):
                kernel, stride, padding = (3, 1), (1, 1), "same"
        n = groups * self.draw(st.integers(1, 4))
        pads = (0, 0) if padding == "same" else padding
        out = [
            extent if padding == "same" else (extent + 2 * p - d * (k - 1) - 1) // s + 1
            for extent, p, d, k, s in zip(size, pads, dilation, kernel, stride, strict=True)
        ]
        if kind != "plain":
            parameters = self.circuit(kind, n, (channels, *kernel))
            return EIConv2d(tuple(size), **parameters, stride=stride, padding=padding), (n, *out)
        fan_in = (channels // groups, *kernel)
        weight = self.rng.normal(0.2, 1, (n, *fan_in)) / math.sqrt(math.prod(fan_in))
        bias = self.rng.normal(0, 0.2, n)
        return nir.Conv2d(tuple(size), weight, stride, padding, dilation, groups, bias), (n, *out)

    def circuit(self, kind: str, n: int, fan_in: tuple[int, ...]) -> dict[str, Any]:
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

    def neuron(self, name: str, shape: tuple[int, ...], divided: bool, *sources: str) -> str:
        kinds = [nir.LIF, SoftResetLIF]
        if not divided:
            # A pool may hand on the bias of a convolution.
            biased = any(
                isinstance(self.nodes[s], (nir.AvgPool2d, nir.SumPool2d))
                or np.any(getattr(self.nodes[s], "bias", 0))
                for s in sources
            )
            kinds += [nir.IF] if biased else [nir.IF, nir.CubaLIF]
        kind = self.one_of(*kinds)
        matrices = all(
            isinstance(self.nodes[s], (nir.Linear, nir.Affine, EILinear)) for s in sources
        )
        vary = self.draw(st.booleans()) and (matrices or not self.integer)

        def around(value: float) -> Array:
            return value * (self.rng.uniform(0.7, 1.3, shape) if vary else np.ones(shape))

        leak = around(0.1) * (not (self.integer and (divided or kind is SoftResetLIF)))
        # Inputs are multiples of 1/16: no sum of them meets this threshold exactly.
        threshold, tau = around(math.pi / 3), around(self.one_of(2, 5, 50) * DT)
        if kind is nir.IF:
            reset = around(0.0 if self.integer else 0.1)
            node = nir.IF(around(1 / DT), threshold, reset)
        elif kind is nir.CubaLIF:
            node = nir.CubaLIF(
                tau, around(3 * DT), around(4), leak, threshold, leak, w_in=around(1.5)
            )
        elif kind is SoftResetLIF:
            node = SoftResetLIF(tau, tau / DT, leak, threshold)
        else:
            node = nir.LIF(tau, tau / DT, leak, threshold, leak if self.integer else around(0.2))
        return self.add(name, node, shape, *sources)

    def layer(self, index: int, source: str) -> str:
        """Synapses and neurons, perhaps with a second path of the same shape, or a loop."""
        name = f"lif{index}"
        if isinstance(self.nodes[source], nir.Input) and self.draw(st.integers(0, 5)) == 0:
            return self.neuron(name, self.shapes[source], False, source)
        alike = [n for n in self.layers if self.shapes[n] == self.shapes[source] and n != source]
        shortcuts = [n for n in alike if self.draw(st.booleans())]
        first, divided = self.synapses(f"w{index}", source, *shortcuts)
        shape, before = self.shapes[first], self.shapes[source]
        sources = [first]
        if len(shape) == 1 and not divided:
            if self.draw(st.booleans()):
                loop = nir.Linear(self.rng.normal(0, 0.4, (shape[0], shape[0])))
                sources.append(self.add(f"loop{index}", loop, shape, name))
            if len(before) == 1 and self.draw(st.booleans()):
                second = nir.Linear(self.rng.normal(0, 0.4, (shape[0], before[0])))
                sources.append(self.add(f"second{index}", second, shape, source))
            if index == 1 and self.draw(st.booleans()):
                other = self.input("other", (3,))
                path = nir.Linear(self.rng.normal(0, 0.4, (shape[0], 3)))
                sources.append(self.add("path", path, shape, other))
        return self.neuron(name, shape, divided, *sources)

    def build(self) -> nir.NIRGraph:
        spatial = (self.one_of(1, 2), self.one_of(4, 5), 4)
        shape = self.one_of(spatial, (self.draw(st.integers(1, 8)),))
        last = self.input("input", shape)
        self.layers.append(last)
        for index in range(self.draw(st.integers(1, 3))):
            last = self.layer(index, last)
            self.layers.append(last)
        kind = self.one_of("spikes", "graded", "graded twice", *[] if self.integer else ["LI", "I"])
        self.readout(kind, last)
        if len(self.layers) > 2 and self.draw(st.booleans()):
            early = self.layers[1]
            self.add(
                "early",
                nir.Output({"output": np.array(self.shapes[early])}),
                self.shapes[early],
                early,
            )
        return nir.NIRGraph(self.nodes, self.edges, metadata={"dt": DT}, type_check=False)

    def readout(self, kind: str, last: str) -> None:
        shape = self.shapes[last]
        if kind != "spikes":
            n = math.prod(shape)
            if len(shape) == 3:
                last = self.add("flat", nir.Flatten({"input": np.array(shape)}, 0, -1), (n,), last)
            shape = (3,)
            last = self.add("readout", nir.Linear(self.rng.normal(0, 1, (3, n))), shape, last)
        one = np.ones(shape)
        if kind == "graded twice":
            last = self.add("second", nir.Linear(self.rng.normal(0, 1, (3, 3))), shape, last)
        if kind == "LI":
            last = self.add("li", nir.LI(5 * DT * one, one, 0.1 * one), shape, last)
        if kind == "I":
            last = self.add("i", nir.I(one), shape, last)
        self.add("output", nir.Output({"output": np.array(shape)}), shape, last)


@st.composite
def _cases(draw: st.DrawFn, integer: bool) -> tuple[nir.NIRGraph, Stimulus, CompileOptions]:
    """A graph, what is shown to it (its extremes too), and how it is compiled."""
    builder = _Builder(draw, integer)
    graph = builder.build()
    values = {}
    for name, node in graph.nodes.items():
        if isinstance(node, nir.Input):
            x = builder.rng.integers(
                node.metadata["low"] * 16, 17, (SAMPLES, STEPS, *builder.shapes[name])
            )
            x[0, ::2] = 16 * builder.rng.choice([node.metadata["low"], 1.0], x[0, ::2].shape)
            values[name] = x / 16
    options = CompileOptions(
        draw(st.sampled_from(["fused", "explicit"])),
        draw(st.sampled_from([8, 8, 6, 4])),
        draw(st.sampled_from(["fold", "fold", "relay"])),
    )
    return graph, Stimulus(values), options


@pytest.fixture(scope="session")
def graphs() -> Callable[..., st.SearchStrategy[Any]]:
    """Strategy of graphs, what is shown to them, and how they are compiled."""
    return _cases
