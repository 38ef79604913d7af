"""Which shape goes into and comes out of every node of a graph.

Shapes are those of one sample: [features] or [channels, height, width], without batch and time.
"""

from __future__ import annotations

import math
from typing import Any

import nir
import numpy as np

from eideploy.errors import GraphError
from eideploy.graph.codec import Shape
from eideploy.graph.context import within
from eideploy.graph.dialect import EIConv2d, EILinear
from eideploy.graph.schema import NODE_TYPES


def infer(graph: nir.NIRGraph) -> dict[str, tuple[Shape, Shape]]:
    """Input and output shape of every node, those inside nested graphs not included.

    Args:
        graph: one whose edges join existing nodes; it is not changed.

    Raises:
        GraphError: two shapes that should be equal differ, or a shape follows from nothing.
    """
    known: dict[str, tuple[Shape | None, Shape | None]] = {}
    for name, node in graph.nodes.items():
        with within(f"node {name!r}"):
            known[name] = declared(node)
    changed = True
    while changed:
        changed = False
        for source, target in graph.edges:
            given, (taken, _) = known[source][1], known[target]
            if given is not None and taken is None:
                with within(f"node {target!r}"):
                    known[target] = (given, output_shape(graph.nodes[target], given))
                changed = True
    shapes: dict[str, tuple[Shape, Shape]] = {}
    for name, (taken, given) in known.items():
        if taken is None or given is None:
            raise GraphError(
                f"node {name!r} ({type(graph.nodes[name]).__name__}): its shape is not given "
                "and does not follow from the graph",
                "Connect it to an Input, or give its input shape.",
            )
        shapes[name] = (taken, given)
    for source, target in graph.edges:
        given, taken = shapes[source][1], shapes[target][0]
        if given != taken:
            flat = len(taken) == 1 and math.prod(given) == taken[0]
            raise GraphError(
                f"edge {source!r} → {target!r}: {source!r} "
                f"({type(graph.nodes[source]).__name__}) gives shape {list(given)}, "
                f"{target!r} ({type(graph.nodes[target]).__name__}) takes {list(taken)}",
                "Put a nir.Flatten between them."
                if flat and len(given) > 1
                else "Make the two shapes equal where the graph was written.",
            )
    return shapes


def apply(graph: nir.NIRGraph, shapes: dict[str, tuple[Shape, Shape]]) -> None:
    """Write inferred shapes into the nodes, as `nir.NIRGraph.infer_types` would."""
    for name, (taken, given) in shapes.items():
        node = graph.nodes[name]
        if isinstance(node, nir.NIRGraph):
            continue
        if isinstance(node, nir.Conv1d) and node.input_shape is None:
            node.input_shape = taken[1]
        if isinstance(node, nir.Conv2d) and node.input_shape is None:
            node.input_shape = taken[1:]
        node.input_type = {"input": np.array(taken, dtype=int)}
        node.output_type = {"output": np.array(given, dtype=int)}


def output_shape(node: nir.NIRNode, taken: Shape) -> Shape:
    """Shape of what `node` gives out for an input of shape `taken`.

    Raises:
        GraphError: the node does not take this rank of input, or nothing would be left of it.
    """
    kind = type(node).__name__
    if isinstance(node, (nir.Linear, nir.Affine)):
        return (*node.weight.shape[:-2], node.weight.shape[-2])
    if isinstance(node, nir.Flatten):
        return _flattened(node, taken)
    if isinstance(node, (nir.Conv1d, nir.Conv2d)):
        window = node.weight.shape[2:]
        channels, padding, dilation = node.weight.shape[0], node.padding, node.dilation
    elif isinstance(node, (nir.SumPool2d, nir.AvgPool2d)):
        window = _axes(node.kernel_size, 2)
        channels, padding, dilation = taken[0] if taken else 0, node.padding, 1
    else:
        return taken
    if len(taken) != 1 + len(window):
        raise GraphError(
            f"{kind}: takes [channels, {len(window)} axes of space], got shape {list(taken)}"
        )
    if isinstance(padding, str) and padding == "same":
        return (channels, *taken[1:])
    size = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, p, d, k, s in zip(
            taken[1:],
            _axes(0 if isinstance(padding, str) else padding, len(window)),
            _axes(dilation, len(window)),
            window,
            _axes(node.stride, len(window)),
            strict=True,
        )
    )
    if min(size) < 1:
        raise GraphError(
            f"{kind}: the window {list(window)} is larger than the input {list(taken[1:])}"
        )
    return (channels, *size)


def declared(node: nir.NIRNode) -> tuple[Shape | None, Shape | None]:
    """What the node itself says about its shapes."""
    if isinstance(node, nir.NIRGraph):
        return _port(node.input_type, "Input"), _port(node.output_type, "Output")
    if isinstance(node, nir.Input):
        shape = _shape(node.input_type["input"])
        return shape, shape
    if isinstance(node, nir.Output):
        shape = _shape(node.output_type["output"])
        return shape, shape
    taken: Shape | None
    if isinstance(node, (EILinear, EIConv2d)):
        return _shape(node.input_type["input"]), _shape(node.output_type["output"])
    if isinstance(node, (nir.Linear, nir.Affine)):
        taken = (*node.weight.shape[:-2], node.weight.shape[-1])
    elif isinstance(node, (nir.Conv1d, nir.Conv2d)):
        if node.input_shape is None:
            return None, None
        channels = node.weight.shape[1] * int(node.groups)
        taken = (channels, *_axes(node.input_shape, node.weight.ndim - 2))
    elif isinstance(node, nir.Flatten):
        taken = _shape(node.input_type["input"])
    elif isinstance(node, (nir.SumPool2d, nir.AvgPool2d)):
        taken = None
    else:
        node_type = NODE_TYPES[type(node).__name__]
        taken = getattr(node, node_type.parameters[0]).shape
    return taken, None if taken is None else output_shape(node, taken)


def _port(types: dict[str, Any] | None, what: str) -> Shape:
    """Shape of the one port of a nested graph."""
    ports = types or {}
    if len(ports) != 1:
        raise GraphError(
            f"a nested graph has {len(ports)} {what} nodes, expected 1",
            "An edge cannot say which of them it means; split the graph.",
        )
    shape = _shape(next(iter(ports.values())))
    if shape is None:
        raise GraphError(f"a nested graph's {what} has no shape")
    return shape


def _flattened(node: nir.Flatten, taken: Shape) -> Shape:
    rank = len(taken)
    first, last = (dim + rank if dim < 0 else dim for dim in (node.start_dim, node.end_dim))
    if not 0 <= first <= last < rank:
        raise GraphError(
            f"Flatten: start_dim {node.start_dim} and end_dim {node.end_dim} do not fit "
            f"shape {list(taken)}",
            "They count the axes of one sample, without the batch.",
        )
    return (*taken[:first], math.prod(taken[first : last + 1]), *taken[last + 1 :])


def _axes(value: Any, rank: int) -> tuple[int, ...]:
    """One integer or one per axis, as one per axis."""
    return tuple(int(v) for v in np.broadcast_to(np.asarray(value), (rank,)))


def _shape(value: Any) -> Shape | None:
    return None if value is None else tuple(int(v) for v in np.atleast_1d(np.asarray(value)))
