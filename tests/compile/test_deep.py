"""Networks with pools and branches, against the equations of their nodes in torch."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import nir
import numpy as np
import pytest
import torch
from torch.nn import functional

from eideploy.compile import CompileOptions, float_pipeline, integer_pipeline, run_passes
from eideploy.compile.align import Align
from eideploy.graph import EIConv2d, EILinear
from eideploy.program import Conv2d, Operator, Program, Relay, Stimulus, Trace
from eideploy.simulate import reference, twin
from eideploy.simulate.record import Record

BOTH = pytest.mark.parametrize("mapping", ["fused", "explicit"])

# --- the networks ---


def pool_node(kind: Any = nir.AvgPool2d, kernel: int = 2, stride: int = 2) -> nir.NIRNode:
    return kind(*(np.array([value, value]) for value in (kernel, stride, 0)))


THRESHOLD = 3.1


def lif(*shape: int) -> nir.LIF:
    one = np.ones(shape)
    return nir.LIF(2e-3 * one, 2 * one, 0 * one, THRESHOLD * one, 0 * one)


def circuit(n: int, *fan_in: int, **options: Any) -> nir.NIRNode:
    random = np.random.default_rng(n)
    size = int(np.prod(fan_in))
    weights = {
        "weight_ee": random.exponential(2 / size, (n, *fan_in)),
        "weight_ie": random.exponential(1 / size, (n // 4, *fan_in)),
        "weight_ei": random.uniform(0.5, 1.5, (n, n // 4)) / (n // 4),
        "gain_i": np.full(n // 4, 0.7),
        "gain_e": random.uniform(0.5, 1.5, n),
        "bias": random.normal(0.2, 0.1, n),
        "floor": 1e-2,
    }
    return (EIConv2d if len(fan_in) == 3 else EILinear)(**weights, **options)


def network(
    nodes: dict[str, nir.NIRNode], edges: list[tuple[str, str]], size: int = 8
) -> nir.NIRGraph:
    first = nir.Input({"input": np.array([2, size, size])})
    first.metadata = {"high": 1.0, "levels": 16}
    return nir.NIRGraph({"input": first, **nodes}, edges, metadata={"dt": 1e-3}, type_check=False)


def vgg(size: int = 8) -> nir.NIRGraph:
    """Two stages of a circuit and a pool, then a readout; the pools may leave a row over."""
    half, quarter = size // 2, size // 4
    nodes = {
        "ei1": circuit(8, 2, 3, 3, input_shape=(size, size), padding=1),
        "lif1": lif(8, size, size),
        "pool1": pool_node(),
        "ei2": circuit(12, 8, 3, 3, input_shape=(half, half), padding=1),
        "lif2": lif(12, half, half),
        "pool2": pool_node(),
        "flatten1": nir.Flatten({"input": np.array([12, quarter, quarter])}, 0, -1),
        "readout": circuit(4, 12 * quarter**2, divisive=False),
        "output": nir.Output({"output": np.array([4])}),
    }
    return network(nodes, list(itertools.pairwise(["input", *nodes])), size)


def resnet() -> nir.NIRGraph:
    """A stem, a block whose shortcut is the identity, one that halves the size, a global pool."""
    whole, half = {"input_shape": (8, 8)}, {"input_shape": (4, 4), "padding": 1}
    nodes = {
        "ei1": circuit(4, 2, 3, 3, padding=1, **whole),
        "lif1": lif(4, 8, 8),
        "ei2": circuit(4, 4, 3, 3, padding=1, **whole),
        "lif2": lif(4, 8, 8),
        "ei3": circuit(4, 4, 3, 3, padding=1, **whole),
        "lif3": lif(4, 8, 8),
        "ei4": circuit(8, 4, 3, 3, padding=1, stride=2, **whole),
        "lif4": lif(8, 4, 4),
        "ei5": circuit(8, 8, 3, 3, **half),
        "lif5": lif(8, 4, 4),
        "ei6": circuit(8, 4, 1, 1, stride=2, **whole),
        "lif6": lif(8, 4, 4),
        "pool1": pool_node(kernel=4, stride=4),
        "flatten1": nir.Flatten({"input": np.array([8, 1, 1])}, 0, -1),
        "readout": circuit(4, 8, divisive=False),
        "output": nir.Output({"output": np.array([4])}),
    }
    body = ["input", "ei1", "lif1", "ei2", "lif2", "ei3", "lif3", "ei4", "lif4", "ei5", "lif5"]
    edges = list(itertools.pairwise([*body, "pool1", "flatten1", "readout", "output"]))
    edges += [("lif1", "ei4"), ("lif1", "ei6"), ("lif3", "ei6"), ("ei6", "lif6"), ("lif6", "pool1")]
    return network(nodes, edges)


def compiled(
    graph: nir.NIRGraph, mapping: Any = "fused", pipeline: Any = float_pipeline
) -> Program:
    return run_passes(pipeline(CompileOptions(mapping=mapping)), graph)


def frames(size: int = 8) -> Stimulus:
    values = np.random.default_rng(5).integers(0, 17, (4, 6, 2, size, size)) / 16
    return Stimulus({"input": values})


def in_torch(graph: nir.NIRGraph, stimulus: Stimulus) -> dict[str, Any]:
    """The equations of the nodes in float64 torch, all steps of all samples at once."""
    seen: dict[str, torch.Tensor] = {}
    for name, node in graph.nodes.items():
        if isinstance(node, nir.Input):
            seen[name] = torch.tensor(stimulus.values[name])
            continue
        x = sum(seen[source] for source, target in graph.edges if target == name)
        assert isinstance(x, torch.Tensor)
        if isinstance(node, nir.LIF):
            seen[name] = _spikes(x)
        else:
            seen[name] = _layer(node, x.flatten(0, 1)).unflatten(0, x.shape[:2])
    return {name: values.numpy() for name, values in seen.items()}


def _spikes(x: torch.Tensor) -> torch.Tensor:
    v, spikes = torch.zeros_like(x[:, 0]), torch.zeros_like(x)
    for t in range(x.shape[1]):
        v = v / 2 + x[:, t]
        spikes[:, t] = v > THRESHOLD
        v = v * (1 - spikes[:, t])
    return spikes


def _layer(node: nir.NIRNode, x: torch.Tensor) -> torch.Tensor:
    if isinstance(node, nir.AvgPool2d):
        return functional.avg_pool2d(x, tuple(node.kernel_size))
    if isinstance(node, nir.Flatten):
        return x.flatten(1)
    if isinstance(node, EIConv2d):
        return _circuit(node, x, lambda w: functional.conv2d(x, w, None, node.stride, node.padding))
    if isinstance(node, EILinear):
        return _circuit(node, x, lambda w: functional.linear(x, w))
    return x


def _circuit(node: Any, x: torch.Tensor, synapses: Callable[..., torch.Tensor]) -> torch.Tensor:
    def channels(values: Any) -> torch.Tensor:
        return torch.tensor(values).reshape(-1, *[1] * (x.ndim - 2))

    mix = torch.tensor(node.weight_ei)
    excited, inhibition = (synapses(torch.tensor(w)) for w in (node.weight_ee, node.weight_ie))
    balanced = excited - torch.einsum("oi,ni...->no...", mix, inhibition)
    if not node.divisive:
        return balanced
    shunt = torch.einsum("oi,ni...->no...", mix, inhibition * channels(node.gain_i))
    current = channels(node.gain_e) * balanced / shunt.clamp(min=float(node.floor))
    return current + channels(node.bias)


# --- what must hold ---


def operators(program: Program, name: str) -> list[Operator]:
    return [projection.operator for projection in program.into(name)]


@BOTH
def test_no_relay_is_left_of_pools_between_circuits(mapping):
    program = compiled(vgg(), mapping)
    assert not {"pool1", "pool2"} & set(program.by_name)
    kernels = {op.weight.shape[2:] for op in operators(program, "lif2")}
    assert kernels == ({(6, 6)} if mapping == "fused" else {(6, 6), (1, 1)})
    assert {p.source for p in program.into("readout")} <= {"lif2", "readout.inhibitory"}
    assert operators(program, "readout")[0].weight.shape == (4, 12 * 16)


@BOTH
@pytest.mark.parametrize("size", [8, 9, 10])
def test_odd_rows_and_even_ones_come_out_as_the_graph_says(size, mapping):
    expected = in_torch(vgg(size), frames(size))
    program = compiled(vgg(size), mapping)
    # 9 rows make 4, and the circuit behind them, which pads, would see the ninth. The 5 that make 2
    # are followed by a matrix.
    assert ("pool1" in program.by_name) == (size == 9)
    assert "pool2" not in program.by_name
    trace = reference.run(program, frames(size))
    for name in ("lif1", "lif2"):
        np.testing.assert_array_equal(trace[name].output, expected[name])
        assert 0.02 < trace[name].output.mean() < 0.9
    np.testing.assert_allclose(trace["readout"].output, expected["readout"], atol=1e-9)


@BOTH
def test_a_pool_may_drive_a_neuron_an_output_and_several_kernels(mapping):
    """It stays a relay for the Output, and without one it goes."""
    nodes = {
        "pool": pool_node(nir.SumPool2d),
        "lif": lif(2, 4, 4),
        "conv": nir.Conv2d((4, 4), np.ones((3, 2, 3, 3)) / 15, 1, 1, 1, 1, np.full(3, 0.1)),
        "lif_conv": lif(3, 4, 4),
        "flat": nir.Flatten({"input": np.array([2, 4, 4])}, 0, -1),
        "linear": nir.Affine(np.ones((3, 32)) / 25, np.full(3, 0.1)),
        "lif_linear": lif(3),
        "spikes": nir.Output({"output": np.array([2, 4, 4])}),
        "from_conv": nir.Output({"output": np.array([3, 4, 4])}),
        "from_linear": nir.Output({"output": np.array([3])}),
    }
    edges = [("input", "pool"), ("pool", "lif"), ("pool", "conv"), ("conv", "lif_conv")]
    edges += [("pool", "flat"), ("flat", "linear"), ("linear", "lif_linear")]
    edges += [("lif", "spikes"), ("lif_conv", "from_conv"), ("lif_linear", "from_linear")]
    without = compiled(network(nodes, edges), mapping)
    assert set(without.by_name) == {"input", "lif", "lif_conv", "lif_linear"}
    assert operators(without, "lif")[0].groups == 2
    nodes["sums"] = nir.Output({"output": np.array([2, 4, 4])})
    graph = network(nodes, [*edges, ("pool", "sums")])
    trace = reference.run(compiled(graph, mapping), frames())
    x = torch.tensor(frames().values["input"])
    expected = 4 * functional.avg_pool2d(x.flatten(0, 1), 2).unflatten(0, (4, 6))
    np.testing.assert_allclose(trace["pool"].output, expected)
    other = reference.run(without, frames())
    for name in ("lif", "lif_conv", "lif_linear"):
        np.testing.assert_array_equal(other[name].output, trace[name].output)
        assert 0.02 < other[name].output.mean() < 0.9


@BOTH
@pytest.mark.parametrize("size", [8, 9])
def test_in_integers_the_twin_agrees_and_spikes_are_nearly_those_of_floats(size, mapping):
    floating = reference.run(compiled(vgg(size), mapping), frames(size))
    program = compiled(vgg(size), mapping, integer_pipeline)
    integer = reference.run(program, frames(size))
    assert_equal(integer, twin.run(program, frames(size)))
    for name in ("lif1", "lif2"):
        assert np.mean(integer[name].output == floating[name].output) > 0.95
    if size == 9:
        assert isinstance(program.by_name["pool1"].neuron, Relay)
        # The relay counts spikes, and loses none.
        counts = np.rint(4 * floating["pool1"].output)
        assert set(np.unique(integer["pool1"].output)) <= {0, 1, 2, 3, 4}
        assert np.mean(counts == integer["pool1"].output) > 0.98


@BOTH
def test_a_shortcut_is_a_projection_of_its_own_that_waits(mapping):
    program = compiled(resnet(), mapping)
    a_layer = 1 if mapping == "fused" else 2
    offsets = {name: program.by_name[name].offset // a_layer for name in ("lif3", "lif5", "lif6")}
    assert offsets == {"lif3": 3, "lif5": 5, "lif6": 4}
    balanced = [p for p in program.into("lif4") if p.port == "balanced" and "lif" in p.source]
    assert {p.source: p.delay for p in balanced} == {"lif3": a_layer, "lif1": 3 * a_layer}
    same, other = (p.operator.weight for p in balanced)
    np.testing.assert_array_equal(same, other)
    assert all(program.lag(p) == 0 for p in program.projections)
    # Inhibitory neurons are there once, for the sum.
    names = [p.name for p in program.populations]
    assert names.count("ei4.inhibitory") == (mapping == "explicit")
    assert "pool1" not in names
    into_readout = [p for p in program.into("readout") if p.source.startswith("lif")]
    assert {p.source for p in into_readout} == {"lif5", "lif6"}
    assert {p.operator.weight.shape for p in into_readout} == {(4, 128)}


@BOTH
def test_branches_come_out_as_the_graph_says(mapping):
    expected = in_torch(resnet(), frames())
    trace = reference.run(compiled(resnet(), mapping), frames())
    for name in [f"lif{index}" for index in range(1, 7)]:
        np.testing.assert_array_equal(trace[name].output, expected[name], err_msg=name)
        assert 0.02 < trace[name].output.mean() < 0.9
    np.testing.assert_allclose(trace["readout"].output, expected["readout"], atol=1e-9)


@BOTH
def test_branches_in_integers_are_the_same_on_the_twin(mapping):
    program = compiled(resnet(), mapping, integer_pipeline)
    assert_equal(*(run(program, frames()) for run in (reference.run, twin.run)))


def assert_equal(one: Trace, other: Trace) -> None:
    """Every bin and every state, bit for bit."""
    for name, recording in one.recordings.items():
        np.testing.assert_array_equal(recording.output, other[name].output, err_msg=name)
        for key, values in recording.state.items():
            np.testing.assert_array_equal(values, other[name].state[key], err_msg=f"{name} {key}")


@BOTH
@pytest.mark.parametrize("make", [vgg, resnet])
def test_pools_that_stay_relays_change_no_spike(make, mapping):
    program = run_passes(float_pipeline(CompileOptions(mapping, pool="relay")), make())
    assert "pool1" in program.by_name
    assert {(3, 3), (1, 1), (2, 2), (4, 4)} >= {
        p.operator.weight.shape[2:] for p in program.projections if isinstance(p.operator, Conv2d)
    }
    expected = in_torch(make(), frames())
    trace = reference.run(program, frames())
    for name in ("lif1", "lif2", "pool1", "readout"):
        np.testing.assert_allclose(trace[name].output, expected[name], atol=1e-9, err_msg=name)


def test_a_convolution_in_front_of_a_pool_keeps_its_bias():
    random = np.random.default_rng(3)
    weight, bias = random.normal(size=(4, 2, 3, 3)), random.normal(size=4)
    nodes = {
        "conv": nir.Conv2d((8, 8), weight, 1, 1, 1, 1, bias),
        "pool": pool_node(nir.SumPool2d),
        "lif": lif(4, 4, 4),
        "output": nir.Output({"output": np.array([4, 4, 4])}),
    }
    graph = network(nodes, list(itertools.pairwise(["input", *nodes])))
    program = compiled(graph)
    assert [p.name for p in program.populations] == ["input", "lif"]
    x = torch.tensor(frames().values["input"])
    current = functional.conv2d(
        x.flatten(0, 1), torch.tensor(weight), torch.tensor(bias), padding=1
    )
    current = 4 * functional.avg_pool2d(current, 2)
    spikes = reference.run(program, frames())["lif"].output
    np.testing.assert_array_equal(spikes, _spikes(current.unflatten(0, (4, 6))))
    assert 0.02 < spikes.mean() < 0.9
    # Where it drives something else too it stays, as a relay that adds its bias.
    graph.nodes["map"] = nir.Output({"output": np.array([4, 8, 8])})
    graph.edges.append(("conv", "map"))
    trace = reference.run(compiled(graph), frames())
    np.testing.assert_array_equal(trace["lif"].output, spikes)
    whole = functional.conv2d(x.flatten(0, 1), torch.tensor(weight), torch.tensor(bias), padding=1)
    np.testing.assert_allclose(trace["conv"].output, whole.unflatten(0, (4, 6)), atol=1e-9)


@BOTH
@pytest.mark.parametrize("longest", [1, 2])
def test_what_waits_longer_than_a_chip_can_passes_through_relays(longest, mapping):
    passes = [
        Align(longest) if isinstance(step, Align) else step
        for step in integer_pipeline(CompileOptions(mapping=mapping))
    ]
    program = run_passes(tuple(passes), resnet())
    assert max(p.delay for p in program.projections) == longest
    assert all(program.lag(p) == 0 for p in program.projections)
    waiting = [p.name for p in program.populations if p.name.startswith("lif1.wait")]
    # To the fourth layer, which is the longest way: three layers of one or two steps.
    steps = 3 if mapping == "fused" else 6
    assert len(waiting) == (steps - 1) // longest
    direct = compiled(resnet(), mapping, integer_pipeline)
    assert_equal(*(reference.run(p, frames()) for p in (direct, program)))


@BOTH
def test_an_output_may_be_a_sum(mapping):
    graph = resnet()
    graph.nodes["counts"] = nir.Output({"output": np.array([8, 4, 4])})
    graph.edges += [("lif5", "counts"), ("lif6", "counts")]
    expected = in_torch(graph, frames())["counts"]
    assert set(np.unique(expected)) == {0, 1, 2}
    for pipeline in (float_pipeline, integer_pipeline):
        program = compiled(graph, mapping, pipeline)
        assert program.outputs == ("readout", "counts")
        trace = reference.run(program, frames())
        np.testing.assert_array_equal(
            trace["counts"].output, trace["lif5"].output.astype(int) + trace["lif6"].output
        )
        if pipeline is float_pipeline:
            np.testing.assert_array_equal(trace["counts"].output, expected)


@pytest.mark.lava
@BOTH
@pytest.mark.parametrize("make", [vgg, lambda: vgg(9), resnet], ids=["pools", "odd", "branches"])
def test_lava_does_the_same(make, mapping):
    pytest.importorskip("lava")
    from eideploy_targets.lava import LavaFixed, LavaFloat

    graph = make()
    size = int(graph.nodes["input"].input_type["input"][-1])
    stimulus = Stimulus({"input": frames(size).values["input"][:2]})
    for target, pipeline in ((LavaFixed(), integer_pipeline), (LavaFloat(), float_pipeline)):
        program = compiled(graph, mapping, pipeline)
        here = reference.run(program, stimulus)
        there = target.run(program, stimulus, Record(state=True))
        if pipeline is integer_pipeline:
            assert_equal(here, there)
            continue
        for name, recording in here.recordings.items():
            np.testing.assert_allclose(recording.output, there[name].output, atol=1e-9)


@BOTH
@pytest.mark.parametrize("make", [vgg, lambda: vgg(9), resnet], ids=["pools", "odd", "branches"])
def test_onnx_does_the_same(make, mapping):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from eideploy_targets.onnx import Onnx, OnnxFixed

    graph = make()
    stimulus = frames(int(graph.nodes["input"].input_type["input"][-1]))
    program = compiled(graph, mapping, integer_pipeline)
    assert_equal(reference.run(program, stimulus), OnnxFixed().run(program, stimulus, Record()))
    program = compiled(graph, mapping, float_pipeline)
    there = Onnx().run(program, stimulus, Record())
    for name, recording in reference.run(program, stimulus).recordings.items():
        np.testing.assert_allclose(recording.output, there[name].output, atol=1e-9)
