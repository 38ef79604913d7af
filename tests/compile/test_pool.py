"""Pools become part of the kernels behind them: against torch's own pools and convolutions."""

from __future__ import annotations

import itertools
from typing import Any

import nir
import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn import functional

from eideploy.compile import CompileOptions, float_pipeline, integer_pipeline, run_passes
from eideploy.compile.pool import behind_pool
from eideploy.graph import EIConv2d, EILinear
from eideploy.program import Conv2d, Dense, Identity, Operator, Program, Relay, Stimulus
from eideploy.simulate import reference, twin

BOTH = pytest.mark.parametrize("mapping", ["fused", "explicit"])
CHANNELS = 4

# --- the operators ---


@st.composite
def pools(draw: st.DrawFn) -> tuple[Conv2d, tuple[int, int, int]]:
    """A mean or sum over windows, which may overlap, pad or leave rows over, and its input."""
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.just(kernel) | st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = tuple(draw(st.sampled_from([0, 0, k // 2])) for k in kernel)
    assume(all(n + 2 * p >= k for n, p, k in zip(size, padding, kernel, strict=True)))
    tap = draw(st.sampled_from([1.0, 1 / (kernel[0] * kernel[1])]))
    weight = np.full((CHANNELS, 1, *kernel), tap)
    return Conv2d(weight, stride, padding, groups=CHANNELS), (CHANNELS, *size)


@st.composite
def convolutions(draw: st.DrawFn) -> Conv2d:
    two = st.tuples(*[st.integers(1, 3)] * 2)
    groups, padding = draw(st.sampled_from([1, 2, 4])), draw(st.tuples(*[st.integers(0, 2)] * 2))
    weight = rng(draw).normal(size=(groups * 2, CHANNELS // groups, *draw(two)))
    return Conv2d(weight, draw(two), padding, draw(two), groups)


def rng(draw: st.DrawFn) -> np.random.Generator:
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1)))


def convolved(operator: Conv2d, x: torch.Tensor) -> torch.Tensor:
    weight = torch.tensor(operator.weight)
    geometry = operator.stride, operator.padding, operator.dilation, operator.groups
    return functional.conv2d(x[None], weight, None, *geometry)[0]


def pooled(pool: Conv2d, x: torch.Tensor) -> torch.Tensor:
    """By torch's pool, which knows nothing of the weights that stand for it here."""
    kernel = pool.weight.shape[2:]
    mean = functional.avg_pool2d(x[None], kernel, pool.stride, pool.padding)[0]
    return mean if pool.weight.flat[0] != 1 else mean * (kernel[0] * kernel[1])


@given(pools(), convolutions(), st.data())
def test_a_pool_and_a_convolution_are_one_convolution_or_none(pool_and_shape, after, data):
    pool, shape = pool_and_shape
    x = torch.tensor(rng(data.draw).normal(size=shape))
    y = pooled(pool, x)
    assume(min(after.output_shape(tuple(y.shape))) > 0)
    z = convolved(after, y)
    folded = behind_pool(pool, after, shape, tuple(y.shape), tuple(z.shape))
    whole = all(
        k == s and p == 0 and n % k == 0
        for k, s, p, n in zip(
            pool.weight.shape[2:], pool.stride, pool.padding, shape[1:], strict=True
        )
    )
    if folded is None:
        assert not whole
        assert max(after.padding) > 0
    else:
        assert folded.fits(shape, tuple(z.shape))
        np.testing.assert_allclose(reference.apply(folded, x.numpy()), z, atol=1e-12)


@given(pools(), st.data())
def test_a_pool_and_a_matrix_are_one_matrix(pool_and_shape, data):
    pool, shape = pool_and_shape
    random = rng(data.draw)
    x = torch.tensor(random.normal(size=shape))
    y = pooled(pool, x)
    weight = random.normal(size=(3, y.numel()))
    folded = behind_pool(pool, Dense(weight), shape, tuple(y.shape), (3,))
    assert isinstance(folded, Dense)
    np.testing.assert_allclose(folded.weight @ x.numpy().ravel(), weight @ y.numpy().ravel())


def test_the_kernel_of_two_by_two_and_three_by_three_is_six_by_six():
    pool = Conv2d(np.full((3, 1, 2, 2), 0.25), (2, 2), groups=3)
    weight = np.random.default_rng(0).normal(size=(5, 3, 3, 3))
    folded = behind_pool(pool, Conv2d(weight, padding=(1, 1)), (3, 8, 8), (3, 4, 4), (5, 4, 4))
    assert isinstance(folded, Conv2d)
    assert (folded.stride, folded.padding, folded.groups) == ((2, 2), (2, 2), 1)
    np.testing.assert_array_equal(folded.weight, np.kron(weight, np.full((2, 2), 0.25)))


@pytest.mark.parametrize(
    ("pool", "after", "folds"),
    [
        # 5 rows make 2; the convolution looks beyond them, where the fifth row is no zero.
        ({"size": 5, "window": 2, "stride": 2}, {"padding": (1, 1)}, False),
        ({"size": 5, "window": 2, "stride": 2}, {"padding": (0, 0)}, True),
        ({"size": 6, "window": 3, "stride": 2}, {"padding": (1, 1)}, False),
        # The pool of an ImageNet ResNet sees both edges itself.
        ({"size": 7, "window": 3, "stride": 2, "padding": (1, 1)}, {"padding": (1, 1)}, True),
        # Of 4 places, a stride of 2 reaches beyond the last, and one of 3 just to it.
        ({"size": 9, "window": 2, "stride": 2}, {"padding": (1, 1), "stride": (2, 2)}, False),
        ({"size": 9, "window": 2, "stride": 2}, {"padding": (1, 1), "stride": (3, 3)}, True),
    ],
)
def test_what_a_pool_drops_is_not_seen(pool, after, folds):
    geometry = (pool["stride"],) * 2, pool.get("padding", (0, 0))
    first = Conv2d(np.ones((1, 1, pool["window"], pool["window"])), *geometry)
    second = Conv2d(np.ones((1, 1, 2, 2)), **after)
    shape = (1, pool["size"], pool["size"])
    middle = first.output_shape(shape)
    operator = behind_pool(first, second, shape, middle, second.output_shape(middle))
    assert (operator is not None) == folds


def test_what_is_no_pool_is_left_alone():
    weight = np.array([1.0, 2.0]).reshape(2, 1, 1, 1)
    shape = (2, 3, 3)
    assert behind_pool(Identity(np.ones(())), Dense(np.ones((1, 18))), shape, shape, (1,)) is None
    for other in (Conv2d(weight, groups=2), Conv2d(np.ones((2, 2, 1, 1)))):
        assert behind_pool(other, Dense(np.ones((1, 18))), shape, shape, (1,)) is None


# --- the graphs ---


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


def network(nodes: dict[str, nir.NIRNode], edges: list[tuple[str, str]]) -> nir.NIRGraph:
    first = nir.Input({"input": np.array([2, 8, 8])})
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
    names = ["input", *nodes]
    graph = network(nodes, list(itertools.pairwise(names)))
    graph.nodes["input"].input_type["input"] = np.array([2, size, size])
    graph.nodes["input"].output_type["output"] = np.array([2, size, size])
    return graph


def compiled(
    graph: nir.NIRGraph, mapping: Any = "fused", pipeline: Any = float_pipeline
) -> Program:
    return run_passes(pipeline(CompileOptions(mapping=mapping)), graph)


def frames(size: int = 8) -> Stimulus:
    values = np.random.default_rng(5).integers(0, 17, (4, 6, 2, size, size)) / 16
    return Stimulus({"input": values})


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
    from_torch = vgg_in_torch(vgg(size), frames(size))
    program = compiled(vgg(size), mapping)
    # 9 rows make 4, and the circuit behind them, which pads, would see the ninth. The 5 that make 2
    # are followed by a matrix.
    assert ("pool1" in program.by_name) == (size == 9)
    assert "pool2" not in program.by_name
    trace = reference.run(program, frames(size))
    for name in ("lif1", "lif2"):
        np.testing.assert_array_equal(trace[name].output, from_torch[name])
        assert 0.02 < trace[name].output.mean() < 0.9
    np.testing.assert_allclose(trace["readout"].output, from_torch["readout"], atol=1e-9)


def vgg_in_torch(graph: nir.NIRGraph, stimulus: Stimulus) -> dict[str, Any]:
    """The equations of the circuits in float64 torch, all steps of all samples at once."""
    x = torch.tensor(stimulus.values["input"])
    seen = {}
    for name, node in graph.nodes.items():
        merged = x.flatten(0, 1)
        if isinstance(node, (EIConv2d, EILinear)):
            conv = isinstance(node, EIConv2d)
            rank = (-1, 1, 1) if conv else (-1,)
            weights = [torch.tensor(w) for w in (node.weight_ee, node.weight_ie, node.weight_ei)]
            apply: Any = (
                (lambda x, w: functional.conv2d(x, w, padding=1)) if conv else functional.linear
            )
            excited, inhibition = apply(merged, weights[0]), apply(merged, weights[1])
            balanced = excited - torch.einsum("oi,ni...->no...", weights[2], inhibition)
            gained = inhibition * torch.tensor(node.gain_i).reshape(rank)
            shunt = torch.einsum("oi,ni...->no...", weights[2], gained).clamp(min=0.01)
            current = torch.tensor(node.gain_e).reshape(rank) * balanced / shunt
            merged = current + torch.tensor(node.bias).reshape(rank) if node.divisive else balanced
        elif isinstance(node, nir.AvgPool2d):
            merged = functional.avg_pool2d(merged, 2)
        elif isinstance(node, nir.Flatten):
            merged = merged.flatten(1)
        x = merged.unflatten(0, x.shape[:2])
        if isinstance(node, nir.LIF):
            v, spikes = torch.zeros_like(x[:, 0]), torch.zeros_like(x)
            for t in range(x.shape[1]):
                v = v / 2 + x[:, t]
                spikes[:, t] = v > THRESHOLD
                v = v * (1 - spikes[:, t])
            x = spikes
        seen[name] = x.numpy()
    return seen


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
    integer, other = (run(program, frames(size)) for run in (reference.run, twin.run))
    for name, recording in integer.recordings.items():
        np.testing.assert_array_equal(recording.output, other[name].output, err_msg=name)
    for name in ("lif1", "lif2"):
        assert np.mean(integer[name].output == floating[name].output) > 0.95
    if size == 9:
        assert isinstance(program.by_name["pool1"].neuron, Relay)
        # The relay counts spikes, and loses none.
        counts = np.rint(4 * floating["pool1"].output)
        assert set(np.unique(integer["pool1"].output)) <= {0, 1, 2, 3, 4}
        assert np.mean(counts == integer["pool1"].output) > 0.98
