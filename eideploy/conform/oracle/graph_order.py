"""In which order the nodes of a graph act within a step, and which of its edges carry to the next.

Nothing here knows what a node computes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Edge = tuple[str, str]
Document = dict[str, Any]


def inlined(document: Document) -> Document:
    """The same graph with the nodes of nested graphs, `outer.inner`, in their place."""
    nodes: dict[str, Any] = {}
    entry: dict[str, str] = {}
    end: dict[str, str] = {}
    inside: list[Edge] = []
    for name, node in document["nodes"].items():
        if node["type"] != "NIRGraph":
            nodes[name] = node
            continue
        inner = inlined(node)
        for label, part in inner["nodes"].items():
            role = {"Input": entry, "Output": end}.get(part["type"])
            if role is None:
                nodes[f"{name}.{label}"] = part
            else:
                role[name] = f"{name}.{label}"
                nodes[f"{name}.{label}"] = part | {"type": "Identity"}
        inside += [(f"{name}.{source}", f"{name}.{target}") for source, target in inner["edges"]]
    across = [(end.get(s, s), entry.get(t, t)) for s, t in document["edges"]]
    return {"dt": document.get("dt"), "nodes": nodes, "edges": across + inside}


def waiting(document: Document) -> set[str]:
    """Delays of at least one step for every neuron: what they give is known before a step."""
    return {
        name
        for name, node in document["nodes"].items()
        if node["type"] == "Delay" and min(delay_steps(node, document["dt"])) >= 1
    }


def delay_steps(node: dict[str, Any], dt: Any) -> list[int]:
    """For each neuron of a Delay the whole number of steps that is nearest."""
    return [round(delay / dt) for delay in node["delay"]]


def closing(document: Document) -> set[Edge]:
    """Edges that act in the next step, since they close a loop that no Delay closes.

    Depth first from the inputs, along the edges as they are listed: an edge back to a node that is
    being visited closes a loop.
    """
    nodes = document["nodes"]
    late = waiting(document)
    after: dict[str, list[str]] = {name: [] for name in nodes}
    for source, target in document["edges"]:
        after[source].append(target)
    at_once = {n: [t for t in targets if t not in late] for n, targets in after.items()}
    found: set[Edge] = set()
    done: set[str] = set()
    inputs = [name for name, node in nodes.items() if node["type"] == "Input"]
    for start in [*inputs, *nodes]:
        if start in done:
            continue
        done.add(start)
        path = [start]
        left = [iter(after[start])]
        while path:
            target = next(left[-1], None)
            if target is None:
                path.pop()
                left.pop()
            elif target in path:
                if target not in late and path[-1] in _reached(target, at_once):
                    found.add((path[-1], target))
            elif target not in done:
                done.add(target)
                path.append(target)
                left.append(iter(after[target]))
    return found


def _reached(start: str, after: dict[str, list[str]]) -> set[str]:
    """`start` and all nodes to which something leads from it."""
    found = {start}
    frontier = [start]
    while frontier:
        frontier = [t for name in frontier for t in after[name] if t not in found]
        found.update(frontier)
    return found


def order(names: Iterable[str], edges: Iterable[Edge]) -> list[str]:
    """The nodes, each behind all that lead to it.

    Raises:
        ValueError: the edges form a loop.
    """
    left = list(names)
    before: dict[str, set[str]] = {name: set() for name in left}
    for source, target in edges:
        before[target].add(source)
    ready: list[str] = []
    while left:
        free = [name for name in left if before[name] <= set(ready)]
        if not free:
            raise ValueError(f"a loop that nothing closes, among {left}")
        ready += free
        left = [name for name in left if name not in free]
    return ready
