"""Small NIR graphs in few words, for cases.

All numbers are sums of few powers of two, so that float64 is exact. Where integers round them, the
stimulus is such that no potential comes near its threshold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import nir
import numpy as np

from eideploy.compile import CompileOptions
from eideploy.conform.case import Case
from eideploy.conform.cases.build import draw
from eideploy.graph import SoftResetCubaLIF, SoftResetIF, SoftResetLIF
from eideploy.program import Array, Stimulus

DT = 2.0**-10
"""Seconds of a step."""

Shape = tuple[int, ...]
Pair = tuple[int, int]


def graph(
    nodes: Mapping[str, nir.NIRNode],
    *edges: tuple[str, str],
    dt: float | None = DT,
    nested: bool = False,
) -> nir.NIRGraph:
    """A graph of nodes one behind the other, in their order, unless edges are given."""
    names = list(nodes)
    listed = list(edges) or list(pairwise(names))
    metadata = {} if dt is None or nested else {"dt": dt}
    made = nir.NIRGraph(dict(nodes), listed, metadata=metadata, type_check=False)
    for kind, ports in ((nir.Input, "input_type"), (nir.Output, "output_type")):
        found = {n: x for n, x in nodes.items() if isinstance(x, kind)}
        setattr(made, ports, {n: next(iter(x.input_type.values())) for n, x in found.items()})
    return made


def entry(*shape: int, low: float = 0.0, high: float = 1.0, levels: int = 1) -> nir.Input:
    """An Input of spikes, unless it says otherwise; of any value between the two with 0 levels."""
    node = nir.Input({"input": np.array(shape)})
    node.metadata = {"low": low, "high": high, "levels": levels}
    return node


def end(*shape: int) -> nir.Output:
    """An Output."""
    return nir.Output({"output": np.array(shape)})


def linear(rows: Any) -> nir.Linear:
    """Weights, [n_target, n_source]."""
    return nir.Linear(np.array(rows, dtype=np.float64))


def affine(rows: Any, bias: Any) -> nir.Affine:
    """Weights and a bias."""
    return nir.Affine(np.array(rows, dtype=np.float64), np.array(bias, dtype=np.float64))


def flatten(*shape: int, start: int = 0, stop: int = -1) -> nir.Flatten:
    """From `start` to `stop` all axes become one."""
    return nir.Flatten({"input": np.array(shape)}, start, stop)


def full(shape: int | Shape, value: Any) -> Array:
    """A number for all neurons, or one for each of the last axis."""
    return np.broadcast_to(np.array(value, dtype=np.float64), shape).copy()


def lif(
    shape: int | Shape,
    *,
    tau: Any = 2,
    threshold: Any = 1,
    leak: Any = 0,
    reset: Any = 0,
    r: Any = None,
) -> nir.LIF:
    """A LIF; τ in steps. Unless it says otherwise R = τ/dt in steps: v ← (1 − 1/τ)·v + x."""
    return nir.LIF(
        full(shape, tau) * DT,
        full(shape, tau if r is None else r),
        full(shape, leak),
        full(shape, threshold),
        full(shape, reset),
    )


def soft_lif(
    shape: int | Shape, *, tau: Any = 2, threshold: Any = 1, leak: Any = 0
) -> SoftResetLIF:
    """A LIF that subtracts its threshold; otherwise as `lif`."""
    return SoftResetLIF(
        full(shape, tau) * DT, full(shape, tau), full(shape, leak), full(shape, threshold)
    )


def integrate(shape: int | Shape, *, threshold: Any = 1, reset: Any = 0, r: Any = 1) -> nir.IF:
    """An IF: v ← v + r·x."""
    return nir.IF(full(shape, r) / DT, full(shape, threshold), full(shape, reset))


def soft_if(shape: int | Shape, *, threshold: Any = 1, r: Any = 1) -> SoftResetIF:
    """An IF that subtracts its threshold; otherwise as `integrate`."""
    return SoftResetIF(full(shape, r) / DT, full(shape, threshold))


def cuba(
    shape: int | Shape,
    *,
    tau_syn: Any = 2,
    tau_mem: Any = 2,
    r: Any = 2,
    w_in: Any = 2,
    leak: Any = 0,
    threshold: Any = 1,
    reset: Any = 0,
) -> nir.CubaLIF:
    """A CubaLIF; both τ in steps. i ← i/2 + x and v ← v/2 + i, unless it says otherwise."""
    return nir.CubaLIF(
        full(shape, tau_syn) * DT,
        full(shape, tau_mem) * DT,
        full(shape, r),
        full(shape, leak),
        full(shape, threshold),
        full(shape, reset),
        full(shape, w_in),
    )


def soft_cuba(shape: int | Shape, **changes: Any) -> SoftResetCubaLIF:
    """A CubaLIF that subtracts its threshold; otherwise as `cuba`."""
    node = cuba(shape, **changes)
    fields = {name: getattr(node, name) for name in SoftResetCubaLIF.parameters}
    return SoftResetCubaLIF(**fields)


def delay(steps: Any, shape: int | Shape = 1) -> nir.Delay:
    """A Delay of so many steps."""
    return nir.Delay(full(shape, steps) * DT)


def quarters(*shape: int) -> Array:
    """Weights in quarters, −3…5 of them, by a rule without symmetry."""
    n = np.arange(int(np.prod(shape)))
    return ((7 * n + n * n // 3) % 9 - 3).reshape(shape) / 4


def convolution(
    shape: tuple[int, int, int],
    *,
    kernel: Pair = (2, 3),
    out: int = 1,
    stride: Pair = (1, 1),
    padding: Pair | str = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
    bias: Any = 0,
) -> nir.Conv2d:
    """A Conv2d of an image of `shape` with `out` channels of kernels in quarters."""
    weight = quarters(out, shape[0] // groups, *kernel)
    biases = np.broadcast_to(np.array(bias, dtype=np.float64), out).copy()
    return nir.Conv2d(shape[1:], weight, stride, padding, dilation, groups, biases)


def spikes(name: str, *shape: int, steps: int = 8, samples: int = 2, rate: float = 0.5) -> Array:
    """Spikes of the case `name`, [sample, step, *shape]."""
    random = draw(name)
    extents = (samples, steps, *shape)
    return np.array([random.random() < rate for _ in range(int(np.prod(extents)))]).reshape(extents)


def train(*samples: Iterable[Any]) -> Array:
    """Written down: for each sample its steps, for each step a number or a list of them."""
    values = np.array([list(sample) for sample in samples], dtype=np.float64)
    return values[..., None] if values.ndim == 2 else values


def shown(
    name: str,
    claim: str,
    network: nir.NIRGraph,
    values: Array | Mapping[str, Array],
    **options: Any,
) -> Case:
    """A case of a graph.

    Args:
        name: of the case, topic included.
        claim: what must hold.
        network: the graph.
        values: what is shown to its inputs, or to the only one, `in`.
        options: how it is compiled.
    """
    inputs = values if isinstance(values, Mapping) else {"in": values}
    return Case(
        name,
        claim,
        network,
        Stimulus({key: np.asarray(value, dtype=np.float64) for key, value in inputs.items()}),
        CompileOptions(**options),
        state=False,
    )
