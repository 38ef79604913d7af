"""Pass `inline`: nested graphs become part of the graph that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import nir

from eideploy.errors import GraphError


@dataclass(frozen=True)
class Inline:
    """Replace every nested `NIRGraph` by its nodes, named `outer.inner`.

    The Input and Output nodes of a nested graph disappear: what ran into the nested graph runs into
    the successors of its Input, what ran out of its Output runs on.
    """

    name: ClassVar[str] = "inline"
    requires: ClassVar[frozenset[str]] = frozenset()
    ensures: ClassVar[frozenset[str]] = frozenset({"flat"})

    def __call__(self, graph: nir.NIRGraph) -> nir.NIRGraph:
        """Raises `GraphError` where a nested graph has more than one Input or Output."""
        nodes: dict[str, nir.NIRNode] = {}
        edges = list(graph.edges)
        nested = False
        for name, node in graph.nodes.items():
            if not isinstance(node, nir.NIRGraph):
                _add(nodes, name, node)
                continue
            nested = True
            edges = _splice(name, self(node), nodes, edges)
        if not nested:
            return graph
        return nir.NIRGraph(nodes, edges, metadata=dict(graph.metadata), type_check=False)


def _add(nodes: dict[str, nir.NIRNode], name: str, node: nir.NIRNode) -> None:
    if name in nodes:
        raise GraphError(
            f"two nodes are called {name!r} once nested graphs are part of the outer one",
            "Rename the outer one.",
        )
    nodes[name] = node


def _splice(
    name: str,
    inner: nir.NIRGraph,
    nodes: dict[str, nir.NIRNode],
    edges: list[tuple[str, str]],
) -> list[tuple[str, str]]:
    """Put the nodes of `inner` into `nodes`; return the edges with `inner` bridged."""
    entries = [n for n, node in inner.nodes.items() if isinstance(node, nir.Input)]
    exits = [n for n, node in inner.nodes.items() if isinstance(node, nir.Output)]
    if len(entries) != 1 or len(exits) != 1:
        raise GraphError(
            f"nested graph {name!r} has {len(entries)} inputs and {len(exits)} outputs; "
            "one of each is supported"
        )
    entry, end = entries[0], exits[0]
    inside = {n: f"{name}.{n}" for n in inner.nodes}
    for n, node in inner.nodes.items():
        if n not in (entry, end):
            _add(nodes, inside[n], node)
    first = [inside[t] for s, t in inner.edges if s == entry and t != end]
    last = [inside[s] for s, t in inner.edges if t == end and s != entry]
    bridged: list[tuple[str, str]] = []
    for source, target in edges:
        sources = last if source == name else [source]
        targets = first if target == name else [target]
        bridged += [(s, t) for s in sources for t in targets]
    if (entry, end) in inner.edges:
        before = [s for s, t in edges if t == name]
        bridged += [(s, t) for s in before for source, t in edges if source == name]
    bridged += [(inside[s], inside[t]) for s, t in inner.edges if s != entry and t != end]
    return bridged
