"""Loops: which connection closes one, and how many hardware steps a logical step takes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import nir
import numpy as np
import pytest
from equations import interpret

from eideploy.compile import CompileOptions, float_pipeline, run_passes
from eideploy.compile.align import Align
from eideploy.compile.close import Close
from eideploy.errors import UnsupportedError
from eideploy.graph import EILinear
from eideploy.program import Identity, Population, Program, Projection, Relay, Source, Stimulus
from eideploy.simulate import reference, twin

DT = 1e-3
N = 4


def lif() -> nir.LIF:
    one = np.ones(N)
    return nir.LIF(3 * DT * one, 2 * one, 0.1 * one, np.linspace(0.5, 1.1, N), 0 * one)


def affine(seed: int, size: float = 1.0) -> nir.Affine:
    rng = np.random.default_rng(seed)
    return nir.Affine(size * rng.normal(0.2, 0.6, (N, N)), rng.normal(0.1, 0.1, N))


def graph(edges: list[tuple[str, str]], **nodes: nir.NIRNode) -> nir.NIRGraph:
    first = nir.Input({"input": np.array([N])})
    first.metadata = {"high": 2.0}
    ends = {"input": first, **nodes, "output": nir.Output({"output": np.array([N])})}
    return nir.NIRGraph(ends, edges, metadata={"dt": DT}, type_check=False)


def ring(length: int, delay: int = 0) -> nir.NIRGraph:
    """Populations that drive each other in a circle; the first one has the input."""
    names = [f"n{index}" for index in range(length)]
    nodes: dict[str, nir.NIRNode] = {"back": affine(99, 0.5)}
    edges = [("input", "n0"), *pairwise(names), ("back", "n0"), (names[-1], "output")]
    if delay:
        nodes = {"delay": nir.Delay(np.full(N, delay * DT)), **nodes}
        edges += [(names[-1], "delay"), ("delay", "back")]
    else:
        edges += [(names[-1], "back")]
    return graph(edges, **nodes, **{name: lif() for name in names})


def compiled(graph: nir.NIRGraph, longest: int = 62, **options: Any) -> Program:
    passes = float_pipeline(CompileOptions(**options))
    replaced = [Align(longest) if isinstance(step, Align) else step for step in passes]
    return run_passes(tuple(replaced), graph)


def stimulus(steps: int = 12) -> Stimulus:
    return Stimulus({"input": np.random.default_rng(1).integers(0, 33, (3, steps, N)) / 16})


def check(graph: nir.NIRGraph, program: Program) -> None:
    """Reference and twin give what the equations say, and all arrives in a working step."""
    assert all(p.delay >= 1 for p in program.projections)
    assert all(program.slack(p) >= 0 for p in program.projections)
    assert all(program.slack(p) % program.stride == 0 for p in program.projections)
    expected = interpret(graph, stimulus())
    for run in (reference.run, twin.run):
        trace = run(program, stimulus())
        for name in trace.recordings.keys() & expected.keys():
            np.testing.assert_allclose(trace[name].output, expected[name], atol=1e-9, err_msg=name)
    rates = {n: expected[n].mean() for n, x in graph.nodes.items() if isinstance(x, nir.LIF)}
    assert all(0.02 < rate < 0.95 for rate in rates.values()), rates


@pytest.mark.parametrize(
    ("length", "delay", "stride"),
    [(1, 0, 1), (2, 0, 2), (3, 0, 3), (2, 1, 2), (2, 2, 1), (3, 2, 2), (5, 3, 2), (3, 7, 1)],
)
def test_a_logical_step_takes_as_many_hardware_steps_as_its_slowest_loop(length, delay, stride):
    network = ring(length, delay)
    program = compiled(network)
    assert program.stride == stride
    # One step for each population, and what the Delay gives, or what closes the loop.
    lags = [program.lag(p) for p in program.projections if p.target == "n0"]
    assert sorted(lags) == [0, max(delay, 1)]
    check(network, program)


@pytest.mark.parametrize("longest", [1, 2, 3])
def test_what_waits_beside_a_loop_passes_through_relays_that_work_as_slowly(longest):
    """A short cut around a ring of 3, and a way around it that takes 7 steps."""
    network = ring(3)
    network.nodes["cut"] = affine(5)
    network.nodes["slow"] = nir.Delay(np.full(N, 7 * DT))
    network.nodes["end"] = lif()
    network.edges.remove(("n2", "output"))
    network.edges.extend([("n2", "end"), ("input", "slow"), ("slow", "cut"), ("cut", "end")])
    network.edges.extend([("input", "end"), ("end", "output")])
    # Listed again in the order in which they act.
    late = ("cut", "end", "output")
    network.nodes = {n: x for n, x in network.nodes.items() if n not in late} | {
        n: network.nodes[n] for n in late
    }
    program = compiled(network, longest)
    assert program.stride == 3
    assert max(p.delay for p in program.projections) == longest
    assert any("wait" in p.name for p in program.populations)
    check(network, program)


def test_excitatory_and_inhibitory_neurons_drive_each_other():
    nodes = {"w": affine(0), "back": affine(1, -0.5), "n0": lif(), "to_i": affine(2), "n1": lif()}
    edges = [("input", "w"), ("w", "n0"), ("n0", "to_i"), ("to_i", "n1"), ("n1", "back")]
    network = graph([*edges, ("back", "n0"), ("n0", "output")], **nodes)
    program = compiled(network)
    assert program.stride == 2
    assert {p.name: program.lag(p) for p in program.projections} == {
        "input→n0.input": 0,
        "n0→n1.input": 0,
        "n1→n0.input": 1,
    }
    check(network, program)


def test_a_circuit_that_drives_itself_takes_twice_as_long_with_neurons_for_its_inhibition():
    """Its lag is that of the neurons, not of its I population."""
    rng = np.random.default_rng(4)
    circuit = EILinear(
        weight_ee=rng.exponential(0.5, (N, N)),
        weight_ie=rng.exponential(0.2, (1, N)),
        weight_ei=np.ones((N, 1)),
        gain_i=np.array([0.6]),
        gain_e=np.full(N, 0.7),
        bias=np.full(N, 0.1),
        floor=0.1,
    )
    network = graph(
        [("input", "ei"), ("n0", "ei"), ("ei", "n0"), ("n0", "output")], ei=circuit, n0=lif()
    )
    for mapping, stride in (("fused", 1), ("explicit", 2)):
        program = compiled(network, mapping=mapping)
        assert program.stride == stride
        assert {program.lag(p) for p in program.projections if p.source == "n0"} == {1}
        assert {program.lag(p) for p in program.projections if p.source != "n0"} == {0}
        check(network, program)


def test_what_closes_a_loop_and_is_seen_outside_is_there_twice():
    """The synapses work on what there is now for the one, on what there was for the other."""
    nodes = {"w": affine(0), "n0": lif(), "back": affine(3)}
    edges = [("input", "w"), ("w", "n0"), ("n0", "back"), ("back", "n0"), ("back", "output")]
    network = graph(edges, **nodes)
    program = compiled(network)
    assert set(program.by_name) == {"input", "n0", "back"}
    assert program.stride == 1
    assert {program.lag(p) for p in program.into("n0")} == {0, 1}
    assert {program.lag(p) for p in program.into("back")} == {0}
    check(network, program)
    closed = Close()(network)
    assert isinstance(closed.nodes["n0.late"], nir.Delay)
    assert closed.nodes["back.late"] is closed.nodes["back"]


def test_the_bias_in_a_loop_is_there_from_the_first_step():
    network = ring(1)
    program = compiled(network)
    assert set(program.by_name) == {"input", "n0"}
    np.testing.assert_allclose(
        program.by_name["n0"].neuron.bias, (0.1 + 2 * network.nodes["back"].bias) / 3
    )
    check(network, program)


def test_a_graph_whose_loops_hold_delays_is_closed_already():
    for network in (ring(2, delay=1), graph([("input", "n0"), ("n0", "output")], n0=lif())):
        assert Close()(network) is network
    assert Close()(ring(2)) is not ring(2)


def test_which_edge_closes_a_loop_does_not_depend_on_delays_elsewhere():
    """The way in is through a Delay, so that at once n1 is reached first."""
    nodes = {"wait": nir.Delay(np.full(N, DT)), "n0": lif(), "n1": lif()}
    edges = [("input", "wait"), ("wait", "n0"), ("input", "n1"), ("n0", "n1"), ("n1", "n0")]
    program = compiled(graph([*edges, ("n1", "output")], **nodes))
    lags = {p.name: program.lag(p) for p in program.projections}
    assert lags["n0→n1.input"] == 0
    assert lags["n1→n0.input"] == 1


def test_populations_that_would_have_to_act_at_once_are_named():
    names = ("a", "b")
    populations = [Population("in", (1,), Source()), *(Population(n, (1,), Relay()) for n in names)]
    edges = [("in", "a"), ("a", "b"), ("b", "a")]
    projections = [Projection(s, t, Identity(np.ones(()))) for s, t in edges]
    program = Program(tuple(populations), tuple(projections), "float", ("b",))
    with pytest.raises(UnsupportedError, match=r"takes no time.*\['a', 'b'\]"):
        Align()(program)


def test_what_waits_passes_through_no_population_that_only_has_the_name_of_a_relay():
    one = Identity(np.ones(()))
    names = ["p0", "p1", "p2", "p3"]
    program = Program(
        (
            Population("input", (2,), Source()),
            Population("input.wait1", (2,), Relay(bias=5.0)),
            *(Population(name, (2,), Relay()) for name in names),
        ),
        (
            Projection("input", "input.wait1", one),
            *(Projection(a, b, one) for a, b in pairwise(["input", *names])),
            Projection("input", "p3", one),
        ),
        "float",
        ("p3",),
    )
    shown = Stimulus({"input": np.random.default_rng(0).random((2, 5, 2))})
    waiting, direct = (reference.run(Align(longest)(program), shown) for longest in (2, 62))
    np.testing.assert_array_equal(waiting["p3"].output, direct["p3"].output)
    np.testing.assert_allclose(waiting["p3"].output, 2 * shown.values["input"])
