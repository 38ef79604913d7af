"""NIR files: standard nodes and the E-I dialect in the HDF5 layout of the `nir` package."""

from __future__ import annotations

import os
import warnings

import nir
import numpy as np

from eideploy.errors import GraphError
from eideploy.graph import hdf5
from eideploy.graph.check import validate
from eideploy.graph.codec import decode, decode_metadata, encode, encode_metadata, type_name
from eideploy.graph.context import within
from eideploy.graph.hdf5 import Strings, Tree
from eideploy.graph.repair import Edge, GraphWarning, repair
from eideploy.graph.shapes import apply
from eideploy.graph.spread import spread


def read(path: str | os.PathLike[str]) -> nir.NIRGraph:
    """Read a graph and check its structure, shapes and numbers.

    Arrays come back bit for bit and in their dtype, nodes in the order in which they were written,
    metadata of every node and of the graph included. In metadata, scalars come back as Python
    numbers where that loses nothing, and lists of numbers as arrays.

    Args:
        path: a .nir file, of eideploy or of another tool.

    Warns:
        GraphWarning: a known defect of such files was repaired; says which and where.

    Raises:
        GraphError: the file is unreadable, or the graph does not make sense; names the file, the
            node or edge, and the reason.
    """
    notes: list[str] = []
    with within(str(path)):
        graph = _decode_graph(hdf5.load(path), notes)
    for note in notes:
        warnings.warn(f"{path}: {note}", GraphWarning, stacklevel=2)
    return graph


def write(path: str | os.PathLike[str], graph: nir.NIRGraph) -> None:
    """Write a graph, atomically; one with standard nodes only is read by any NIR tool.

    The order of nodes is kept. Equal graphs give equal bytes.

    Args:
        path: where to.
        graph: what `read` is to return; it is checked and not changed.

    Raises:
        GraphError: the graph does not make sense, or its metadata cannot be stored.
        OutputError: the file cannot be written; what was there before is untouched.
    """
    with within(str(path)):
        tree = _encode_graph(graph)
    hdf5.save(path, tree)


def _decode_graph(tree: Tree, notes: list[str], prefix: str = "") -> nir.NIRGraph:
    kind = type_name(tree)
    if kind != "NIRGraph":
        raise GraphError(
            f"holds a single {kind} node, expected a NIRGraph",
            "Put the node between an Input and an Output, for example with nir.NIRGraph.from_list.",
        )
    edges, stored = _decode_edges(tree), _stored_nodes(tree)
    unknown = tree.keys() - {"type", "nodes", "edges", "metadata"}
    if unknown:
        raise GraphError(f"NIRGraph: unknown field {', '.join(sorted(unknown))}")
    repairs = repair(stored, edges)
    nodes = {}
    for name, node in stored.items():
        with within(f"node {name!r}"):
            if node.get("type") == "NIRGraph":
                nodes[name] = _decode_graph(node, notes, f"{prefix}{name}/")
            else:
                nodes[name] = decode(node)
    repairs += spread(nodes, edges)
    # nir's own check would quietly add Input and Output nodes where there are none.
    graph = nir.NIRGraph(nodes, edges, metadata=decode_metadata(tree), type_check=False)
    shapes = validate(graph)
    apply(graph, shapes)
    for name, node in nodes.items():
        if isinstance(node, (nir.Conv1d, nir.Conv2d)) and "input_shape" not in stored[name]:
            repairs.append(
                f"node {name!r}: has no input_shape; took {node.input_shape} from its input"
            )
    notes.extend(f"in {prefix[:-1]!r}: {note}" if prefix else note for note in repairs)
    return graph


def _decode_edges(tree: Tree) -> list[Edge]:
    stored = tree.get("edges")
    if stored is None:
        raise GraphError("NIRGraph: field edges is missing")
    if isinstance(stored, np.ndarray) and not stored.size:
        return []
    edges: list[Edge] = []
    for edge in stored if isinstance(stored, list) else [stored]:
        if not isinstance(edge, list) or len(edge) != 2:
            raise GraphError("NIRGraph: field edges is no list of pairs of node names")
        edges.append((str(edge[0]), str(edge[1])))
    return edges


def _stored_nodes(tree: Tree) -> dict[str, Tree]:
    nodes = tree.get("nodes")
    if not isinstance(nodes, dict):
        raise GraphError(
            f"NIRGraph: field nodes is {'missing' if nodes is None else 'no group of nodes'}"
        )
    stored: dict[str, Tree] = {}
    for name, node in nodes.items():
        if not isinstance(node, dict):
            raise GraphError(f"node {name!r}: is a value, expected a group of fields")
        stored[name] = node
    return stored


def _encode_graph(graph: nir.NIRGraph) -> Tree:
    if not isinstance(graph, nir.NIRGraph):
        raise GraphError(f"got a {type(graph).__name__}, expected a nir.NIRGraph")
    shapes = validate(graph)
    nodes: Tree = {}
    for name, node in graph.nodes.items():
        with within(f"node {name!r}"):
            if isinstance(node, nir.NIRGraph):
                nodes[name] = _encode_graph(node)
            else:
                nodes[name] = encode(node, shapes[name][0])
    edges: Strings = [[str(source), str(target)] for source, target in graph.edges]
    return {
        "type": "NIRGraph",
        "nodes": nodes,
        "edges": edges or np.empty((0, 2)),
        **encode_metadata(graph.metadata),
    }
