"""The order in which data reach the nodes of a graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set


def flow_order(names: Iterable[str], edges: Iterable[tuple[str, str]]) -> list[str]:
    """The nodes in the order in which data reach them.

    A node comes after all its sources, unless it is part of a loop: then the loop is entered at a
    node that something outside of it drives, if there is one. What this leaves open is decided by
    the order of `names`.

    Args:
        names: of all nodes.
        edges: (source, target) of all edges.
    """
    sources: dict[str, set[str]] = defaultdict(set)
    for source, target in edges:
        if source != target:
            sources[target].add(source)
    order: list[str] = []
    left = list(names)
    while left:
        chosen = next((n for n in left if not sources[n] & set(left)), None)
        if chosen is None:
            chosen = _entrance(left, sources)
        order.append(chosen)
        left.remove(chosen)
    return order


def _entrance(left: list[str], sources: Mapping[str, Set[str]]) -> str:
    """Where to enter a loop that waits for nothing but itself."""
    waiting = set(left)
    before = {name: _ancestors(name, sources, waiting) for name in left}
    loop = [n for n in left if all(n in before[ancestor] for ancestor in before[n])]
    return next((n for n in loop if sources[n] - waiting), loop[0])


def _ancestors(name: str, sources: Mapping[str, Set[str]], among: Set[str]) -> set[str]:
    found: set[str] = set()
    frontier = {name}
    while frontier:
        frontier = {s for n in frontier for s in sources[n] if s in among} - found
        found |= frontier
    return found
