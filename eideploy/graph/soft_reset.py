"""Neurons of the dialect whose spikes subtract the threshold, which no standard node can say.

Tools that train with soft reset (a subtractive one, "reset by subtraction") write standard nodes
all the same, and leave it to the reader to know. `subtract_on_reset` says it for such a graph.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import nir
import numpy as np

from eideploy.errors import EideployWarning, GraphError
from eideploy.graph.numbers import Array, check_finite, real_numbers


class _SoftReset(nir.NIRNode):  # type: ignore[misc]
    """What the neurons have in common: arrays of one shape, that of the population."""

    parameters: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        for field in self.parameters:
            setattr(self, field, real_numbers(self, field))
        self.validate()
        shape = np.array(getattr(self, self.parameters[0]).shape, dtype=int)
        self.input_type = {"input": shape}
        self.output_type = {"output": shape}

    def validate(self) -> None:
        """Check the invariants again, for a node whose arrays may have been changed."""
        kind = type(self).__name__
        shapes = {field: getattr(self, field).shape for field in self.parameters}
        if len(set(shapes.values())) > 1:
            listed = ", ".join(f"{field} {shape}" for field, shape in shapes.items())
            raise GraphError(
                f"{kind}: parameters differ in shape: {listed}",
                "Give all of them the shape of the population.",
            )
        for field in self.parameters:
            check_finite(kind, field, getattr(self, field))


@dataclass(eq=False)
class SoftResetLIF(_SoftReset):
    r"""Leaky integrate-and-fire neuron that keeps what exceeds the threshold (soft reset).

    .. math::
        \tau \dot{v} = (v_{leak} - v) + R I, \qquad
        z = [v > v_{threshold}], \qquad v \leftarrow v - v_{threshold} \text{ where } z = 1

    All four arrays have the shape of the population.

    Args:
        tau: τ, membrane time constant, seconds, > 0 (checked by `eideploy.graph.check`).
        r: R, membrane resistance, voltage per current.
        v_leak: resting potential, voltage.
        v_threshold: θ, firing threshold, voltage; also what a spike subtracts.

    Raises:
        GraphError: shapes disagree, or a number is NaN or infinite.
    """

    parameters: ClassVar[tuple[str, ...]] = ("tau", "r", "v_leak", "v_threshold")

    tau: Array
    r: Array
    v_leak: Array
    v_threshold: Array


@dataclass(eq=False)
class SoftResetIF(_SoftReset):
    r"""Integrate-and-fire neuron that keeps what exceeds the threshold (soft reset).

    .. math::
        \dot{v} = R I, \qquad
        z = [v > v_{threshold}], \qquad v \leftarrow v - v_{threshold} \text{ where } z = 1

    Both arrays have the shape of the population.

    Args:
        r: R, membrane resistance, voltage per current and second.
        v_threshold: θ, firing threshold, voltage; also what a spike subtracts.

    Raises:
        GraphError: as `SoftResetLIF`.
    """

    parameters: ClassVar[tuple[str, ...]] = ("r", "v_threshold")

    r: Array
    v_threshold: Array


@dataclass(eq=False)
class SoftResetCubaLIF(_SoftReset):
    r"""Current-based leaky integrate-and-fire neuron with soft reset.

    .. math::
        \tau_{syn} \dot{i} = w_{in} I - i, \qquad \tau_{mem} \dot{v} = (v_{leak} - v) + R i, \qquad
        z = [v > v_{threshold}], \qquad v \leftarrow v - v_{threshold} \text{ where } z = 1

    All arrays have the shape of the population.

    Args:
        tau_syn: synaptic time constant, seconds, > 0 (checked by `eideploy.graph.check`).
        tau_mem: membrane time constant, seconds, > 0 (checked likewise).
        r: R, membrane resistance, voltage per current.
        v_leak: resting potential, voltage.
        v_threshold: θ, firing threshold, voltage; also what a spike subtracts.
        w_in: weight of the input; a single 1 where a file does not say.

    Raises:
        GraphError: as `SoftResetLIF`.
    """

    parameters: ClassVar[tuple[str, ...]] = (
        "tau_syn",
        "tau_mem",
        "r",
        "v_leak",
        "v_threshold",
        "w_in",
    )

    tau_syn: Array
    tau_mem: Array
    r: Array
    v_leak: Array
    v_threshold: Array
    w_in: Array


SOFT_RESET_NODES = (SoftResetLIF, SoftResetIF, SoftResetCubaLIF)

_SOFT = {nir.LIF: SoftResetLIF, nir.IF: SoftResetIF, nir.CubaLIF: SoftResetCubaLIF}


def reset_kind(graph: nir.NIRGraph) -> Literal["value", "subtract", "mixed"] | None:
    """What spikes do to the membrane potential; None if no node of the graph spikes."""
    soft = [isinstance(node, SOFT_RESET_NODES) for node in _spiking(graph)]
    if not soft:
        return None
    return "subtract" if all(soft) else "mixed" if any(soft) else "value"


def _spiking(graph: nir.NIRGraph) -> Iterator[nir.NIRNode]:
    for node in graph.nodes.values():
        if isinstance(node, nir.NIRGraph):
            yield from _spiking(node)
        elif isinstance(node, (*_SOFT, *SOFT_RESET_NODES)):
            yield node


def subtract_on_reset(graph: nir.NIRGraph) -> nir.NIRGraph:
    """The same graph with soft reset in all its neurons that spike, nested ones included.

    Every LIF, IF and CubaLIF becomes its counterpart here, which has no `v_reset`.

    Warns:
        EideployWarning: a node says where to reset to, other than 0, which is lost.

    Raises:
        GraphError: no neuron of the graph spikes.
    """
    if reset_kind(graph) is None:
        raise GraphError("no node of the graph spikes, so none has a reset", "Leave out --reset.")
    return _softened(graph, "")


def _softened(graph: nir.NIRGraph, prefix: str) -> nir.NIRGraph:
    nodes = {}
    for name, node in graph.nodes.items():
        if isinstance(node, nir.NIRGraph):
            nodes[name] = _softened(node, f"{prefix}{name}/")
        elif type(node) in _SOFT:
            nodes[name] = _soft(node, f"{prefix}{name}")
        else:
            nodes[name] = node
    return nir.NIRGraph(nodes, graph.edges, metadata=graph.metadata, type_check=False)


def _soft(node: nir.NIRNode, name: str) -> nir.NIRNode:
    if np.any(node.v_reset):
        warnings.warn(
            f"node {name!r}: its v_reset is not 0; soft reset subtracts the threshold instead",
            EideployWarning,
            stacklevel=4,
        )
    kind = _SOFT[type(node)]
    return kind(**{f: getattr(node, f) for f in kind.parameters}, metadata=node.metadata)
