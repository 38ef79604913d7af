"""The picture itself, as SVG text without anything that is not in it."""

from __future__ import annotations

from xml.sax.saxutils import escape

from eideploy.graph.describe import GraphDescription, NodeDescription, extent, in_steps
from eideploy.graph.drawing.layout import Edge, Layout, lay_out
from eideploy.graph.flow import flow_order

BOX, TALL = 248, 46
"""Width and height of a node."""

GAP, LANE, ROW = 28, 22, 74
"""Between two nodes, for an edge that passes by, and from layer to layer."""

MARGIN, HEAD = 28, 58
FIT, FIT_BELOW = 26, 37
"""Letters that fit into the two lines of a node."""

KINDS = {
    "port": ("Input", "Output"),
    "neuron": ("IF", "LIF", "CubaLIF", "SoftResetIF", "SoftResetLIF", "SoftResetCubaLIF"),
    "graded": ("I", "LI", "CubaLI", "Threshold"),
    "circuit": ("EILinear", "EIConv2d"),
    "weight": ("Linear", "Affine", "Conv1d", "Conv2d", "Scale"),
}
"""How nodes are coloured; all others, which hold no numbers, are plain."""

COLOURS = {
    "port": ("#667085", "without parameters"),
    "weight": ("#1769e0", "weights"),
    "circuit": ("#0b8a6a", "E-I circuit"),
    "neuron": ("#e8590c", "spiking neurons"),
    "graded": ("#a15c00", "graded neurons"),
}

STYLE = """
svg { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif;
  --ink: #1d2433; --muted: #667085; --line: #98a2b3; --page: #f7f8fa; --card: #fff; }
@media (prefers-color-scheme: dark) {
  svg { --ink: #e6e9f0; --muted: #9aa4b5; --line: #667085; --page: #14171f; --card: #1d222d; } }
.page { fill: var(--page); } text { fill: var(--ink); } .small { font-size: 11.5px; }
.muted { fill: var(--muted); } .name { font-weight: 600; } .title { font-size: 17px; }
rect.box { fill: var(--card); stroke: var(--line); }
path.edge { fill: none; stroke: var(--line); stroke-width: 1.6; marker-end: url(#arrow); }
path.loop { stroke: #c2255c; stroke-dasharray: 5 3; marker-end: url(#back); }
"""


