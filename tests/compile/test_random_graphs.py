"""Random graphs over all supported nodes: what their equations say is what their Programs do."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from eideploy.compile import CompileOptions, float_pipeline, integer_pipeline, run_passes
from eideploy.compile.ranges import port_ranges
from eideploy.graph import EIConv2d, EILinear, SoftResetLIF
from eideploy.program import Program, Stimulus, encode
from eideploy.simulate import reference, twin

Array = NDArray[Any]
DT = 1e-3

# --- the equations, node by node and step by step ---


def interpret(graph: nir.NIRGraph, stimulus: Stimulus) -> dict[str, Array]:
    """What every node gives out, [sample, step, *shape], and `name.v` for every potential.

    Inputs of a node add up. An edge to a node that is listed earlier closes a loop: what it
    carries arrives one step later.
    """
    order = {name: index for index, name in enumerate(graph.nodes)}
    seen: dict[str, list[Array]] = {}
    for sample in range(stimulus.samples):
        last: dict[str, Array] = {}
        states: dict[str, dict[str, Array]] = {name: {} for name in order}
        for step in range(stimulus.steps):
            now: dict[str, Array] = {}
            for name, node in graph.nodes.items():
                if isinstance(node, nir.Input):
                    now[name] = stimulus.values[name][sample, step]
                    continue
                x: Any = 0.0
                for source, target in graph.edges:
                    if target == name:
                        closes = order[source] >= order[name]
                        x = x + (last.get(source, np.zeros(1)) if closes else now[source])
                now[name] = _node(node, x, states[name])
                if "v" in states[name]:
                    seen.setdefault(f"{name}.v", []).append(states[name].pop("tested"))
            for name, value in now.items():
                seen.setdefault(name, []).append(value)
            last = now
    return {
        name: np.reshape(values, (stimulus.samples, stimulus.steps, *np.shape(values[0])))
        for name, values in seen.items()
    }


def _node(node: nir.NIRNode, x: Array, state: dict[str, Array]) -> Array:
    match node:
        case nir.Output():
            return x
        case nir.Flatten():
            return x.ravel()
        case nir.Linear():
            return _dense(node.weight, x)
        case nir.Affine():
            return _dense(node.weight, x) + node.bias
        case nir.Conv2d():
            return _convolution(node, node.weight, x) + node.bias[:, None, None]
        case nir.AvgPool2d() | nir.SumPool2d():
            return _pool(node, x)
        case EILinear() | EIConv2d():
            return _circuit(node, x)
    return _neuron(node, x, state)


def _dense(weight: Array, x: Array) -> Array:
    return weight @ np.broadcast_to(x, weight.shape[1])  # nothing has arrived yet: one 0 for all


def _convolution(node: nir.NIRNode, weight: Array, x: Array) -> Array:
    """Tap by tap of the kernel, group by group."""
    groups, (dh, dw) = getattr(node, "groups", 1), getattr(node, "dilation", (1, 1))
    (sh, sw), kernel = node.stride, weight.shape[2:]
    same = isinstance(node.padding, str)
    ph, pw = (dh * (kernel[0] - 1) // 2, dw * (kernel[1] - 1) // 2) if same else node.padding
    x = np.pad(x, ((0, 0), (ph, ph), (pw, pw)))
    height = (x.shape[1] - dh * (kernel[0] - 1) - 1) // sh + 1
    width = (x.shape[2] - dw * (kernel[1] - 1) - 1) // sw + 1
    out, inside = len(weight) // groups, weight.shape[1]
    y = np.zeros((len(weight), height, width))
    for o in range(len(weight)):
        for c in range(inside):
            channel = x[o // out * inside + c]
            for i in range(kernel[0]):
                for j in range(kernel[1]):
                    rows = slice(i * dh, i * dh + (height - 1) * sh + 1, sh)
                    columns = slice(j * dw, j * dw + (width - 1) * sw + 1, sw)
                    y[o] += weight[o, c, i, j] * channel[rows, columns]
    return y


def _pool(node: nir.NIRNode, x: Array) -> Array:
    """Window by window."""
    (kh, kw), (sh, sw), (ph, pw) = node.kernel_size, node.stride, node.padding
    x = np.pad(x, ((0, 0), (ph, ph), (pw, pw)))
    rows, columns = range(0, x.shape[1] - kh + 1, sh), range(0, x.shape[2] - kw + 1, sw)
    y = np.array([[x[:, i : i + kh, j : j + kw].sum((1, 2)) for j in columns] for i in rows])
    return y.transpose(2, 0, 1) / (kh * kw if isinstance(node, nir.AvgPool2d) else 1)


def _circuit(node: nir.NIRNode, x: Array) -> Array:
    def synapses(weight: Array, x: Array) -> Array:
        return weight @ x if isinstance(node, EILinear) else _convolution(node, weight, x)

    def channels(values: Array) -> Array:
        return values if isinstance(node, EILinear) else values[:, None, None]

    inhibition = synapses(node.weight_ie, x)
    balanced = synapses(node.weight_ee, x) - np.tensordot(node.weight_ei, inhibition, 1)
    if not node.divisive:
        return balanced
    shunt = np.tensordot(node.weight_ei, channels(node.gain_i) * inhibition, 1)
    current = channels(node.gain_e) * balanced / np.maximum(shunt, node.floor)
    return current + channels(node.bias)


def _neuron(node: nir.NIRNode, x: Array, state: dict[str, Array]) -> Array:
    leak = getattr(node, "v_leak", np.zeros_like(node.r))
    v = state.get("v", leak)
    if isinstance(node, (nir.CubaLIF, nir.CubaLI)):
        current = state.get("i", np.zeros_like(leak))
        current = state["i"] = current + DT / node.tau_syn * (node.w_in * x - current)
        v = v + DT / node.tau_mem * (leak - v + node.r * current)
    elif isinstance(node, (nir.IF, nir.I)):
        v = v + DT * node.r * x
    else:
        v = v + DT / node.tau * (leak - v + node.r * x)
    state["tested"] = state["v"] = v
    if isinstance(node, (nir.LI, nir.CubaLI, nir.I)):
        return v
    spikes = v > node.v_threshold
    after = v - node.v_threshold if isinstance(node, SoftResetLIF) else node.v_reset
    state["v"] = np.where(spikes, after, v)
    return spikes.astype(float)


# --- what must hold ---


def check_float(graph: nir.NIRGraph, stimulus: Stimulus, options: CompileOptions) -> None:
    """The reference on the float Program gives what the equations of the graph give."""
    program = run_passes(float_pipeline(options), graph)
    expected = interpret(graph, stimulus)
    trace = reference.run(program, stimulus)
    for name, recording in trace.recordings.items():
        if name.endswith(".inhibitory"):
            continue
        # Names of relays and neurons are those of nodes.
        np.testing.assert_allclose(
            recording.output, expected[name], rtol=1e-9, atol=1e-9, err_msg=name
        )
        if "v" in recording.state:
            np.testing.assert_allclose(
                recording.state["v"], expected[f"{name}.v"], rtol=1e-9, atol=1e-9, err_msg=name
            )


def check_integer(graph: nir.NIRGraph, stimulus: Stimulus, options: CompileOptions) -> None:
    """The twin agrees with the reference bit for bit, and no port leaves its proven range."""
    program = run_passes(integer_pipeline(options), graph)
    one, other = (run(program, stimulus) for run in (reference.run, twin.run))
    for name, recording in one.recordings.items():
        np.testing.assert_array_equal(recording.output, other[name].output, err_msg=name)
        for variable, values in recording.state.items():
            np.testing.assert_array_equal(values, other[name].state[variable], err_msg=name)
    check_ranges(program, stimulus, one)


def check_ranges(program: Program, stimulus: Stimulus, trace: Any) -> None:
    emitted = {name: r.output.astype(np.int64) for name, r in trace.recordings.items()} | encode(
        program, stimulus
    )
    for (name, port), bound in port_ranges(program).items():
        total: Any = np.zeros((), np.int64)
        for projection in program.into(name):
            if projection.port == port:
                sent, lag = emitted[projection.source], program.lag(projection)
                arrived = [
                    [
                        reference.deliver(projection, x).reshape(program.by_name[name].shape)
                        for x in s
                    ]
                    for s in sent
                ]
                late = np.zeros_like(arrived)
                late[:, lag:] = np.array(arrived)[:, : len(sent[0]) - lag]
                total = total + late
        assert np.all(total >= bound.low), (name, port)
        assert np.all(total <= bound.high), (name, port)


@settings(max_examples=100)
@given(data=st.data())
def test_a_float_program_does_what_the_equations_of_its_graph_say(graphs, data):
    check_float(*data.draw(graphs(integer=False)))


@settings(max_examples=100)
@given(data=st.data())
def test_an_integer_program_is_the_same_for_twin_and_proof(graphs, data):
    check_integer(*data.draw(graphs(integer=True)))


@pytest.mark.slow
@settings(max_examples=600)
@given(data=st.data())
def test_many_float_programs_do_what_the_equations_say(graphs, data):
    check_float(*data.draw(graphs(integer=False)))


@pytest.mark.slow
@settings(max_examples=600)
@given(data=st.data())
def test_many_integer_programs_are_the_same_for_twin_and_proof(graphs, data):
    check_integer(*data.draw(graphs(integer=True)))
