"""Known defects of files in circulation that have only one sensible reading.

Each repair changes stored fields before nodes are made from them, and says so. What has more than
one reading is not repaired but refused by the reader.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eideploy.errors import EideployWarning
from eideploy.graph.hdf5 import Stored, Tree
from eideploy.graph.schema import NODE_TYPES

Edge = tuple[str, str]


class GraphWarning(EideployWarning):
    """A graph was repaired when it was read, or is written in a form few tools understand."""


def repair(nodes: dict[str, Tree], edges: list[Edge]) -> list[str]:
    """Repair the stored nodes of one graph in place (nested graphs not included).

    Args:
        nodes: fields of each node by its name.
        edges: the connections between them.

    Returns:
        One sentence for each repair, naming the node.
    """
    known = {name: node for name, node in nodes.items() if str(node.get("type")) in NODE_TYPES}
    return [*_drop_batch_axis(known, edges), *_spread_bias(known), *_spread_parameters(known)]


def _drop_batch_axis(nodes: dict[str, Tree], edges: list[Edge]) -> Iterator[str]:
    """Shapes with a batch axis of 1 in front, as Sinabs once wrote them.

    A 2-D convolution takes [channels, height, width]. Where the Input in front of one has a fourth
    axis, of size 1, every shape of the graph that starts with 1 loses that axis, and Flatten, which
    then counted the batch as axis 0, counts one less.
    """
    batched = [
        source
        for source, target in edges
        if nodes.get(source, {}).get("type") == "Input"
        and nodes.get(target, {}).get("type") == "Conv2d"
        and _starts_with_one(nodes[source].get("shape"), size=4)
    ]
    if not batched:
        return
    for node in nodes.values():
        shape, start = node.get("shape"), node.get("start_dim")
        if isinstance(shape, np.ndarray) and _starts_with_one(shape):
            node["shape"] = shape[1:]
        if isinstance(start, np.ndarray) and start > 0:
            node["start_dim"] = np.asarray(start - 1)
            node.pop("input_type", None)  # it counts the batch too, and follows from the graph
        node_type = NODE_TYPES[str(node["type"])]
        for field in node_type.parameters if node_type.is_neuron else ():
            values = node.get(field)
            if isinstance(values, np.ndarray) and values.ndim > 1 and values.shape[0] == 1:
                node[field] = values[0]
    yield f"node {batched[0]!r}: has a batch axis of 1; dropped it from every shape of the graph"


def _spread_bias(nodes: dict[str, Tree]) -> Iterator[str]:
    """One bias, or `False` for none, where there should be one for each output."""
    for name, node in nodes.items():
        bias, weight = node.get("bias"), node.get("weight")
        if not isinstance(bias, np.ndarray) or not isinstance(weight, np.ndarray):
            continue
        shape = weight.shape[:1] if node["type"] != "Affine" else weight.shape[:-1]
        if bias.size == 1 and bias.shape != shape:
            none = bias.dtype.kind == "b" and not bias.any()
            node["bias"] = np.full(shape, bias.item(), weight.dtype if none else bias.dtype)
            value = float(bias.item())
            yield f"node {name!r}: spread the single bias {value:g} over shape {list(shape)}"


def _spread_parameters(nodes: dict[str, Tree]) -> Iterator[str]:
    """Neurons of which some parameters have a single value and others one for each neuron."""
    for name, node in nodes.items():
        node_type = NODE_TYPES[str(node["type"])]
        if not node_type.is_neuron:
            continue
        fields = {field: node.get(field) for field in node_type.parameters}
        arrays = {field: a for field, a in fields.items() if isinstance(a, np.ndarray)}
        if not arrays:
            continue
        shape = max((a.shape for a in arrays.values()), key=lambda s: (np.prod(s), len(s)))
        single = {field: a for field, a in arrays.items() if a.size == 1 and a.shape != shape}
        for field, array in single.items():
            node[field] = np.full(shape, array.item(), array.dtype)
        if single:
            yield f"node {name!r}: spread the single {', '.join(single)} over shape {list(shape)}"


def _starts_with_one(shape: Stored | None, size: int | None = None) -> bool:
    return (
        isinstance(shape, np.ndarray)
        and shape.size > 1
        and shape.flat[0] == 1
        and (size is None or shape.size == size)
    )
