"""Where the nodes of a graph go: in layers from top to bottom, edges as straight as may be.

The usual steps (Sugiyama): edges that close a loop are set aside; a node is one layer below the
lowest of its sources; an edge over several layers gets a waypoint in each of them; a layer is
sorted by the mean place of its neighbours, and each node moved toward it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Edge = tuple[str, str]

Item = tuple[str, ...]
"""(node,), or (source, target, layer) for a waypoint of an edge."""

SWEEPS = 12
"""Rounds of sorting and of moving; pictures of the deepest networks settle in fewer."""


@dataclass(frozen=True)
class Layout:
    """Places of nodes and edges; x grows to the right, layers are counted from the top.

    Args:
        nodes: (x of the middle, layer) of each node.
        edges: points (x, layer) of each edge from its source to its target, both included.
        loops: edges that lead back to a layer above or to the same one.
    """

    nodes: Mapping[str, tuple[float, int]]
    edges: Mapping[Edge, tuple[tuple[float, int], ...]]
    loops: tuple[Edge, ...]


def lay_out(order: Sequence[str], edges: Sequence[Edge], width: float, lane: float) -> Layout:
    """Place nodes and edges.

    Args:
        order: all nodes, as `flow_order` gives them.
        edges: between them.
        width: what a node takes, its distance to the next included.
        lane: what an edge takes that passes by a layer.
    """
    rank = {name: index for index, name in enumerate(order)}
    forward = [(s, t) for s, t in edges if rank[s] < rank[t]]
    layer = _layers(order, forward)
    paths = {edge: _path(*edge, layer) for edge in forward}
    links = [link for path in paths.values() for link in pairwise(path)]
    rows: dict[int, list[Item]] = defaultdict(list)
    depth: dict[Item, int] = {}
    for item in dict.fromkeys([(name,) for name in order] + [i for p in paths.values() for i in p]):
        depth[item] = layer[item[0]] if len(item) == 1 else int(item[2])
        rows[depth[item]].append(item)
    x = _columns([rows[index] for index in sorted(rows)], links, width, lane)
    return Layout(
        {name: (x[(name,)], layer[name]) for name in order},
        {edge: tuple((x[item], depth[item]) for item in path) for edge, path in paths.items()},
        tuple(edge for edge in edges if rank[edge[0]] >= rank[edge[1]]),
    )


def _layers(order: Sequence[str], forward: Sequence[Edge]) -> dict[str, int]:
    layer = dict.fromkeys(order, 0)
    for name in order:
        layer[name] = max((layer[s] + 1 for s, t in forward if t == name), default=0)
    # What nothing drives stands right above what it drives: a second input beside a deep layer.
    driven = {target for _, target in forward}
    for name in order:
        if name not in driven:
            layer[name] = min((layer[t] - 1 for s, t in forward if s == name), default=0)
    return layer


def _path(source: str, target: str, layer: Mapping[str, int]) -> list[Item]:
    between = range(layer[source] + 1, layer[target])
    return [(source,), *((source, target, str(index)) for index in between), (target,)]


def _columns(
    rows: list[list[Item]], links: list[tuple[Item, Item]], width: float, lane: float
) -> dict[Item, float]:
    """x of the middle of every item, the leftmost at 0."""
    near: dict[Item, list[tuple[Item, float]]] = defaultdict(list)
    for upper, lower in links:
        # Nodes stay in line with nodes, and what passes by with itself.
        weight = 8.0 if len(upper) == len(lower) else 1.0
        near[upper].append((lower, weight))
        near[lower].append((upper, weight))
    room = {item: width if len(item) == 1 else lane for row in rows for item in row}
    x = {item: 0.0 for row in rows for item in row}
    for row in rows:
        _settle(row, dict.fromkeys(row, 0.0), room, x)

    def wanted(item: Item) -> float:
        total = sum(weight for _, weight in near[item])
        return sum(weight * x[other] for other, weight in near[item]) / total if total else x[item]

    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            if sweep < SWEEPS // 2:
                row.sort(key=wanted)
            _settle(row, {item: wanted(item) for item in row}, room, x)
    left = min(x[item] - room[item] / 2 for item in x)
    return {item: place - left for item, place in x.items()}


def _settle(
    row: list[Item],
    wanted: Mapping[Item, float],
    room: Mapping[Item, float],
    x: dict[Item, float],
) -> None:
    """Move a row to where its items want to be, as far as they do not overlap; order is kept."""
    places: list[float] = []
    for index, item in enumerate(row):
        least = places[-1] + (room[row[index - 1]] + room[item]) / 2 if places else wanted[item]
        places.append(max(wanted[item], least))
    # Pushed to the right only so far; on average nobody is.
    drift = sum(p - wanted[item] for p, item in zip(places, row, strict=True)) / len(row)
    for place, item in zip(places, row, strict=True):
        x[item] = place - drift
