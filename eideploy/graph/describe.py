"""What is in a graph, in a form to print or to store as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import nir
import numpy as np

from eideploy.graph.check import graph_dt, time_constants, validate
from eideploy.graph.codec import Shape
from eideploy.graph.schema import NODE_TYPES


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
        parameters: count of the stored numbers (weights, biases, neuron constants).
        time_constants: ranges of its time constants.
        metadata: of the node; JSON-able.
    """

    name: str
    type: str
    standard: bool
    input_shape: Shape
    output_shape: Shape
    parameters: int
    time_constants: tuple[TimeConstant, ...]
    metadata: dict[str, Any]


@dataclass(frozen=True)
class GraphDescription:
    """A graph.

    Args:
        dt: length of a step in seconds; None where neither the graph nor the caller gives it.
        standard: whether all nodes are plain NIR.
        nodes: all nodes, in the order of the graph.
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
        """Count of the stored numbers of all nodes."""
        return sum(node.parameters for node in self.nodes)

    def to_dict(self) -> dict[str, Any]:
        """The description as plain dicts, lists, text and numbers, ready for JSON."""
        return {**asdict(self), "parameters": self.parameters}


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
    for name, (taken, given) in validate(graph).items():
        node = graph.nodes[name]
        kind = type(node).__name__
        node_type = NODE_TYPES.get(kind)
        fields = node_type.parameters if node_type else ()
        nodes.append(
            NodeDescription(
                name=f"{prefix}{name}",
                type=kind,
                standard=not (node_type and node_type.is_dialect),
                input_shape=taken,
                output_shape=given,
                parameters=sum(int(np.size(getattr(node, field))) for field in fields),
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
