"""Pass `merge`: a convolution and the pool behind it become one convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import nir
import numpy as np

from eideploy.compile.pool import before_pool
from eideploy.compile.synapses import POOL_NODES, linear_operator
from eideploy.graph.shapes import infer
from eideploy.program import Conv2d


@dataclass(frozen=True)
class Merge:
    """Graph → the same graph with no Conv2d right in front of a pool, wherever that is exact.

    pool(W·x + b) = (pool·W)·x + b·Σu for a pool of taps u that does not pad: one convolution, under
    the name of the pool. The pool must be all that the convolution drives, and have no other input.
    """

    name: ClassVar[str] = "merge"
    requires: ClassVar[frozenset[str]] = frozenset({"flat", "checked"})
    ensures: ClassVar[frozenset[str]] = frozenset()

    def __call__(self, graph: nir.NIRGraph) -> nir.NIRGraph:
        """Nothing is raised: what cannot be merged stays."""
        for name, node in graph.nodes.items():
            if isinstance(node, POOL_NODES):
                graph = _merged(graph, name)
        return graph


def _merged(graph: nir.NIRGraph, pool: str) -> nir.NIRGraph:
    before = [source for source, target in graph.edges if target == pool]
    conv = before[0] if before else pool
    driven = [target for source, target in graph.edges if source == conv]
    node = graph.nodes[conv]
    if not isinstance(node, nir.Conv2d) or len(before) != 1 or driven != [pool]:
        return graph
    shapes = infer(graph)
    first, second = (linear_operator(n, graph.nodes[n], shapes[n][0]) for n in (conv, pool))
    assert isinstance(first, Conv2d)
    assert isinstance(second, Conv2d)
    operator = before_pool(first, second)
    if operator is None:
        return graph
    merged = nir.Conv2d(
        shapes[conv][0][1:],
        operator.weight,
        operator.stride,
        operator.padding,
        dilation=1,
        groups=operator.groups,
        bias=np.asarray(node.bias, dtype=np.float64) * second.weight[0].sum(),
    )
    nodes = {name: merged if name == pool else n for name, n in graph.nodes.items() if name != conv}
    edges = [(s, pool if t == conv else t) for s, t in graph.edges if (s, t) != (conv, pool)]
    return nir.NIRGraph(nodes, edges, metadata=dict(graph.metadata), type_check=False)
