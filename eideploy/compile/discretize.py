"""Passes `check` and `discretize`: a sound graph with a known time step."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar

import nir

from eideploy.graph import GraphWarning, check, graph_dt
from eideploy.graph.check import rounded_delays


@dataclass(frozen=True)
class Check:
    """Refuse a graph whose shapes, numbers or units make no sense.

    Args:
        dt: step in seconds, where the graph does not say it.
    """

    dt: float | None = None

    name: ClassVar[str] = "check"
    requires: ClassVar[frozenset[str]] = frozenset({"flat"})
    ensures: ClassVar[frozenset[str]] = frozenset({"checked"})

    def __call__(self, graph: nir.NIRGraph) -> nir.NIRGraph:
        """Graph → the same graph; raises `GraphError` with node and reason."""
        check(graph, self.dt)
        return graph


@dataclass(frozen=True)
class Discretize:
    """Settle the length of a step: from the graph's metadata, or `dt` if it is given.

    Args:
        dt: step in seconds; overrides the metadata.
    """

    dt: float | None = None

    name: ClassVar[str] = "discretize"
    requires: ClassVar[frozenset[str]] = frozenset({"checked"})
    ensures: ClassVar[frozenset[str]] = frozenset({"dt"})

    def __call__(self, graph: nir.NIRGraph) -> nir.NIRGraph:
        """Graph → Graph with `dt` in its metadata, unless no node has a time constant.

        Warns:
            GraphWarning: a delay is not a whole number of steps; it will be rounded to one.
        """
        dt = graph_dt(graph, self.dt)
        for finding in rounded_delays(graph, dt):
            warnings.warn(str(finding), GraphWarning, stacklevel=2)
        metadata = dict(graph.metadata)
        if dt is not None:
            metadata["dt"] = dt
        return nir.NIRGraph(graph.nodes, graph.edges, metadata=metadata, type_check=False)
