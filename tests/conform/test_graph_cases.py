"""Cases of graphs leave room for rounding, and tell; circuits in both mappings agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from eideploy.compile import integer_pipeline, run_passes
from eideploy.conform import Case
from eideploy.conform.cases import MODULES
from eideploy.conform.expected import expected
from eideploy.conform.oracle import graphs
from eideploy.conform.oracle.graph_order import inlined
from eideploy.conform.plain_graph import plain_graph, plain_values
from eideploy.errors import UnsupportedError
from eideploy.program import Array, Program
from eideploy.simulate import reference

MODULES_OF_GRAPHS = [name for name in MODULES if name.startswith("graphs_")]

MARGIN = Fraction(1, 64)
"""Least distance from a threshold, in units of it: several times what 8 bits round away."""

MEET = {
    "graph-neurons/lif-test-strict",
    "graph-neurons/if-test-strict",
    "graph-neurons/threshold-without-memory",
}
"""Cases in which a potential meets its threshold: weights that are all alike are not rounded."""

NO_INTEGERS = {"graph-neurons/lif-fires-at-rest"}
"""Cases that have no integer form, which the compiler says."""


DEAF = {
    "graph-neurons/lif-fires-at-rest: weights",
    "graph-neurons/threshold-below-zero: weights",
    "graph-layers/output-without-neurons: w2",
}
"""Weights of silent inputs, of one that cannot matter, and of an Output that is graded."""


@cache
def cases(module: str) -> tuple[Case, ...]:
    return tuple(import_module(f"eideploy.conform.cases.{module}").cases())


def thresholds(node: dict[str, Any]) -> list[Fraction] | None:
    """Of the neurons of a node that spikes."""
    return node.get("v_threshold") or node.get("threshold")


@cache
def potentials(case: Case) -> list[tuple[str, list[Fraction], list[list[Fraction]]]]:
    """Of each node that spikes its name, its thresholds and its potentials in every step."""
    found = []
    document = plain_graph(case.network, case.options.dt)
    recordings = graphs.run(document, plain_values(case.stimulus))
    for name, node in inlined(document)["nodes"].items():
        levels = thresholds(node)
        if levels is not None:
            steps = [step for sample in recordings[name]["state"]["v"] for step in sample]
            found.append((name, levels, steps))
    return found


@pytest.mark.parametrize("module", MODULES_OF_GRAPHS)
def test_no_potential_comes_near_its_threshold(module: str) -> None:
    near = {
        f"{case.name}: {name}"
        for case in cases(module)
        for name, levels, steps in potentials(case)
        for step in steps
        for v, level in zip(step, levels, strict=True)
        if abs(v - level) < MARGIN * max(1, abs(level))
    }
    assert {where.split(":")[0] for where in near} <= MEET, near


def test_some_cases_meet_their_threshold_exactly() -> None:
    found = {
        case.name
        for case in cases("graphs_neurons")
        for _, levels, steps in potentials(case)
        if any(v == level for step in steps for v, level in zip(step, levels, strict=True))
    }
    assert found == MEET


@pytest.mark.parametrize("module", MODULES_OF_GRAPHS)
def test_every_node_that_spikes_is_seen_to_spike_and_not_to(module: str) -> None:
    for case in cases(module):
        trace = expected(case)
        spiking = [name for name, _, _ in potentials(case)]
        assert spiking, case.name
        for name in spiking:
            spikes = trace[name].output
            assert 0 < int(spikes.sum()) < spikes.size, f"{case.name}: {name}"


@pytest.mark.parametrize("module", MODULES_OF_GRAPHS)
def test_integers_emit_the_same_spikes(module: str) -> None:
    refused = set()
    for case in cases(module):
        try:
            program = run_passes(integer_pipeline(case.options), case.network)
        except UnsupportedError:
            refused.add(case.name)
            continue
        found, wanted = reference.run(program, case.stimulus), expected(case)
        for name, _, _ in potentials(case):
            assert np.array_equal(found[name].output, wanted[name].output), f"{case.name}: {name}"
    assert refused <= NO_INTEGERS


def every(value: Any, change: Callable[[Fraction], Fraction]) -> Any:
    """A field of which every number is changed."""
    return [every(part, change) for part in value] if isinstance(value, list) else change(value)


CHANGES: tuple[Callable[[Fraction], Fraction], ...] = (
    lambda value: 2 * value or Fraction(1),
    lambda value: 0 * value,
)
WEIGHTS = ("weight", "weight_ee", "weight_ie", "weight_ei")


def unfelt(case: Case) -> Iterator[str]:
    """Nodes of which no spike tells whether their weights are doubled, or there at all."""
    document = inlined(plain_graph(case.network, case.options.dt))
    shown, nodes = plain_values(case.stimulus), document["nodes"]

    def emitted(nodes: dict[str, Any]) -> list[Any]:
        found = graphs.run(document | {"nodes": nodes}, shown)
        return [recording["output"] for recording in found.values() if recording["spiking"]]

    before = emitted(nodes)
    for name, node in nodes.items():
        for field in set(WEIGHTS) & set(node):
            others = [{**nodes, name: node | {field: every(node[field], c)}} for c in CHANGES]
            if before in map(emitted, others[:1]) and before in map(emitted, others[1:]):
                yield name


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES_OF_GRAPHS)
def test_spikes_tell_of_all_weights(module: str) -> None:
    deaf = {f"{case.name}: {name}" for case in cases(module) for name in unfelt(case)}
    assert deaf <= DEAF


def spikes_of(name: str) -> Array:
    (case,) = (case for case in cases("mappings") if case.name == f"mappings/{name}")
    return expected(case)["e"].output


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("dense-fused", "dense-explicit"),
        ("dense-fused", "dense-scaled"),
        ("dense-explicit-dropping-0", "dense-explicit-dropping-2"),
        ("dense-soft-fused", "dense-soft-explicit"),
        ("kernels-fused", "kernels-explicit"),
        ("loop-fused", "loop-explicit"),
    ],
)
def test_mappings_agree_where_nothing_is_rounded(one: str, other: str) -> None:
    assert np.array_equal(spikes_of(one), spikes_of(other))
    assert spikes_of(one).any()


def test_mappings_differ_where_a_relay_rounds() -> None:
    one, other = "explicit-that-rounds", "fused-beside-one-that-rounds"
    assert not np.array_equal(spikes_of(one), spikes_of(other))


@pytest.mark.parametrize("module", ["circuits", "circuits_neurons", "graded", "mappings"])
def test_cases_in_integers_are_programs(module: str) -> None:
    for case in cases(module):
        assert isinstance(case.network, Program)
        assert case.arithmetic == "integer"
