"""A NIR graph as a document of plain numbers, exactly: what the oracle takes.

The form of the document is described in `eideploy.conform.oracle.graphs`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import nir
import numpy as np

from eideploy.conform.oracle.graphs import NodeRecording
from eideploy.conform.plain import require_exact
from eideploy.graph import graph_dt
from eideploy.graph.check import validate
from eideploy.graph.schema import Field, Kind, node_type
from eideploy.program import Array, Recording, Stimulus, Trace

AXES = {"Conv1d": 1, "Conv2d": 2, "SumPool2d": 2, "AvgPool2d": 2, "EIConv2d": 2}
"""Axes of space by node type: a number given once stands for all of them."""


def plain_graph(graph: nir.NIRGraph, dt: float | None = None) -> dict[str, Any]:
    """The document of a graph.

    Args:
        graph: it may be nested.
        dt: length of a step in seconds; the graph's own where not given.

    Raises:
        GraphError: the graph cannot run, or has time constants and no dt.
    """
    seconds = graph_dt(graph, dt)
    return {"dt": None if seconds is None else Fraction(seconds)} | _nodes_and_edges(graph)


def plain_values(stimulus: Stimulus) -> dict[str, list[list[list[Fraction]]]]:
    """What is shown to each input, as [sample][step][neuron]."""
    return {
        name: [[_numbers(step) for step in sample] for sample in values]
        for name, values in stimulus.values.items()
    }


def graph_trace(recordings: dict[str, NodeRecording]) -> Trace:
    """What the oracle says of the nodes of a graph, in the arrays that executors give.

    Spikes become uint8, all else float64.

    Raises:
        InputError: float64 does not hold a number exactly.
    """
    return Trace({name: Recording(_array(name, r)) for name, r in recordings.items()})


def _array(name: str, recording: NodeRecording) -> Array:
    numbers = recording["output"]
    require_exact(f"the output of node {name!r}", numbers)
    values = np.array(numbers, np.uint8 if recording["spiking"] else np.float64)
    return values.reshape(*values.shape[:2], *recording["shape"])


def _nodes_and_edges(graph: nir.NIRGraph) -> dict[str, Any]:
    shapes = validate(graph)
    nodes = {
        name: {"takes": list(shapes[name][0])} | _plain(node) for name, node in graph.nodes.items()
    }
    return {"nodes": nodes, "edges": [(source, target) for source, target in graph.edges]}


def _plain(node: nir.NIRNode) -> dict[str, Any]:
    if isinstance(node, nir.NIRGraph):
        return {"type": "NIRGraph"} | _nodes_and_edges(node)
    found = node_type(node)
    fields = {
        field.name: _field(getattr(node, field.name), field, AXES.get(found.name, 0))
        for field in found.fields
        if not field.port and field.name != "input_shape"
    }
    if found.is_neuron:
        fields = {name: _numbers(getattr(node, name)) for name in fields}
    return {"type": found.name} | fields


def _field(value: Any, field: Field, axes: int) -> Any:
    if field.kind is Kind.PARAMETER:
        return _exact(np.asarray(value).tolist())
    if isinstance(value, str):
        return value
    if field.kind is Kind.FLAG:
        return bool(value)
    if axes and field.kind in (Kind.INTEGERS, Kind.PADDING, Kind.WINDOW):
        return [int(v) for v in np.broadcast_to(np.asarray(value), (axes,))]
    return int(value)


def _numbers(values: Array) -> list[Fraction]:
    return [Fraction(value) for value in np.ravel(values).tolist()]


def _exact(values: Any) -> Any:
    """Nested lists of floats as nested lists of fractions."""
    return [_exact(v) for v in values] if isinstance(values, list) else Fraction(values)
