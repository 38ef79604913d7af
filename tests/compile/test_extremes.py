"""Networks at the edges of integers: nearly as good as in float, or refused by name."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import nir
import numpy as np
import pytest

from eideploy.compile import CompileOptions, float_pipeline, integer_pipeline, run_passes
from eideploy.errors import GraphError, QuantizationError, UnsupportedError
from eideploy.graph import EIConv2d, EILinear
from eideploy.program import Relay, Stimulus
from eideploy.simulate import reference

N = 20
BOTH = pytest.mark.parametrize("mapping", ["fused", "explicit"])


def lif(shape: Any, tau: Any = 2e-3, r: Any = None, theta: Any = 1.0) -> nir.LIF:
    one = np.ones(shape)
    r = tau / 1e-3 if r is None else r
    return nir.LIF(tau * one, r * one, 0 * one, theta * one, 0 * one)


def circuit(fan_in: int = 30, n_i: int = 5, size: float = 1.0, **changes: Any) -> EILinear:
    rng = np.random.default_rng(1)
    parameters = {
        "weight_ee": rng.exponential(size / fan_in, (N, fan_in)),
        "weight_ie": rng.exponential(size / fan_in, (n_i, fan_in)),
        "weight_ei": rng.uniform(0.5, 1.5, (N, n_i)) / n_i,
        "gain_i": np.full(n_i, 0.4),
        "gain_e": np.ones(N),
        "bias": np.full(N, 0.2),
        "floor": 1e-2 * size,
    }
    return EILinear(**parameters | changes)


def linear(fan_in: int = 30, n: int = N, size: float = 1.0, seed: int = 2) -> nir.Linear:
    return nir.Linear(np.random.default_rng(seed).normal(0.02, 0.3, (n, fan_in)) * size)


def graph(shape: Any, *nodes: nir.NIRNode, edges: Any = None, **source: Any) -> nir.NIRGraph:
    """A chain n0 → n1 → … behind an Input, unless `edges` say otherwise."""
    first = nir.Input({"input": np.atleast_1d(shape)})
    first.metadata = {"high": 1.0, "levels": 16} | source
    named = {"input": first} | {f"n{index}": node for index, node in enumerate(nodes)}
    last = np.array(nodes[-1].output_type["output"])
    named["output"] = nir.Output({"output": last})
    edges = edges or list(pairwise(named))
    return nir.NIRGraph(named, edges, metadata={"dt": 1e-3}, type_check=False)


def agreement(network: nir.NIRGraph, mapping: Any = "fused") -> float:
    """Worst share of spike bins in which the integer Program does what the float one does."""
    source = network.nodes["input"]
    rng = np.random.default_rng(0)
    low, high = (source.metadata.get(end, 0.0) for end in ("low", "high"))
    shape = (20, 20, *source.input_type["input"])
    x = rng.integers(round(16 * low), round(16 * high) + 1, shape) / 16
    options = CompileOptions(mapping=mapping)
    one, other = (
        reference.run(run_passes(pipeline(options), network), Stimulus({"input": x}))
        for pipeline in (float_pipeline, integer_pipeline)
    )
    spiking = [n for n, r in one.recordings.items() if r.output.dtype == np.uint8]
    assert all(0.01 < one[name].output.mean() < 0.99 for name in spiking)
    return float(min(np.mean(one[name].output == other[name].output) for name in spiking))


CIRCUITS = {
    "without division": (circuit(divisive=False, floor=1.0), lif(N, 5e-3, theta=0.3)),
    "without shunting": (circuit(gain_i=np.zeros(5), floor=0.1), lif(N, theta=1.6)),
    "without excitability": (circuit(gain_e=np.zeros(N), bias=np.full(N, 0.6)), lif(N)),
    "tiny weights": (circuit(size=1e-8), lif(N)),
    "huge weights": (circuit(size=1e8), lif(N)),
    "small threshold": (
        circuit(gain_e=np.full(N, 1e-3), bias=np.full(N, 2e-4)),
        lif(N, theta=1e-3),
    ),
    "large threshold": (circuit(gain_e=np.full(N, 1e3), bias=np.full(N, 2e2)), lif(N, theta=1e3)),
    "wide": (circuit(fan_in=1500), lif(N)),
}


@BOTH
@pytest.mark.parametrize("name", CIRCUITS)
def test_a_circuit_keeps_its_spikes(name, mapping):
    node, neurons = CIRCUITS[name]
    assert agreement(graph(node.weight_ee.shape[1], node, neurons), mapping) > 0.975


@BOTH
def test_gains_that_differ_from_pixel_to_pixel_keep_their_digits(mapping):
    rng = np.random.default_rng(4)
    node = EIConv2d(
        (5, 5),
        rng.exponential(0.1, (4, 2, 3, 3)),
        rng.exponential(0.1, (1, 2, 3, 3)),
        np.ones((4, 1)),
        np.full(1, 0.4),
        np.ones(4),
        np.full(4, 0.2),
        0.01,
        padding=1,
    )
    # R·dt/τ ≈ 0.002: less than a unit of an 8-bit gain.
    neurons = lif((4, 5, 5), rng.uniform(20e-3, 40e-3, (4, 5, 5)), r=0.05, theta=0.0015)
    assert agreement(graph((2, 5, 5), node, neurons), mapping) > 0.98


PLAIN = {
    "linear behind linear": graph(30, linear(n=25), linear(25, seed=3), lif(N, 5e-3)),
    "negative resistance": graph(30, linear(size=-1), lif(N, 5e-3, r=-5)),
    "convolution before a flattened population": graph(
        (2, 5, 5),
        nir.Conv2d((5, 5), linear(18, 4).weight.reshape(4, 2, 3, 3), 1, "same", 1, 1, np.zeros(4)),
        nir.Flatten({"input": np.array([4, 5, 5])}, 0, -1),
        lif(100, 5e-3),
    ),
    "input from -2 to 1": graph(30, linear(), lif(N, 5e-3), low=-2.0),
    "tiny weights": graph(30, linear(size=1e-8), lif(N, theta=1e-8)),
    "huge weights": graph(30, linear(size=1e8), lif(N, theta=1e8)),
    "neurons that differ": graph(
        30,
        linear(),
        lif(N, np.linspace(2e-3, 10e-3, N), theta=np.linspace(0.5, 2, N)),
    ),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_network_keeps_its_spikes(name):
    assert agreement(PLAIN[name]) > 0.98


def test_a_potential_far_below_rest_stays_there():
    """θ is not so large that inhibition is clipped at −θ and forgotten."""
    one = np.ones(1)
    network = graph(2, nir.Linear(np.array([[0.5, -0.5]])), nir.IF(1e3 * one, one, 0 * one))
    x = np.zeros((1, 40, 2))
    x[0, :10, 1] = x[0, 10:, 0] = 1  # down to −5, up again
    trace = reference.run(
        run_passes(integer_pipeline(CompileOptions()), network), Stimulus({"input": x})
    )
    # −5 + 0.5·13 = 1.5 after 13 steps up, if 1.0 itself is not above the threshold.
    assert np.flatnonzero(trace["n1"].output)[0] == 22


def test_relays_keep_the_bits_that_would_gain_nothing():
    node = circuit(fan_in=3000, n_i=100)
    program = run_passes(
        integer_pipeline(CompileOptions(mapping="explicit")), graph(3000, node, lif(N), levels=255)
    )
    relays = [p.neuron for p in program.populations if isinstance(p.neuron, Relay)]
    assert [int(relay.shift) for relay in relays] < [16]


def test_a_time_constant_of_one_step_in_single_precision_is_one_step():
    assert float(np.float32(1e-4)) < 1e-4
    network = graph(30, linear(), lif(N, float(np.float32(1e-4)), r=1, theta=0.4))
    network.metadata["dt"] = 1e-4
    program = run_passes(float_pipeline(CompileOptions()), network)
    assert program.by_name["n1"].neuron.voltage_decay == 1.0


REFUSED = {
    "threshold 0": (graph(30, circuit(), lif(N, theta=0.0)), UnsupportedError, "'n1'.*threshold"),
    "circuit thresholds": (
        graph(30, circuit(), lif(N, theta=np.r_[1e-5, np.ones(N - 1)])),
        QuantizationError,
        "'n1'.*too far apart",
    ),
    "thresholds": (
        graph(30, linear(), lif(N, theta=np.r_[1e-3, np.full(N - 1, 1e3)])),
        QuantizationError,
        "'n1'.*thresholds from 0.001.* to 1.*e.03 .*too far apart",
    ),
    "huge weights": (
        graph(30, linear(size=1e8), lif(N, theta=1e-3)),
        QuantizationError,
        "'n1'.*current of neuron",
    ),
    "weights of nothing": (
        graph(30, linear(size=1e-8), lif(N, theta=1e3)),
        QuantizationError,
        r"input→n1.*became 0.*\s.*beside the threshold",
    ),
    "a relay that feeds itself": (
        graph(30, linear(n=30), edges=[("input", "n0"), ("n0", "n0"), ("n0", "output")]),
        QuantizationError,
        "'n0' feeds itself",
    ),
    "a node called as the inhibition of a circuit": (
        nir.NIRGraph(
            {
                "input": nir.Input({"input": np.array([30])}),
                "w": circuit(),
                "w.inhibitory": linear(),
                "lif": lif(N),
                "other": lif(N),
                "output": nir.Output({"output": np.array([N])}),
            },
            [
                *pairwise(["input", "w", "lif", "output"]),
                *pairwise(["input", "w.inhibitory", "other", "output"]),
            ],
            metadata={"dt": 1e-3},
            type_check=False,
        ),
        GraphError,
        r"'w\.inhibitory' has the name .*circuit 'w'.*Rename",
    ),
    "range that is no number": (
        graph(30, linear(), lif(N), low="none"),
        GraphError,
        "'input'.*not made of numbers",
    ),
    "range that is empty": (
        graph(30, linear(), lif(N), low=2.0, high=-2.0),
        GraphError,
        "'input'.* from 2 to -2.*metadata",
    ),
    "range of nothing but 0": (
        graph(30, linear(), lif(N), low=0.0, high=0.0),
        QuantizationError,
        "'input'.* over \\[0, 0\\].*metadata",
    ),
    "a bias beyond all registers": (
        graph(30, linear(size=1e-12), nir.LI(np.full(N, 5e-3), np.ones(N), np.full(N, 1e4))),
        QuantizationError,
        "'n1'.*initial value or bias.*closer together",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_held_is_refused_by_name(name):
    network, error, message = REFUSED[name]
    with pytest.raises(error, match=f"(?s){message}"):
        run_passes(integer_pipeline(CompileOptions()), network)


def test_a_nested_graph_may_pass_its_input_through():
    inner = nir.NIRGraph(
        {
            "in": nir.Input({"input": np.array([3])}),
            "linear": nir.Linear(np.full((3, 3), 0.5)),
            "out": nir.Output({"output": np.array([3])}),
        },
        [("in", "linear"), ("linear", "out"), ("in", "out")],
        type_check=False,
    )
    program = run_passes(float_pipeline(CompileOptions()), _around(inner))
    x = np.array([0.2, 0.4, 0.0])
    trace = reference.run(program, Stimulus({"input": x[None, None]}))
    np.testing.assert_allclose(trace["li"].state["v"][0, 0], x + 0.5 * x.sum())


def test_names_that_collide_in_nested_graphs_are_refused():
    inner = nir.NIRGraph(
        {
            "in": nir.Input({"input": np.array([3])}),
            "x": nir.Linear(np.eye(3)),
            "out": nir.Output({"output": np.array([3])}),
        },
        [("in", "x"), ("x", "out")],
        type_check=False,
    )
    network = _around(inner)
    network.nodes["block.x"] = network.nodes.pop("li")
    with pytest.raises(GraphError, match=r"two nodes are called 'block\.x'"):
        run_passes(float_pipeline(CompileOptions()), network)


def _around(inner: nir.NIRGraph) -> nir.NIRGraph:
    one = np.ones(3)
    return nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([3])}),
            "block": inner,
            "li": nir.LI(1e-3 * one, one, 0 * one),
            "output": nir.Output({"output": np.array([3])}),
        },
        [("input", "block"), ("block", "li"), ("li", "output")],
        metadata={"dt": 1e-3},
        type_check=False,
    )
