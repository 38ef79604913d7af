"""What is in a graph, in a form to print or to store as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import nir
import numpy as np

from eideploy.graph.check import graph_dt, time_constants, validate
from eideploy.graph.codec import Shape
from eideploy.graph.flow import flow_order
from eideploy.graph.schema import NODE_TYPES

TRAINED = frozenset(
    ("weight", "bias", "scale", "weight_ee", "weight_ie", "weight_ei", "gain_i", "gain_e")
)
"""Fields that training adapts; all others are constants."""


@dataclass(frozen=True)
class TimeConstant:
    """Range of one time constant over the neurons of a node.

    Args:
        field: its name in the node.
        seconds: (smallest, largest), in seconds.
        steps: the same in steps of dt; None where dt is not known.
    """

    field: str
    seconds: tuple[float, float]
    steps: tuple[float, float] | None


@dataclass(frozen=True)
class NodeDescription:
    """One node.

    Args:
        name: its name; nested ones as "graph/node".
        type: its type; "NIRGraph" for a nested graph, whose nodes follow it.
        standard: whether it is plain NIR, which other tools read, and not of the E-I dialect.
        input_shape: shape of one sample of what comes in.
        output_shape: shape of one sample of what goes out.
        parameters: count of its weights, biases and gains, that is what training adapts.
        constants: count of its other numbers: constants of neurons, floors of circuits.
        time_constants: ranges of its time constants.
        metadata: of the node; JSON-able.
    """

    name: str
    type: str
    standard: bool
    input_shape: Shape
    output_shape: Shape
    parameters: int
    constants: int
    time_constants: tuple[TimeConstant, ...]
    metadata: dict[str, Any]


@dataclass(frozen=True)
class GraphDescription:
    """A graph.

    Args:
        dt: length of a step in seconds; None where neither the graph nor the caller gives it.
        standard: whether all nodes are plain NIR.
        nodes: all nodes, in the order in which data reach them.
        edges: (source, target) of all edges, with names as in `nodes`.
        metadata: of the graph; JSON-able.
    """

    dt: float | None
    standard: bool
    nodes: tuple[NodeDescription, ...]
    edges: tuple[tuple[str, str], ...]
    metadata: dict[str, Any]

    @property
    def parameters(self) -> int:
        """Count of the weights, biases and gains of all nodes."""
        return sum(node.parameters for node in self.nodes)

    @property
    def constants(self) -> int:
        """Count of all other numbers of the nodes, most of them of neurons."""
        return sum(node.constants for node in self.nodes)

    def to_dict(self) -> dict[str, Any]:
        """The description as plain dicts, lists, text and numbers, ready for JSON."""
        return {**asdict(self), "parameters": self.parameters, "constants": self.constants}


def extent(shape: Sequence[int]) -> str:
    """A shape as it is shown: 2×34×34."""
    return "×".join(str(size) for size in shape)


def in_seconds(items: Sequence[TimeConstant]) -> str:
    """Time constants as they are shown: `tau_syn 8 ms, tau_mem 20 ms`."""
    return ", ".join(f"{item.field} {_span(*item.seconds, _duration)}" for item in items)


def in_steps(items: Sequence[TimeConstant]) -> str:
    """The same in steps, `tau_syn 8, tau_mem 20 steps`; in seconds where dt is not known."""
    if not items or any(item.steps is None for item in items):
        return in_seconds(items)
    spans = [(item.field, _span(*item.steps, "{:.4g}".format)) for item in items if item.steps]
    return ", ".join(f"{field} {span}" for field, span in spans) + " steps"


def _span(low: float, high: float, shown: Callable[[float], str]) -> str:
    return shown(low) if shown(low) == shown(high) else f"{shown(low)}…{shown(high)}"


def _duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if abs(seconds) >= size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds:.4g} s"


def describe(graph: nir.NIRGraph, dt: float | None = None) -> GraphDescription:
    """Describe a graph.

    Args:
        graph: the graph; it is not changed.
        dt: length of a step in seconds; the graph's own where not given. Needed only for time
            constants in steps.

    Raises:
        GraphError: structure, shapes or numbers of the graph are wrong, or dt is not positive.
    """
    given = dt is not None or "dt" in graph.metadata
    step = graph_dt(graph, dt) if given else None
    nodes, edges = _contents(graph, step, prefix="")
    return GraphDescription(
        dt=step,
        standard=all(node.standard for node in nodes),
        nodes=tuple(nodes),
        edges=tuple(edges),
        metadata=_plain(graph.metadata),
    )


def _contents(
    graph: nir.NIRGraph, dt: float | None, prefix: str
) -> tuple[list[NodeDescription], list[tuple[str, str]]]:
    nodes: list[NodeDescription] = []
    edges = [(f"{prefix}{source}", f"{prefix}{target}") for source, target in graph.edges]
    shapes = validate(graph)
    for name in flow_order(graph.nodes, graph.edges):
        taken, given = shapes[name]
        node = graph.nodes[name]
        kind = type(node).__name__
        node_type = NODE_TYPES.get(kind)
        sizes = {
            field: int(np.size(getattr(node, field)))
            for field in (node_type.parameters if node_type else ())
        }
        trained = sum(size for field, size in sizes.items() if field in TRAINED)
        nodes.append(
            NodeDescription(
                name=f"{prefix}{name}",
                type=kind,
                standard=not (node_type and node_type.is_dialect),
                input_shape=taken,
                output_shape=given,
                parameters=trained,
                constants=sum(sizes.values()) - trained,
                time_constants=tuple(
                    _time_constant(field, tau, dt) for field, tau in time_constants(node).items()
                ),
                metadata=_plain(node.metadata),
            )
        )
        if isinstance(node, nir.NIRGraph):
            inner_nodes, inner_edges = _contents(node, dt, f"{prefix}{name}/")
            nodes += inner_nodes
            edges += inner_edges
    return nodes, edges


def _time_constant(field: str, tau: Any, dt: float | None) -> TimeConstant:
    low, high = float(tau.min()), float(tau.max())
    return TimeConstant(field, (low, high), None if dt is None else (low / dt, high / dt))


def _plain(value: Any) -> Any:
    """Metadata as text, numbers, flags, lists and dicts."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