def draw(description: GraphDescription, title: str) -> str:
    """A graph as SVG: nodes with name, type, shape and time constants, data from top to bottom.

    Nested graphs are drawn as what is in them. An edge that closes a loop, and acts one step later,
    is dashed.

    Args:
        description: of the graph, with dt if time constants are to be in steps.
        title: what it is called.

    Returns:
        One self-contained SVG document, the same for the same graph.
    """
    nodes, edges = _flat(description)
    order = flow_order(nodes, edges)
    layout = lay_out(order, edges, BOX + GAP, LANE)
    reach = _loop_reach(layout)
    wide = max(x for x, _ in layout.nodes.values()) + BOX / 2 + max([0, *reach.values()])
    wide = max(wide, *(x for path in layout.edges.values() for x, _ in path))
    width = max(wide, 420.0) + 2 * MARGIN
    left = (width - wide) / 2
    height = HEAD + (1 + max(y for _, y in layout.nodes.values())) * ROW + MARGIN + 22
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f"<defs>{_marker('arrow', '#98a2b3')}{_marker('back', '#c2255c')}</defs>",
        '<rect class="page" width="100%" height="100%"/>',
        f'<text class="title name" x="{MARGIN}" y="30">{escape(title)}</text>',
        f'<text class="small muted" x="{MARGIN}" y="48">{escape(_summary(description))}</text>',
        f'<g transform="translate({left:.1f})">',
        *(_edge(path) for path in layout.edges.values()),
        *(_loop(edge, layout, reach[edge]) for edge in layout.loops),
        *(_node(node, *layout.nodes[name]) for name, node in nodes.items()),
        "</g>",
        _legend([_kind(node) for node in nodes.values()], bool(layout.loops), height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _flat(description: GraphDescription) -> tuple[dict[str, NodeDescription], list[Edge]]:
    """Nodes and edges without nested graphs, and without the Input and Output of these."""
    nodes = {node.name: node for node in description.nodes}
    nested = {name for name, node in nodes.items() if node.type == "NIRGraph"}
    ports = {}
    for name, node in nodes.items():
        outer = name.rpartition("/")[0]
        if outer in nested and node.type in ("Input", "Output"):
            ports[outer, node.type] = name
    edges = [
        (ports.get((s, "Output"), s), ports.get((t, "Input"), t)) for s, t in description.edges
    ]
    for port in ports.values():
        before = [source for source, target in edges if target == port]
        after = [target for source, target in edges if source == port]
        edges = [edge for edge in edges if port not in edge]
        edges += [(source, target) for source in before for target in after]
    gone = nested | set(ports.values())
    return {n: node for n, node in nodes.items() if n not in gone}, list(dict.fromkeys(edges))


def _summary(description: GraphDescription) -> str:
    standard = "plain NIR" if description.standard else "NIR with the E-I dialect"
    step = f"step {description.dt:g} s" if description.dt else "step not given"
    return f"{standard} · {description.parameters:,} parameters · {step}"


def _kind(node: NodeDescription) -> str:
    return next((kind for kind, types in KINDS.items() if node.type in types), "port")


def _middle(layer: float) -> float:
    return HEAD + layer * ROW + ROW / 2


def _node(node: NodeDescription, x: float, layer: int) -> str:
    left, top = x - BOX / 2, _middle(layer) - TALL / 2
    colour = COLOURS[_kind(node)][0]
    times = in_steps(node.time_constants).replace("tau", "τ")
    shape = extent(node.output_shape) or "1"
    name = node.name if len(node.name) <= FIT else f"…{node.name[1 - FIT :]}"
    below = f"{node.type} · {shape}" + (f" · {times}" if times else "")
    below = below if len(below) <= FIT_BELOW else f"{below[: FIT_BELOW - 1]}…"
    whole = [
        f"{node.name}: {node.type}" + ("" if node.standard else " (dialect)"),
        f"in {extent(node.input_shape) or '1'}, out {shape}",
        f"{node.parameters:,} parameters" if node.parameters else "",
        f"{node.constants:,} constants" if node.constants else "",
        times,
    ]
    dialect = (
        f'<text class="small" x="{left + BOX - 10}" y="{top + 18}" text-anchor="end" '
        f'style="fill:{colour}">dialect</text>'
        if not node.standard
        else ""
    )
    return (
        f"<g><title>{escape(chr(10).join(filter(None, whole)))}</title>"
        f'<rect class="box" x="{left:.1f}" y="{top:.1f}" width="{BOX}" height="{TALL}" rx="7"/>'
        f'<rect x="{left:.1f}" y="{top + 7:.1f}" width="4" height="{TALL - 14}" fill="{colour}"/>'
        f'<text class="name" x="{left + 14:.1f}" y="{top + 19:.1f}">{escape(name)}</text>{dialect}'
        f'<text class="small muted" x="{left + 14:.1f}" y="{top + 36:.1f}">{escape(below)}</text>'
        "</g>"
    )


def _edge(path: tuple[tuple[float, int], ...]) -> str:
    """From the bottom of the source to the top of the target, upright where it passes by nodes."""
    (x, layer), *rest = path
    y = _middle(layer) + TALL / 2
    drawn = f"M{x:.1f} {y:.1f}"
    for index, (x1, layer1) in enumerate(rest, start=1):
        last = index == len(rest)
        y1 = _middle(layer1) - TALL / 2 - (5 if last else 0)
        bend = (y1 - y) * 0.6
        drawn += f" C{x:.1f} {y + bend:.1f} {x1:.1f} {y1 - bend:.1f} {x1:.1f} {y1:.1f}"
        x, y = x1, y1 + TALL
        drawn += "" if last else f" V{y:.1f}"
    return f'<path class="edge" d="{drawn}"/>'


def _loop_reach(layout: Layout) -> dict[Edge, float]:
    """How far to the right of its nodes each loop bulges, so that loops do not meet."""
    reach = {}
    for number, (source, target) in enumerate(layout.loops):
        (x0, y0), (x1, y1) = layout.nodes[source], layout.nodes[target]
        between = [x for x, y in layout.nodes.values() if min(y0, y1) <= y <= max(y0, y1)]
        reach[source, target] = max(between) - max(x0, x1) + 40 + 14 * (number % 4)
    return reach


def _loop(edge: Edge, layout: Layout, reach: float) -> str:
    """Out of the right side of the source, and back into the right side of the target."""
    (x0, layer0), (x1, layer1) = (layout.nodes[end] for end in edge)
    right = max(x0, x1) + BOX / 2 + reach
    y0, y1 = _middle(layer0) + 9, _middle(layer1) - (9 if layer0 == layer1 else -9)
    start, end = x0 + BOX / 2, x1 + BOX / 2 + 5
    return (
        f'<path class="edge loop" d="M{start:.1f} {y0:.1f} C{right:.1f} {y0:.1f} '
        f'{right:.1f} {y1:.1f} {end:.1f} {y1:.1f}"/>'
    )


def _marker(name: str, colour: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="3" refY="4" markerWidth="6" '
        f'markerHeight="6" orient="auto"><path d="M0 0 8 4 0 8z" fill="{colour}"/></marker>'
    )


def _legend(kinds: list[str], loops: bool, height: float) -> str:
    shown = [(colour, said) for kind, (colour, said) in COLOURS.items() if kind in kinds]
    shown += [("#c2255c", "acts in the next step")] if loops else []
    drawn, x = "", float(MARGIN)
    for colour, said in shown:
        drawn += (
            f'<rect x="{x:.0f}" y="{height - 26:.0f}" width="10" height="10" rx="2" '
            f'fill="{colour}"/><text class="small muted" x="{x + 16:.0f}" '
            f'y="{height - 17:.0f}">{said}</text>'
        )
        x += 34 + 6.2 * len(said)
    return drawn
