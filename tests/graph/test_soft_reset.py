"""Soft reset: the nodes that say it, and graphs that are told to have it."""

from __future__ import annotations

import warnings

import nir
import numpy as np
import pytest

from eideploy import graph
from eideploy.errors import EideployWarning, GraphError

ONE = np.ones(3)


def _nested(neuron: nir.NIRNode) -> nir.NIRGraph:
    inner = nir.NIRGraph.from_list(neuron, type_check=False)
    return nir.NIRGraph.from_list(nir.Linear(np.eye(3)), inner, type_check=False)


def _all(made: nir.NIRGraph) -> list[nir.NIRNode]:
    nodes = made.nodes.values()
    return [n for node in nodes for n in (_all(node) if isinstance(node, nir.NIRGraph) else [node])]


@pytest.mark.parametrize(
    ("neuron", "soft"),
    [
        (nir.IF(2 * ONE, 3 * ONE), graph.SoftResetIF),
        (nir.LIF(0.02 * ONE, 2 * ONE, 0.1 * ONE, 3 * ONE), graph.SoftResetLIF),
        (
            nir.CubaLIF(0.01 * ONE, 0.02 * ONE, 2 * ONE, 0.1 * ONE, 3 * ONE, w_in=4.0),
            graph.SoftResetCubaLIF,
        ),
    ],
)
def test_neurons_that_spike_become_soft_with_all_they_had(neuron, soft, tmp_path):
    neuron.metadata = {"layer": 7}
    plain = _nested(neuron)
    assert graph.reset_kind(plain) == "value"
    changed = graph.subtract_on_reset(plain)
    assert graph.reset_kind(changed) == "subtract"
    assert graph.reset_kind(plain) == "value"
    graph.write(tmp_path / "soft.nir", changed)
    (found,) = (n for n in _all(graph.read(tmp_path / "soft.nir")) if isinstance(n, soft))
    for field in soft.parameters:
        np.testing.assert_array_equal(getattr(found, field), getattr(neuron, field))
    assert found.metadata == {"layer": 7}


def test_both_resets_in_one_graph_are_told():
    hard = nir.LIF(ONE, ONE, ONE, ONE)
    both = nir.NIRGraph.from_list(hard, graph.SoftResetIF(ONE, ONE), type_check=False)
    assert graph.reset_kind(both) == "mixed"
    assert graph.reset_kind(graph.subtract_on_reset(both)) == "subtract"


def test_where_a_graph_says_otherwise_it_is_told():
    with pytest.warns(EideployWarning, match=r"node '.*': its v_reset is not 0"):
        graph.subtract_on_reset(_nested(nir.IF(ONE, ONE, 0.5 * ONE)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        graph.subtract_on_reset(_nested(nir.IF(ONE, ONE, 0 * ONE)))


def test_a_graph_without_spikes_has_no_reset():
    silent = nir.NIRGraph.from_list(nir.LI(ONE, ONE, ONE))
    assert graph.reset_kind(silent) is None
    with pytest.raises(GraphError, match="no node of the graph spikes"):
        graph.subtract_on_reset(silent)


@pytest.mark.parametrize("kind", [graph.SoftResetIF, graph.SoftResetCubaLIF])
def test_shapes_that_differ_are_refused(kind):
    fields = dict.fromkeys(kind.parameters, ONE)
    with pytest.raises(GraphError, match=f"{kind.__name__}: parameters differ in shape"):
        kind(**{**fields, "v_threshold": np.ones(2)})
    with pytest.raises(GraphError, match="v_threshold holds 1 NaN"):
        kind(**{**fields, "v_threshold": np.array([1, np.nan, 1])})
