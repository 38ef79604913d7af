"""What a NIR graph does, in exact fractions: the equations of its nodes, step by step.

A document of a graph:

    {"dt": seconds of a step, a Fraction, or None,
     "nodes": {name: {"type": name of the type in NIR, "takes": shape of its input, fields…}},
     "edges": [(source, target), …]}

Numbers are Fractions and integers; weights are nested lists, fields of neurons lists with a number
for each neuron in C order, geometries lists with a number for each axis. A nested graph is a node
of type `NIRGraph` with `nodes` and `edges`; its nodes are named `outer.inner`.

Several edges into a node mean their sum. Edges act within the step, but for those that close a loop
and act in the next one. Before the first step inputs, neurons and Delays are silent, and nodes
without memory give what they give for silence.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, TypedDict

from eideploy.conform.oracle.graph_layers import Signal, layer, total, zeros
from eideploy.conform.oracle.graph_neurons import GRADED, NEURONS, Cells
from eideploy.conform.oracle.graph_order import closing, delay_steps, inlined, order, waiting

Values = dict[str, list[list[list[Fraction]]]]
"""By name of the Input: [sample][step][neuron]."""

SPIKING = tuple(kind for kind in NEURONS if kind not in GRADED)


class NodeRecording(TypedDict):
    """What one node did.

    `output` is [sample][step][neuron], neurons in C order of `shape`; `state` is `v` of neurons,
    the potential as tested: after integration and before reset.
    """

    shape: tuple[int, ...]
    spiking: bool
    output: list[list[list[Fraction]]]
    state: dict[str, list[list[list[Fraction]]]]


def run(document: dict[str, Any], values: Values) -> dict[str, NodeRecording]:
    """What every node of a graph does, but for its Inputs and for circuits that divide.

    A quotient is seen by the neurons behind it alone, and no float need hold it.

    Args:
        document: the graph, as above.
        values: what is shown to each Input.
    """
    graph = inlined(document)
    recordings: dict[str, NodeRecording] = {}
    for sample in range(len(next(iter(values.values())))):
        machine = _Machine(graph)
        shown = {name: of_all[sample] for name, of_all in values.items()}
        for step in range(len(next(iter(shown.values())))):
            machine.advance({name: steps[step] for name, steps in shown.items()})
            machine.record(recordings, first=step == 0)
    return recordings


class _Machine:
    """A graph in the middle of a sample."""

    def __init__(self, graph: dict[str, Any]) -> None:
        self.nodes, self.dt = graph["nodes"], graph["dt"]
        self.late, self.closing = waiting(graph), closing(graph)
        self.into: dict[str, list[str]] = {name: [] for name in self.nodes}
        at_once = []
        for source, target in graph["edges"]:
            self.into[target].append(source)
            if (source, target) not in self.closing and target not in self.late:
                at_once.append((source, target))
        self.order = order(self.nodes, at_once)
        self.cells = {
            name: Cells(node, self.dt)
            for name, node in self.nodes.items()
            if node["type"] in NEURONS
        }
        self.past: dict[str, list[Signal]] = {
            name: [] for name, node in self.nodes.items() if node["type"] == "Delay"
        }
        self.now = self._silence()

    def _silence(self) -> dict[str, Signal]:
        """What the nodes give before the first step."""
        now: dict[str, Signal] = {}
        for name in self.order:
            node = self.nodes[name]
            silent = node["type"] == "Input" or name in self.cells or name in self.past
            x = zeros(node["takes"])
            if not silent:
                arrived = [now[s] for s in self.into[name] if (s, name) not in self.closing]
                x = layer(node, total(arrived, node["takes"]))
            now[name] = x
        return now

    def advance(self, inputs: dict[str, list[Fraction]]) -> None:
        """Take one step."""
        last, self.now = self.now, {}
        for name in self.order:
            node = self.nodes[name]
            shape = tuple(node["takes"])
            if node["type"] == "Input":
                self.now[name] = Signal(shape, inputs[name])
            elif name in self.late:
                self.now[name] = self._delayed(name, zeros(shape))
            elif name in self.past:
                self.now[name] = self._delayed(name, self._received(name, last))
            elif name in self.cells:
                x = self._received(name, last)
                self.now[name] = Signal(shape, self.cells[name].step(x.values))
            else:
                self.now[name] = layer(node, self._received(name, last))
        for name, past in self.past.items():
            past.append(self._received(name, last))

    def record(self, recordings: dict[str, NodeRecording], *, first: bool) -> None:
        """Add this step to what was recorded; the first one begins a sample."""
        for name, signal in self.now.items():
            node = self.nodes[name]
            if node["type"] == "Input" or node.get("divisive"):
                continue
            empty: NodeRecording = {
                "shape": signal.shape,
                "spiking": node["type"] in SPIKING,
                "output": [],
                "state": {"v": []} if name in self.cells else {},
            }
            recording = recordings.setdefault(name, empty)
            if first:
                for kept in (recording["output"], *recording["state"].values()):
                    kept.append([])
            recording["output"][-1].append(signal.values)
            if name in self.cells:
                recording["state"]["v"][-1].append(list(self.cells[name].tested))

    def _received(self, name: str, last: dict[str, Signal]) -> Signal:
        """The sum of what arrives at a node; over an edge that closes a loop, of the last step."""
        arrived = [
            (last if (source, name) in self.closing else self.now)[source]
            for source in self.into[name]
        ]
        return total(arrived, self.nodes[name]["takes"])

    def _delayed(self, name: str, x: Signal) -> Signal:
        """What each neuron of a Delay took in so many steps ago; nothing before the first one."""
        taken = [*self.past[name], x]
        steps = delay_steps(self.nodes[name], self.dt)
        values = [
            taken[-1 - d].values[k] if d < len(taken) else Fraction(0) for k, d in enumerate(steps)
        ]
        return Signal(x.shape, values)
