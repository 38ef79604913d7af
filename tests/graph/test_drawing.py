"""Pictures of graphs: everything is there, nothing overlaps, and data run downward."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree

import nir
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eideploy import graph
from eideploy.graph.drawing import draw
from eideploy.graph.drawing.layout import lay_out
from eideploy.graph.flow import flow_order

SVG = "{http://www.w3.org/2000/svg}"


def _port(kind: type) -> nir.NIRNode:
    return kind({kind.__name__.lower(): np.array([3])})


def _lif(name: str = "LIF") -> nir.NIRNode:
    one = np.ones(3)
    if name == "soft":
        return graph.SoftResetLIF(0.02 * one, one, 0 * one, one)
    return nir.LIF(0.02 * one, one, 0 * one, one)


@pytest.fixture
def recurrent() -> nir.NIRGraph:
    """A nested graph with a loop inside, a shortcut around it, and names that XML must escape."""
    inner = {
        "input": _port(nir.Input),
        "lif": _lif(),
        "w_rec": nir.Linear(np.eye(3)),
        "output": _port(nir.Output),
    }
    loop = [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
    nodes = {
        "output": _port(nir.Output),
        "<b> & co": _lif("soft"),
        "block": nir.NIRGraph(inner, loop, type_check=False),
        "in": _port(nir.Input),
    }
    edges = [
        ("in", "block"),
        ("block", "<b> & co"),
        ("in", "<b> & co"),
        ("<b> & co", "output"),
    ]
    return nir.NIRGraph(nodes, edges, type_check=False)


def _drawn(picture: str) -> dict[str, tuple[float, float, float, float]]:
    """Boxes (left, top, right, bottom) by the name of their node."""
    boxes = {}
    for group in ElementTree.fromstring(picture).iter(f"{SVG}g"):
        box = group.find(f"{SVG}rect[@class='box']")
        if box is not None:
            x, y, w, h = (float(box.get(key, "nan")) for key in ("x", "y", "width", "height"))
            title = group.findtext(f"{SVG}title", "")
            boxes[title.partition(": ")[0]] = (x, y, x + w, y + h)
    return boxes


def test_all_nodes_are_there_with_what_is_known_of_them(recurrent):
    picture = draw(graph.describe(recurrent, 1e-3), "A < B")
    assert picture == draw(graph.describe(recurrent, 1e-3), "A < B")
    boxes = _drawn(picture)
    assert set(boxes) == {"in", "block/lif", "block/w_rec", "<b> & co", "output"}
    texts = {text.text for text in ElementTree.fromstring(picture).iter(f"{SVG}text")}
    assert {"A < B", "<b> & co", "LIF · 3 · τ 20 steps", "dialect"} <= texts
    assert "acts in the next step" in texts
    paths = [p.get("class") for p in ElementTree.fromstring(picture).iter(f"{SVG}path")]
    assert paths.count("edge loop") == 1
    assert paths.count("edge") == 5
    assert boxes["in"][3] < boxes["block/lif"][1] < boxes["<b> & co"][1] < boxes["output"][1]


def test_a_plain_chain_is_a_straight_line():
    nodes = {"input": _port(nir.Input), "a": _lif(), "b": _lif(), "output": _port(nir.Output)}
    chain = nir.NIRGraph(nodes, list(itertools.pairwise(nodes)), type_check=False)
    boxes = _drawn(draw(graph.describe(chain), "chain"))
    assert len({left for left, *_ in boxes.values()}) == 1
    assert [*boxes] == sorted(boxes, key=lambda name: boxes[name][1]) == [*nodes]


NAMES = [f"n{index}" for index in range(9)]
EDGES = st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=16)


@given(EDGES)
@example({("n0", "n2"), ("n3", "n4"), ("n4", "n3"), ("n4", "n2")})
def test_data_reach_nodes_in_order(edges):
    order = flow_order(NAMES, edges)
    assert sorted(order) == NAMES
    rank = {name: index for index, name in enumerate(order)}
    back = {(s, t) for s, t in edges if rank[s] >= rank[t]}
    # An edge leads back only where the others lead from its target to its source.
    for source, target in back:
        reached, frontier = {target}, {target}
        while frontier:
            frontier = {t for s, t in edges if s in frontier} - reached
            reached |= frontier
        assert source in reached


@given(EDGES)
def test_nothing_overlaps(edges):
    order = flow_order(NAMES, sorted(edges))
    layout = lay_out(order, sorted(edges), width=10, lane=2)
    assert set(layout.nodes) == set(NAMES)
    assert set(layout.edges) | set(layout.loops) == edges
    rows: dict[int, list[tuple[float, float]]] = {}
    for x, layer in layout.nodes.values():
        rows.setdefault(layer, []).append((x, 10))
    for path in layout.edges.values():
        layers = [layer for _, layer in path]
        assert layers == list(range(layers[0], layers[-1] + 1))
        for x, layer in path[1:-1]:
            rows[layer].append((x, 2))
    for row in rows.values():
        for (x0, w0), (x1, w1) in itertools.pairwise(sorted(row)):
            assert x1 - x0 >= (w0 + w1) / 2 - 1e-6
    assert min(x for x, _ in layout.nodes.values()) >= 5 - 1e-6
