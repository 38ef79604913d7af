"""A trained network as a NIR graph, module by module."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import nir
import numpy as np
import torch
from numpy.typing import ArrayLike

from eideploy import __version__, cells
from eideploy.errors import GraphError, InputError, UnsupportedError
from eideploy.graph.check import validate
from eideploy.graph.codec import Shape
from eideploy.graph.context import within
from eideploy.graph.dialect import EIConv2d, EILinear
from eideploy.graph.export.folded import fold
from eideploy.graph.export.layers import plain_layer
from eideploy.graph.export.naming import INPUT, Node, wire
from eideploy.graph.numbers import Array
from eideploy.graph.repair import Edge, GraphWarning
from eideploy.graph.shapes import apply, output_shape
from eideploy.graph.soft_reset import SoftResetLIF

Form = Literal["ei", "folded"]


def export(
    network: torch.nn.Module,
    *,
    input_shape: Sequence[int],
    dt: float,
    form: Form = "ei",
    shunt_means: Mapping[str, ArrayLike] | None = None,
    high: float | None = None,
    levels: int | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> nir.NIRGraph:
    """Write a trained network as a graph.

    A LIF with v ← v − v/τ + I, τ in steps, becomes NIR's v ← v + dt/τ'·((v_leak − v) + R·I) with
    τ' = τ·dt seconds, R = τ and v_leak = 0. Weights keep their dtype; the constants of neurons are
    float64, since τ' is seldom a float32 number. A BatchNorm is folded into the layer in front of
    it, see `eideploy.graph.export.layers`. A residual block becomes two branches whose outputs both
    lead to what follows, since a node adds up what its edges bring.

    Args:
        network: as `node_names` takes it, its floors calibrated.
        input_shape: shape of one sample of one step, [features] or [channels, height, width].
        dt: length of a step in seconds, > 0.
        form: "ei" keeps the circuits, as dialect nodes; "folded" approximates each by one plain
            layer with R multiplied into it, so that the LIF has R = 1.
        shunt_means: mean divisors from `calibrate_shunt_means`, for the folded form.
        high: largest input value, kept in the metadata of the Input.
        levels: kept there too; every input is k/levels with a whole number k.
        metadata: more about the graph, such as `model` and `steps`; dt, form, decode and
            eideploy_version are always there.

    Returns:
        A graph whose nodes are Input `input`, those of `node_names`, and Output `output`.

    Warns:
        GraphWarning: the folded form of a network with soft reset, which plain NIR cannot say.

    Raises:
        UnsupportedError: a module of the network has no node; names it.
        GraphError: shapes do not fit together, a weight is negative or not finite, a floor is not
            calibrated, or a mean divisor is wrong; names the node.
        InputError: dt or the form is wrong.
    """
    if form not in get_args(Form):
        raise InputError(f"unknown form {form!r}", f"Use one of: {', '.join(get_args(Form))}.")
    if not 0 < dt < math.inf:
        raise InputError(f"dt is {dt!r}, expected a positive number of seconds")
    shape: Shape = tuple(int(n) for n in input_shape)
    about = {"high": high, "levels": levels}
    source = nir.Input(
        {"input": np.array(shape)},
        metadata={key: value for key, value in about.items() if value is not None},
    )
    wired, ends = wire(network)
    nodes: dict[str, nir.NIRNode] = {INPUT: source}
    shapes = {INPUT: shape}
    edges: list[Edge] = []
    for node in wired:
        with within(f"node {node.name!r}"):
            nodes[node.name], shapes[node.name] = _node(node, shapes, dt)
        edges += [(before, node.name) for before in node.sources]
    if form == "folded":
        nodes = fold(nodes, edges, shunt_means or {})
        _warn_of_soft_reset(nodes)
    nodes["output"] = nir.Output({"output": np.array(shapes[ends[0]])})
    edges += [(end, "output") for end in ends]
    graph = nir.NIRGraph(
        nodes,
        edges,
        metadata={
            **(metadata or {}),
            "dt": float(dt),
            "form": form,
            "decode": "mean",
            "eideploy_version": __version__,
        },
        type_check=False,
    )
    apply(graph, validate(graph))
    return graph


def _node(node: Node, shapes: Mapping[str, Shape], dt: float) -> tuple[nir.NIRNode, Shape]:
    """What a module becomes, given the output shapes of those before it, and its output shape."""
    module, shape = node.module, shapes[node.sources[0]]
    if isinstance(module, cells.EICircuit):
        circuit = _circuit(module, shape)
        return circuit, tuple(int(n) for n in circuit.output_type["output"])
    made: nir.NIRNode
    if isinstance(module, (cells.LIF, cells.LIFCell)):
        made = _neuron(module, shape, dt)
    elif isinstance(module, torch.nn.AvgPool2d):
        made = _pool(module)
    elif isinstance(module, torch.nn.Flatten):
        made = _flatten(module, shape)
    else:
        made = plain_layer(module, shape)
    return made, output_shape(made, shape)


def _flatten(module: torch.nn.Flatten, shape: Shape) -> nir.Flatten:
    # The module counts batch and time in front; a node counts the axes of one sample.
    if module.end_dim != -1 or module.start_dim not in (1, 2, -len(shape)):
        raise UnsupportedError(
            f"Flatten({module.start_dim}, {module.end_dim}) keeps some axes of a sample apart",
            "Flatten all of them, with torch.nn.Flatten(2) where input is [T, B, …].",
        )
    return nir.Flatten({"input": np.array(shape)}, start_dim=0, end_dim=-1)


def _circuit(module: cells.EICircuit, shape: Shape) -> EILinear | EIConv2d:
    names = ("weight_ee", "weight_ie", "weight_ei", "gain_i", "gain_e", "bias", "floor")
    fields: dict[str, Any] = {name: _array(getattr(module, name)) for name in names}
    if isinstance(module, cells.EILinear):
        return EILinear(**fields, divisive=module.divisive)
    if not isinstance(module, cells.EIConv2d):
        raise UnsupportedError(f"there is no node for a {type(module).__name__}")
    if len(shape) != 3:
        raise GraphError(
            f"takes [channels, height, width], gets shape {list(shape)}",
            "Check input_shape and the order of the modules.",
        )
    return EIConv2d(
        (shape[1], shape[2]),
        **fields,
        divisive=module.divisive,
        stride=module.stride,
        padding=module.padding,
    )


def _neuron(module: cells.LIF | cells.LIFCell, shape: Shape, dt: float) -> nir.LIF | SoftResetLIF:
    tau, r = np.full(shape, module.tau * dt), np.full(shape, float(module.tau))
    v_leak, v_threshold = np.zeros(shape), np.full(shape, float(module.threshold))
    if module.reset == "subtract":
        return SoftResetLIF(tau, r, v_leak, v_threshold)
    return nir.LIF(tau, r, v_leak, v_threshold, v_reset=np.zeros(shape))


def _pool(module: torch.nn.Module) -> nir.AvgPool2d:
    pads = np.any(module.padding)
    if module.ceil_mode or module.divisor_override or (pads and not module.count_include_pad):
        raise UnsupportedError(
            f"{module} cannot be expressed in NIR",
            "Use AvgPool2d without ceil_mode, divisor_override or count_include_pad=False.",
        )
    window = (module.kernel_size, module.stride, module.padding)
    return nir.AvgPool2d(*(np.broadcast_to(np.asarray(v), (2,)).copy() for v in window))


def _warn_of_soft_reset(nodes: Mapping[str, nir.NIRNode]) -> None:
    soft = [name for name, node in nodes.items() if isinstance(node, SoftResetLIF)]
    if soft:
        warnings.warn(
            f"node {', '.join(map(repr, soft))}: soft reset is not part of standard NIR, so other "
            "tools will refuse the folded graph; train with reset: zero for one they read",
            GraphWarning,
            stacklevel=3,
        )


def _array(tensor: torch.Tensor) -> Array:
    array: Array = tensor.detach().cpu().numpy().copy()
    return array
