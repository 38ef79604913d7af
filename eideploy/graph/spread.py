"""Nodes that give one number for all neurons, where what drives them says how many there are.

A tool that keeps one time constant for a layer writes arrays of shape [] or [1], and leaves it to
the reader to spread them. So does one that has a value per channel, [c, 1, 1], or that kept a batch
axis of 1. All of these have one reading once the shape of the input is known.
"""

from __future__ import annotations

from dataclasses import replace

import nir
import numpy as np

from eideploy.graph.codec import Shape
from eideploy.graph.context import within
from eideploy.graph.numbers import Array
from eideploy.graph.schema import NODE_TYPES, NodeType
from eideploy.graph.shapes import declared, output_shape

Edge = tuple[str, str]


def spread(nodes: dict[str, nir.NIRNode], edges: list[Edge]) -> list[str]:
    """Give such nodes the shape of what drives them, in place (nested graphs not included).

    Args:
        nodes: of one graph, by name.
        edges: between them.

    Returns:
        One sentence for each node that was changed.
    """
    ends = [(s, t) for s, t in edges if s in nodes and t in nodes]
    given: dict[str, Shape | None] = {}
    for name, node in nodes.items():
        with within(f"node {name!r}"):
            given[name] = declared(node)[1]
    notes = _scalar_ports(nodes, ends, given)  # Inputs, which drive the rest
    changed = True
    while changed:
        changed = False
        for name, node in nodes.items():
            drivers = {given[s]: s for s, t in ends if t == name and given[s] is not None}
            if len(drivers) != 1:
                continue
            ((shape, driver),) = drivers.items()
            kind, own = NODE_TYPES.get(type(node).__name__), given[name]
            if own is None and shape is not None:
                with within(f"node {name!r}"):
                    given[name] = output_shape(node, shape)
                changed = True
            elif kind and kind.is_neuron and shape and own is not None and _fits(own, shape):
                nodes[name] = _spread(node, kind, own, shape)
                given[name] = shape
                changed = True
                notes.append(
                    f"node {name!r}: spread its parameters of shape {list(own)} over shape "
                    f"{list(shape)}, that of {driver!r}"
                )
    return notes + _scalar_ports(nodes, ends, given)  # Outputs, which the rest drives


def _scalar_ports(
    nodes: dict[str, nir.NIRNode], edges: list[Edge], given: dict[str, Shape | None]
) -> list[str]:
    """Inputs and Outputs of shape [] beside what has shape [1], which is meant."""
    notes = []
    for name, node in list(nodes.items()):
        if given[name] != () or not isinstance(node, (nir.Input, nir.Output)):
            continue
        after = {declared(nodes[t])[0] for s, t in edges if s == name}
        before = {given[s] for s, t in edges if t == name}
        if (1,) in after | before:
            port = "input" if isinstance(node, nir.Input) else "output"
            nodes[name] = type(node)({port: np.array([1])}, metadata=node.metadata)
            given[name] = (1,)
            notes.append(f"node {name!r}: has shape []; took [1], as what it is connected to")
    return notes


def _fits(own: Shape, shape: Shape) -> bool:
    """Whether values of shape `own` can only be meant for a population of another `shape`."""
    if own == shape:
        return False
    if np.prod(own) == 1:
        return True
    extra = max(0, len(own) - len(shape))
    batch, rest = own[:extra], own[extra:]
    return (
        set(batch) <= {1}
        and len(rest) == len(shape)
        and all(a in (1, b) for a, b in zip(rest, shape, strict=True))
    )


def _spread(node: nir.NIRNode, kind: NodeType, own: Shape, shape: Shape) -> nir.NIRNode:
    def over(values: Array) -> Array:
        # A batch axis in front goes; everything else broadcasts.
        kept = values.reshape(own[max(0, len(own) - len(shape)) :])
        return np.array(np.broadcast_to(kept, shape))

    return replace(node, **{field: over(getattr(node, field)) for field in kind.parameters})
