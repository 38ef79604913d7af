"""Pass `close`: what closes a loop becomes a Delay of one step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import ClassVar

import nir
import numpy as np

from eideploy.compile.delays import delay_steps
from eideploy.compile.membrane import NEURON_NODES
from eideploy.graph.shapes import infer

Edge = tuple[str, str]


@dataclass(frozen=True)
class Close:
    """Graph → the same graph in which every loop holds a `nir.Delay`.

    A connection that closes a loop acts in the next step. Which one does is found by depth-first
    search from the inputs, along the edges in their order: one that leads back to where the search
    came from, unless every loop that it is part of holds a Delay of a step or more.

    The delay goes behind the last neurons in front of that connection, since linear nodes have no
    memory: from silence they make their bias, in the first step as in any other. A linear node that
    also drives others, at once, is there twice then, the second time under the name `node.late`.
    """

    name: ClassVar[str] = "close"
    requires: ClassVar[frozenset[str]] = frozenset({"flat", "checked", "dt"})
    ensures: ClassVar[frozenset[str]] = frozenset({"closed"})

    def __call__(self, graph: nir.NIRGraph) -> nir.NIRGraph:
        """Nothing is raised."""
        closing = _closing(graph)
        return _Late(graph, closing).graph() if closing else graph


def loops_within(graph: nir.NIRGraph, inner: Set[str]) -> frozenset[str]:
    """Nodes from which a way leads back to them, through nodes of `inner` only."""
    after = {s: [t for t in ts if t in inner] for s, ts in _after(graph).items() if s in inner}
    return frozenset(name for name in inner if name in _reached(name, after))


class _Late:
    """Rewrites a graph so that the edges `closing` carry what was there one step ago."""

    def __init__(self, graph: nir.NIRGraph, closing: list[Edge]) -> None:
        self.metadata = dict(graph.metadata)
        self.nodes = dict(graph.nodes)
        self.edges = [edge for edge in graph.edges if edge not in closing]
        self.shapes = infer(graph)
        neurons = {name for name, node in graph.nodes.items() if isinstance(node, NEURON_NODES)}
        self.looping = loops_within(graph, graph.nodes.keys() - neurons)
        self.before: dict[str, list[str]] = {name: [] for name in graph.nodes}
        for source, target in graph.edges:
            self.before[target].append(source)
        self.late: dict[str, str] = {}
        for source, target in closing:
            self.edges.append((self._late(source), target))
        self._drop(source for source, _ in closing)

    def graph(self) -> nir.NIRGraph:
        return nir.NIRGraph(self.nodes, self.edges, metadata=self.metadata, type_check=False)

    def _late(self, name: str) -> str:
        """The node that gives what `name` gave one step ago; it is made where there is none."""
        if name in self.late:
            return self.late[name]
        late = f"{name}.late"
        while late in self.nodes:
            late += "r"
        self.late[name] = late
        node = self.nodes[name]
        keeps = isinstance(node, (nir.Input, nir.Delay, *NEURON_NODES)) or name in self.looping
        if keeps:
            step = float(self.metadata.get("dt", 1.0))
            self.nodes[late] = nir.Delay(np.full(self.shapes[name][1], step))
            self.edges.append((name, late))
        else:
            self.nodes[late] = node
            self.edges += [(self._late(source), late) for source in self.before[name]]
        return late

    def _drop(self, candidates: Iterator[str]) -> None:
        """Nodes that nothing needs any more go, and the late ones take their names."""
        waiting = list(candidates)
        while waiting:
            name = waiting.pop()
            if name not in self.nodes or any(source == name for source, _ in self.edges):
                continue
            del self.nodes[name]
            self.edges = [edge for edge in self.edges if edge[1] != name]
            waiting += self.before[name]
            self._rename(self.late[name], name)

    def _rename(self, old: str, new: str) -> None:
        self.nodes = {new if name == old else name: node for name, node in self.nodes.items()}
        self.edges = [tuple(new if end == old else end for end in edge) for edge in self.edges]


def _after(graph: nir.NIRGraph) -> dict[str, list[str]]:
    after: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for source, target in graph.edges:
        after[source].append(target)
    return after


def _reached(start: str, after: Mapping[str, Sequence[str]]) -> set[str]:
    """Nodes to which a way of one edge or more leads from `start`."""
    reached: set[str] = set()
    frontier = {start}
    while frontier:
        frontier = {target for source in frontier for target in after[source]} - reached
        reached |= frontier
    return reached


def _closing(graph: nir.NIRGraph) -> list[Edge]:
    """Edges that lead back, as part of a loop that takes no time."""
    dt, after = graph.metadata.get("dt"), _after(graph)
    at_once = dict(after)
    for name, node in graph.nodes.items():
        if isinstance(node, nir.Delay) and delay_steps(node, dt).min() > 0:
            at_once[name] = []  # what comes out now does not depend on what goes in now
    return [
        (source, target)
        for source, target in _leading_back(graph, after)
        if target in at_once[source] and source in _reached(target, at_once)
    ]


def _leading_back(graph: nir.NIRGraph, after: Mapping[str, Sequence[str]]) -> Iterator[Edge]:
    """Edges to a node on the path from an input to them, in depth-first search."""
    finished: set[str] = set()
    inputs = [name for name, node in graph.nodes.items() if isinstance(node, nir.Input)]
    for root in [*inputs, *graph.nodes]:
        if root in finished:
            continue
        active = {root}
        stack = [(root, iter(after[root]))]
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                active.discard(name)
                finished.add(name)
            elif following in active:
                yield name, following
            elif following not in finished:
                active.add(following)
                stack.append((following, iter(after[following])))
