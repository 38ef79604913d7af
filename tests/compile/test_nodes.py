"""Each node of NIR by itself: what becomes of it, and that it does what it says."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import nir
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from eideploy.compile import CompileOptions, float_pipeline, run_passes
from eideploy.errors import GraphError
from eideploy.graph import GraphWarning
from eideploy.program import Conv2d, Dense, Identity, Integrator, Program, Relay, Stimulus, Trace
from eideploy.simulate import reference

DT = 1e-3
RNG = np.random.default_rng(0)


def network(shape: tuple[int, ...], **nodes: nir.NIRNode) -> nir.NIRGraph:
    """An Input, the nodes in a row, and an Output of their last shape."""
    first = nir.Input({"input": np.array(shape)})
    first.metadata = {"low": -4.0, "high": 4.0}
    whole = {"input": first, **nodes}
    return nir.NIRGraph(whole, list(pairwise(whole)), metadata={"dt": DT}, type_check=False)


def output(*shape: int) -> nir.Output:
    return nir.Output({"output": np.array(shape)})


def li(*shape: int) -> nir.LI:
    """A membrane that forgets within a step: it gives its input."""
    one = np.ones(shape)
    return nir.LI(DT * one, one, 0 * one)


def compiled(graph: nir.NIRGraph, **options: Any) -> Program:
    return run_passes(float_pipeline(CompileOptions(**options)), graph)


def frames(*shape: int, steps: int = 5) -> np.ndarray[Any, Any]:
    return RNG.integers(0, 17, (2, steps, *shape)) / 16


def run(program: Program, x: np.ndarray[Any, Any]) -> Trace:
    return reference.run(program, Stimulus({"input": x}))


# --- biases ---


def test_the_bias_in_front_of_an_output_is_that_of_a_relay():
    weight, bias = RNG.normal(size=(3, 4)), RNG.normal(size=3)
    program = compiled(network((4,), affine=nir.Affine(weight, bias), output=output(3)))
    assert isinstance(program.by_name["affine"].neuron, Relay)
    x = frames(4)
    np.testing.assert_allclose(run(program, x)["affine"].output, x @ weight.T + bias)


def test_the_bias_of_a_convolution_in_front_of_an_output_is_kept_once_for_each_channel():
    weight, bias = RNG.normal(size=(3, 2, 3, 3)), RNG.normal(size=3)
    conv = nir.Conv2d((5, 5), weight, 1, 1, 1, 1, bias)
    program = compiled(network((2, 5, 5), conv=conv, output=output(3, 5, 5)))
    neuron = program.by_name["conv"].neuron
    assert isinstance(neuron, Relay)
    np.testing.assert_array_equal(neuron.bias, bias.reshape(3, 1, 1))


def test_a_bias_passes_the_synaptic_filter():
    """It adds to the current, with the gain of the weights, and stays when that is folded."""
    tau_syn, tau_mem = np.array([4 * DT, 2 * DT]), np.array([5 * DT, 8 * DT])
    r, leak, w_in = np.array([3.0, 0.5]), np.array([0.1, -0.2]), np.array([2.0, 0.7])
    weight, bias = RNG.normal(size=(2, 3)), np.array([0.3, -0.4])
    cuba = nir.CubaLI(tau_syn, tau_mem, r, leak, w_in)
    program = compiled(network((3,), w=nir.Affine(weight, bias), cuba=cuba, output=output(2)))
    neuron = program.by_name["cuba"].neuron
    assert isinstance(neuron, Integrator)
    gain = DT / tau_syn * w_in * DT / tau_mem * r
    np.testing.assert_allclose(neuron.current_bias, gain * bias)
    assert np.all(neuron.gain == 1)
    np.testing.assert_allclose(program.into("cuba")[0].operator.weight, gain[:, None] * weight)
    x = frames(3, steps=12)
    for sample, trace in zip(x, run(program, x)["cuba"].output, strict=True):
        i, v = np.zeros(2), leak
        for t, values in enumerate(sample):
            i = i + DT / tau_syn * (w_in * (weight @ values + bias) - i)
            v = v + DT / tau_mem * (leak - v + r * i)
            np.testing.assert_allclose(trace[t], v)


# --- Scale ---

FACTORS = np.array([2.0, -0.5])
PER_CHANNEL = nir.Scale(np.broadcast_to(FACTORS[:, None, None], (2, 4, 4)).copy())
PER_PIXEL = nir.Scale(RNG.uniform(1, 2, (2, 4, 4)))
CONV = nir.Conv2d((4, 4), RNG.normal(size=(2, 1, 3, 3)), 1, 1, 1, 2, RNG.normal(size=2))
POOL = nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
MATRIX = nir.Affine(RNG.normal(size=(2, 2)), RNG.normal(size=2))

SCALED = {
    "in front of a matrix": ((2,), {"s": nir.Scale(FACTORS), "w": MATRIX, "li": li(2)}),
    "behind a matrix": ((2,), {"w": MATRIX, "s": nir.Scale(FACTORS), "li": li(2)}),
    "on both sides": (
        (2,),
        {"s": nir.Scale(FACTORS), "w": MATRIX, "t": nir.Scale(FACTORS), "li": li(2)},
    ),
    "in a row": ((2,), {"s": nir.Scale(FACTORS), "t": nir.Scale(FACTORS), "li": li(2)}),
    "of channels in front": ((2, 4, 4), {"s": PER_CHANNEL, "w": CONV, "li": li(2, 4, 4)}),
    "of channels behind": ((2, 4, 4), {"w": CONV, "s": PER_CHANNEL, "li": li(2, 4, 4)}),
    "of channels behind a pool": (
        (2, 4, 4),
        {"p": POOL, "s": nir.Scale(PER_CHANNEL.scale[:, :2, :2]), "li": li(2, 2, 2)},
    ),
    "of channels between pool and matrix": (
        (1, 2, 4),
        {
            "p": POOL,
            "s": nir.Scale(np.full((1, 1, 2), 3.0)),
            "f": nir.Flatten({"input": np.array([1, 1, 2])}, 0, -1),
            "w": MATRIX,
            "li": li(2),
        },
    ),
    "of channels in front of a pool": ((2, 4, 4), {"s": PER_CHANNEL, "p": POOL, "li": li(2, 2, 2)}),
}


@pytest.mark.parametrize("where", SCALED)
def test_a_scale_becomes_part_of_the_weights_beside_it(where):
    shape, nodes = SCALED[where]
    program = compiled(network(shape, **nodes, output=output(*nodes["li"].r.shape)))
    assert set(program.by_name) == {"input", "li"}
    x = frames(*shape)
    np.testing.assert_allclose(run(program, x)["li"].output, apply(nodes, x))


def apply(nodes: dict[str, nir.NIRNode], x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    y = torch.tensor(x).flatten(0, 1)
    for node in nodes.values():
        match node:
            case nir.Scale():
                y = y * torch.tensor(node.scale)
            case nir.Affine():
                y = functional.linear(y, torch.tensor(node.weight), torch.tensor(node.bias))
            case nir.Conv2d():
                weight, bias = torch.tensor(node.weight), torch.tensor(node.bias)
                y = functional.conv2d(y, weight, bias, padding=1, groups=node.groups)
            case nir.Flatten():
                y = y.flatten(1)
            case nir.AvgPool2d():
                y = functional.avg_pool2d(y, 2)
    return y.unflatten(0, x.shape[:2]).numpy()


def test_a_scale_that_no_kernel_can_hold_has_a_weight_for_each_neuron():
    nodes = {"w": CONV, "s": PER_PIXEL, "v": CONV, "li": li(2, 4, 4)}
    program = compiled(network((2, 4, 4), **nodes, output=output(2, 4, 4)))
    (into,) = program.into("s")
    assert isinstance(into.operator, Identity)
    np.testing.assert_array_equal(into.operator.weight, PER_PIXEL.scale.ravel())
    assert all(isinstance(p.operator, (Conv2d, Identity)) for p in program.projections)
    x = frames(2, 4, 4)
    np.testing.assert_allclose(run(program, x)["li"].output, apply(nodes, x))


# --- Threshold ---


def test_a_threshold_is_strict_and_remembers_nothing():
    theta = np.array([0.5, -0.25, 0.75])
    program = compiled(network((3,), t=nir.Threshold(theta), output=output(3)))
    x = RNG.integers(-2, 5, (2, 20, 3)) / 4
    assert np.any(x == theta)
    np.testing.assert_array_equal(run(program, x)["t"].output, x > theta)


# --- Delay ---


def late(x: np.ndarray[Any, Any], steps: int) -> np.ndarray[Any, Any]:
    return np.concatenate([np.zeros_like(x[:, :steps]), x], axis=1)[:, : x.shape[1]]


def test_a_delay_is_that_of_the_projections_behind_it():
    delay = nir.Delay(np.full(4, 3 * DT))
    weight = RNG.normal(size=(2, 4))
    program = compiled(
        network((4,), d=delay, w=nir.Linear(weight), li=li(2), end=nir.Delay(np.full(2, DT)),
                output=output(2))
    )  # fmt: skip
    assert set(program.by_name) == {"input", "li", "output"}
    assert [program.lag(p) for p in program.projections] == [3, 1]
    # What waits in the network anyway costs no latency.
    assert [p.offset for p in program.populations] == [0, 0, 0]
    x = frames(4, steps=8)
    np.testing.assert_allclose(run(program, x)["output"].output, late(x, 4) @ weight.T)


def test_delays_that_differ_have_a_projection_each():
    steps = np.array([0, 2, 2, 70])
    program = compiled(network((4,), d=nir.Delay(DT * steps), li=li(4), output=output(4)))
    assert isinstance(program.by_name["d"].neuron, Relay)
    assert sum(p.target == "d" for p in program.projections) == 3
    assert max(p.delay for p in program.projections) <= 62
    x = frames(4, steps=75)
    expected = np.stack([late(x[..., [n]], d)[..., 0] for n, d in enumerate(steps)], axis=-1)
    np.testing.assert_array_equal(run(program, x)["li"].output, expected)


def test_a_bias_in_front_of_a_delay_comes_late_and_one_behind_it_does_not():
    bias, none = np.array([0.5, -1.0]), np.zeros((2, 2))
    delay = nir.Delay(np.full(2, 2 * DT))
    x = frames(2)
    first = compiled(network((2,), w=nir.Affine(none, bias), d=delay, li=li(2), output=output(2)))
    there = np.broadcast_to(bias, x.shape)
    np.testing.assert_array_equal(run(first, x)["li"].output, late(there, 2))
    then = compiled(network((2,), d=delay, w=nir.Affine(none, bias), li=li(2), output=output(2)))
    np.testing.assert_array_equal(run(then, x)["li"].output, there)


def test_a_delay_of_part_of_a_step_is_rounded_with_a_warning():
    graph = network((2,), d=nir.Delay(np.array([2 * DT, 1.4 * DT])), li=li(2), output=output(2))
    with pytest.warns(GraphWarning, match=r"'d'.*0\.0014 s is 1\.4 steps.*taken for 1"):
        program = compiled(graph)
    x = frames(2)
    expected = np.stack([late(x[..., 0], 2), late(x[..., 1], 1)], axis=-1)
    np.testing.assert_array_equal(run(program, x)["li"].output, expected)


# --- convolutions ---


@pytest.mark.filterwarnings("ignore:Using padding='same' with even:UserWarning")
@settings(max_examples=40)
@given(data=st.data())
def test_convolutions_are_those_of_torch(data):
    axes = data.draw(st.sampled_from([1, 2]))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(data.draw(st.integers(low, high)) for _ in range(axes))

    size, kernel, dilation = each(3, 7), each(1, 4), each(1, 3)
    padding: Any = data.draw(st.sampled_from(["same", "valid", None])) or each(0, 2)
    stride = (1,) * axes if padding == "same" else each(1, 3)
    groups, inside = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 2))
    n = groups * data.draw(st.integers(1, 2))
    weight, bias = RNG.normal(size=(n, inside, *kernel)), RNG.normal(size=n)
    kind: Callable[..., Any] = nir.Conv1d if axes == 1 else nir.Conv2d
    numbers = [v if isinstance(v, str) or axes == 2 else v[0] for v in (stride, padding, dilation)]
    conv = kind(size if axes == 2 else size[0], weight, *numbers, groups, bias)
    x = frames(groups * inside, *size, steps=2)
    function = functional.conv1d if axes == 1 else functional.conv2d
    assume(all(k <= n for k, n in zip(_reach(kernel, dilation), size, strict=True)))
    expected = function(
        torch.tensor(x).flatten(0, 1),
        torch.tensor(weight),
        torch.tensor(bias),
        stride,
        padding,
        dilation,
        groups,
    ).unflatten(0, (2, 2))
    shape = tuple(expected.shape[2:])
    program = compiled(
        network((groups * inside, *size), conv=conv, li=li(*shape), output=output(*shape))
    )
    assert isinstance(program.into("li")[0].operator, Conv2d)
    np.testing.assert_allclose(run(program, x)["li"].output, expected, atol=1e-12)


def _reach(kernel: tuple[int, ...], dilation: tuple[int, ...]) -> list[int]:
    return [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]


def test_same_with_an_even_reach_pads_behind():
    conv = nir.Conv1d(5, np.ones((1, 1, 2)), 1, "same", 3, 1, np.zeros(1))
    program = compiled(network((1, 5), conv=conv, li=li(1, 5), output=output(1, 5)))
    x = np.arange(5.0).reshape(1, 1, 1, 5)
    # y[i] = x[i − 1] + x[i + 2]
    np.testing.assert_array_equal(run(program, x)["li"].output[0, 0, 0], [2, 3, 5, 2, 3])


def test_a_kernel_that_looks_at_another_shape_has_a_relay_in_front():
    flat = nir.Flatten({"input": np.array([2, 3, 4])}, 1, 2)
    weight, bias = RNG.normal(size=(2, 2, 3)), RNG.normal(size=2)
    conv = nir.Conv1d(12, weight, 1, "same", 1, 1, bias)
    program = compiled(network((2, 3, 4), flat=flat, conv=conv, li=li(2, 12), output=output(2, 12)))
    x = frames(2, 3, 4)
    rows = torch.tensor(x).reshape(10, 2, 12)
    expected = functional.conv1d(rows, torch.tensor(weight), torch.tensor(bias), padding="same")
    np.testing.assert_allclose(run(program, x)["li"].output.reshape(10, 2, 12), expected)


def test_a_pool_that_leaves_one_row_becomes_part_of_a_kernel_over_a_sequence():
    flat = nir.Flatten({"input": np.array([2, 1, 4])}, 1, 2)
    weight = RNG.normal(size=(3, 2, 3))
    conv = nir.Conv1d(4, weight, 1, "same", 1, 1, np.zeros(3))
    nodes = {"pool": POOL, "flat": flat, "conv": conv, "li": li(3, 4)}
    program = compiled(network((2, 2, 8), **nodes, output=output(3, 4)))
    assert set(program.by_name) == {"input", "li"}
    x = frames(2, 2, 8)
    rows = functional.avg_pool2d(torch.tensor(x).flatten(0, 1), 2).flatten(2)
    expected = functional.conv1d(rows, torch.tensor(weight), padding=1).unflatten(0, (2, 5))
    np.testing.assert_allclose(run(program, x)["li"].output, expected, atol=1e-12)


# --- the whole ---


def test_no_matrix_is_made_of_a_convolution():
    flat = nir.Flatten({"input": np.array([2, 2, 2])}, 0, -1)
    nodes = {"s": PER_PIXEL, "w": CONV, "t": PER_CHANNEL, "if1": nir.IF(*[np.ones((2, 4, 4))] * 2)}
    nodes |= {"v": CONV, "d": nir.Delay(np.full((2, 4, 4), DT)), "pool": POOL, "li": li(2, 2, 2)}
    nodes |= {"flat": flat, "readout": nir.Linear(np.ones((2, 8))), "output": output(2)}
    for pool in ("fold", "relay"):
        program = compiled(network((2, 4, 4), **nodes), pool=pool)
        matrices = [p.name for p in program.projections if isinstance(p.operator, Dense)]
        assert matrices == ["li→readout.input"]


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (nir.Delay(np.array([DT, -DT])), r"'x': delay is -0\.001 s, expected ≥ 0"),
        (
            nir.Conv1d(2, np.ones((1, 1, 1)), 2, "same", 1, 1, np.zeros(1)),
            "'x'.*'same'.*stride is 2",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(node, message):
    shape = (1, 2) if isinstance(node, nir.Conv1d) else (2,)
    with pytest.raises(GraphError, match=message):
        compiled(network(shape, x=node, li=li(*shape), output=output(*shape)))
