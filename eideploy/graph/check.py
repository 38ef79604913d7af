"""Does a graph make sense? Structure, shapes and numbers first, then plausibility.

`validate` raises on what cannot run; `check` adds findings on what can but looks like a mistake.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Set
from dataclasses import dataclass

import nir
import numpy as np

from eideploy.errors import GraphError
from eideploy.graph.codec import Shape, check_name, convert, stored
from eideploy.graph.context import within
from eideploy.graph.dialect import DIALECT
from eideploy.graph.numbers import Array, check_finite
from eideploy.graph.schema import NODE_TYPES, Kind, NodeType, node_type
from eideploy.graph.shapes import infer

LONGEST_TAU = 1000
"""Time constants of more steps than this are probably given in another unit than seconds."""


@dataclass(frozen=True)
class Finding:
    """Something about a node that is allowed but looks like a mistake.

    Args:
        node: its name; nested ones as "graph/node".
        message: what was found, with the numbers.
    """

    node: str
    message: str

    def __str__(self) -> str:
        return f"node {self.node!r}: {self.message}"


def check(graph: nir.NIRGraph, dt: float | None = None) -> tuple[Finding, ...]:
    """Check a graph that is to run.

    Args:
        graph: the graph.
        dt: length of a step in seconds; the graph's own where not given.

    Returns:
        What looks like a mistake, though it can run.

    Raises:
        GraphError: the graph cannot run: its structure, shapes or numbers are wrong, a time
            constant is not positive, or there are time constants and no dt.
    """
    validate(graph)
    step = graph_dt(graph, dt)
    return (
        *_time_constants(graph, step),
        *_delays(graph, step),
        *_potentials(graph),
        *_unconnected(graph),
    )


def graph_dt(graph: nir.NIRGraph, dt: float | None = None) -> float | None:
    """Length of a step in seconds: the argument, else the graph's metadata `dt`.

    Returns:
        None if neither gives one and no node of the graph has a time constant.

    Raises:
        GraphError: dt is no positive number, or it is needed and not given.
    """
    value = graph.metadata.get("dt") if dt is None else dt
    if value is not None:
        number = np.asarray(value)
        if number.shape or number.dtype.kind not in "fiu" or not 0 < number.item() < math.inf:
            raise GraphError(
                f"dt is {value!r}, expected a positive number of seconds",
                "Give the length of a step in seconds with --dt, for example --dt 1e-3.",
            )
        return float(number)
    timed = [name for name, node in leaves(graph) if _has_time(node)]
    if timed:
        raise GraphError(
            f"the graph has time constants (node {timed[0]!r}) but does not say how long a step is",
            "Give it in seconds with --dt, for example --dt 1e-3, or as the metadata 'dt'.",
        )
    return None


def validate(graph: nir.NIRGraph) -> dict[str, tuple[Shape, Shape]]:
    """Check structure, numbers and shapes of a graph and of those nested in it.

    Returns:
        Input and output shape of every node of the outer graph.

    Raises:
        GraphError: naming the node or edge.
    """
    _check_nodes(graph)
    _check_edges(graph)
    return infer(graph)


def leaves(graph: nir.NIRGraph, prefix: str = "") -> Iterator[tuple[str, nir.NIRNode]]:
    """Every node that is not a graph, also in nested graphs, named "graph/node"."""
    for name, node in graph.nodes.items():
        if isinstance(node, nir.NIRGraph):
            yield from leaves(node, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", node


def time_constants(node: nir.NIRNode) -> dict[str, Array]:
    """The time constants of a node in seconds, by field."""
    kind = NODE_TYPES.get(type(node).__name__)
    fields = kind.time_constants if kind else ()
    return {field: np.asarray(getattr(node, field)) for field in fields}


def _has_time(node: nir.NIRNode) -> bool:
    return bool(time_constants(node)) or isinstance(node, nir.Delay)


def _check_nodes(graph: nir.NIRGraph) -> None:
    for cls, kind in ((nir.Input, "Input"), (nir.Output, "Output")):
        if not any(isinstance(node, cls) for node in graph.nodes.values()):
            raise GraphError(
                f"has no {kind} node among its {len(graph.nodes)} nodes",
                f"Add a nir.{kind} with the shape of the {kind.lower()}.",
            )
    for name, node in graph.nodes.items():
        check_name(name, "node name")
        with within(f"node {name!r}"):
            if isinstance(node, nir.NIRGraph):
                validate(node)
                continue
            _check_fields(node, node_type(node))
            if isinstance(node, DIALECT):
                node.validate()
            _check_layer(node)


def _check_fields(node: nir.NIRNode, kind: NodeType) -> None:
    """Each field by itself: of its kind, and finite."""
    for field in kind.fields:
        value = stored(node, field)
        if value is None:
            if field.required:
                raise GraphError(f"{kind.name}: field {field.name} is missing")
            continue
        convert(kind.name, field, value)
        if isinstance(value, np.ndarray) and field.kind is Kind.PARAMETER:
            if not value.size:
                raise GraphError(f"{kind.name}: {field.name} has shape {value.shape}, no numbers")
            check_finite(kind.name, field.name, value)


def _check_layer(node: nir.NIRNode) -> None:
    """Weight, bias and groups of the standard layers, which nir does not compare."""
    kind = type(node).__name__
    if isinstance(node, (nir.Conv1d, nir.Conv2d)):
        shape = node.weight.shape
        rank = 3 if isinstance(node, nir.Conv1d) else 4
        if len(shape) != rank:
            raise GraphError(f"{kind}: weight has shape {shape}, expected {rank} axes")
        if shape[0] % int(node.groups):
            raise GraphError(
                f"{kind}: groups is {node.groups}, expected a divisor of the "
                f"{shape[0]} output channels"
            )
        if (
            isinstance(node.padding, str)
            and node.padding == "same"
            and np.any(np.asarray(node.stride) != 1)
        ):
            raise GraphError(
                f"{kind}: padding is 'same', which keeps the size, but stride is {node.stride}",
                "Give the padding in numbers.",
            )
    if isinstance(node, (nir.Affine, nir.Conv1d, nir.Conv2d)):
        shape = node.weight.shape
        expected = shape[:-1] if isinstance(node, nir.Affine) else shape[:1]
        if np.shape(node.bias) != expected:
            raise GraphError(
                f"{kind}: bias has shape {np.shape(node.bias)}, expected {expected} "
                f"(weight {shape})"
            )


def _check_edges(graph: nir.NIRGraph) -> None:
    seen: set[tuple[str, str]] = set()
    for source, target in graph.edges:
        where = f"edge {source!r} → {target!r}"
        for end in (source, target):
            if end not in graph.nodes:
                raise GraphError(
                    f"{where}: there is no node {end!r}", f"There are: {_listed(graph.nodes)}."
                )
        if (source, target) in seen:
            raise GraphError(
                f"{where}: is there twice", "Remove one, or double the weights if both are meant."
            )
        if isinstance(graph.nodes[source], nir.Output):
            raise GraphError(f"{where}: leaves an Output node")
        if isinstance(graph.nodes[target], nir.Input):
            raise GraphError(f"{where}: enters an Input node")
        seen.add((source, target))


def _listed(names: dict[str, nir.NIRNode]) -> str:
    shown = [repr(name) for name in list(names)[:12]]
    return ", ".join(shown) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def _time_constants(graph: nir.NIRGraph, dt: float | None) -> Iterator[Finding]:
    for name, node in leaves(graph):
        for field, tau in time_constants(node).items():
            if (tau <= 0).any():
                raise GraphError(
                    f"node {name!r}: {field} is {tau.min():g} s in {int((tau <= 0).sum())} of "
                    f"{tau.size} neurons, expected > 0",
                    "Time constants are positive numbers of seconds.",
                )
            if dt is not None and tau.size and tau.min() < dt:
                yield Finding(
                    name, f"{field} is {tau.min():g} s, shorter than a step of {dt:g} s; it rings"
                )
            if dt is not None and tau.size and tau.max() > LONGEST_TAU * dt:
                yield Finding(
                    name,
                    f"{field} is {tau.max():g} s, {tau.max() / dt:g} steps of {dt:g} s; "
                    "is it given in ms instead of s?",
                )


def _delays(graph: nir.NIRGraph, dt: float | None) -> Iterator[Finding]:
    for name, node in leaves(graph):
        if isinstance(node, nir.Delay) and np.any(node.delay < 0):
            raise GraphError(
                f"node {name!r}: delay is {np.min(node.delay):g} s, expected ≥ 0",
                "What comes out of a node cannot be there before it goes in.",
            )
    yield from rounded_delays(graph, dt)


def rounded_delays(graph: nir.NIRGraph, dt: float | None) -> Iterator[Finding]:
    """A finding for every Delay that is not a whole number of steps of `dt` seconds."""
    for name, node in leaves(graph):
        if isinstance(node, nir.Delay) and dt is not None:
            steps = np.asarray(node.delay, dtype=np.float64) / dt
            # A delay in float32 may be a hair off.
            parts = np.abs(steps - np.rint(steps)) > 1e-4 * np.maximum(1, steps)
            if np.any(parts):
                first = float(steps[parts].flat[0])
                yield Finding(
                    name,
                    f"a delay of {first * dt:g} s is {first:g} steps of {dt:g} s, "
                    f"it will be taken for {np.rint(first):g}",
                )


def _potentials(graph: nir.NIRGraph) -> Iterator[Finding]:
    for name, node in leaves(graph):
        threshold = getattr(node, "v_threshold", None)
        for field in ("v_leak", "v_reset"):
            value = getattr(node, field, None)
            if threshold is None or value is None:
                continue
            above = np.count_nonzero(np.asarray(value) > np.asarray(threshold))
            if above:
                yield Finding(
                    name,
                    f"{field} is above v_threshold in {above} neurons; they fire on their own",
                )


def _unconnected(graph: nir.NIRGraph) -> Iterator[Finding]:
    inputs = {name for name, node in graph.nodes.items() if isinstance(node, nir.Input)}
    outputs = {name for name, node in graph.nodes.items() if isinstance(node, nir.Output)}
    reached = _reachable(inputs, list(graph.edges))
    useful = _reachable(outputs, [(target, source) for source, target in graph.edges])
    for name in graph.nodes:
        if name not in reached:
            yield Finding(name, "no path leads from an Input to it")
        if name not in useful:
            yield Finding(name, "no path leads from it to an Output")


def _reachable(start: Set[str], edges: list[tuple[str, str]]) -> set[str]:
    reached, frontier = set(start), set(start)
    while frontier:
        frontier = {target for source, target in edges if source in frontier} - reached
        reached |= frontier
    return reached
