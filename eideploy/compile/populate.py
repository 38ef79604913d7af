"""Pass `populate`: nodes become populations, and what lies between them projections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import nir
import numpy as np

from eideploy.compile.membrane import (
    DIVISIBLE_NODES,
    NEURON_NODES,
    divisive_membrane,
    membrane,
)
from eideploy.compile.passes import Mapping
from eideploy.compile.synapses import (
    CIRCUIT_NODES,
    LINEAR_NODES,
    POOL_NODES,
    circuit_operators,
    linear_bias,
    linear_operator,
    signed,
)
from eideploy.errors import GraphError, UnsupportedError
from eideploy.graph import EIConv2d
from eideploy.graph.shapes import infer
from eideploy.program import (
    Array,
    Identity,
    Neuron,
    Population,
    Program,
    Projection,
    Relay,
    Source,
)


@dataclass(frozen=True)
class Populate:
    """Graph → float Program.

    Input nodes, neuron nodes and those linear nodes whose result is needed as such (because an
    Output or another linear node follows) become populations; the latter as graded relays, and so
    does an Output that is a sum. Every other linear node becomes the operator of the projections
    into the neuron behind it, one from each of its inputs.

    Args:
        mapping: how E-I circuits are mapped, `fused` or `explicit`.
    """

    mapping: Mapping = "fused"

    name: ClassVar[str] = "populate"
    requires: ClassVar[frozenset[str]] = frozenset({"flat", "checked", "dt"})
    ensures: ClassVar[frozenset[str]] = frozenset({"program"})

    def __call__(self, graph: nir.NIRGraph) -> Program:
        """Raises `UnsupportedError` naming the node that has no counterpart."""
        return _Builder(graph, self.mapping).build()


class _Builder:
    """Collects populations and projections while it walks a graph."""

    def __init__(self, graph: nir.NIRGraph, mapping: Mapping) -> None:
        self.graph = graph
        self.shapes = {
            name: (_shape(taken), _shape(given)) for name, (taken, given) in infer(graph).items()
        }
        self.mapping = mapping
        dt = graph.metadata.get("dt")
        self.dt = None if dt is None else float(dt)
        self.populations: list[Population] = []
        self.projections: list[Projection] = []

    def build(self) -> Program:
        for name, node in self.graph.nodes.items():
            self._refuse(name, node)
        relayed = [name for name in self.graph.nodes if self._is_population(name)]
        for name in relayed:
            self._add(name, self.graph.nodes[name])
        outputs = [
            self._output(name)
            for name, node in self.graph.nodes.items()
            if isinstance(node, nir.Output)
        ]
        pools = [name for name in relayed if isinstance(self.graph.nodes[name], POOL_NODES)]
        metadata = {key: _plain(value) for key, value in self.graph.metadata.items() if key != "dt"}
        return Program(
            tuple(self.populations),
            tuple(self.projections),
            "float",
            tuple(dict.fromkeys(outputs)),
            dt=self.dt,
            metadata=metadata | {"mapping": self.mapping, "pools": pools},
        )

    def _refuse(self, name: str, node: nir.NIRNode) -> None:
        known = (*NEURON_NODES, *LINEAR_NODES, nir.Input, nir.Output, nir.Flatten)
        if not isinstance(node, known):
            raise UnsupportedError(
                f"node {name!r} is of type {type(node).__name__}, which cannot be compiled yet; "
                f"supported: {', '.join(sorted(kind.__name__ for kind in known))}",
                "Build the network without it.",
            )
        if not self._before(name) and not isinstance(node, nir.Input):
            raise GraphError(f"node {name!r} ({type(node).__name__}) has no input")
        after = self._after(name)
        if not after and not isinstance(node, nir.Output):
            raise GraphError(f"node {name!r} ({type(node).__name__}) leads nowhere")
        if _divides(node) and not (
            len(after) == 1 and isinstance(self.graph.nodes[after[0]], DIVISIBLE_NODES)
        ):
            raise UnsupportedError(
                f"node {name!r}: a divisive {type(node).__name__} must drive exactly one LIF, "
                f"it drives {[f'{n} ({type(self.graph.nodes[n]).__name__})' for n in after]}",
                "Divisive inhibition acts inside the neuron; put a LIF behind the circuit.",
            )

    # --- the graph ---

    def _before(self, name: str) -> list[str]:
        return [source for source, target in self.graph.edges if target == name]

    def _after(self, name: str) -> list[str]:
        return [target for source, target in self.graph.edges if source == name]

    def _sources(self, name: str) -> list[str]:
        """Nodes that `name` receives from, seen through Flatten: it keeps the order of neurons."""
        sources = []
        for before in self._before(name):
            flat = isinstance(self.graph.nodes[before], nir.Flatten)
            sources += self._sources(before) if flat else [before]
        return sources

    def _consumers(self, name: str) -> list[str]:
        """Nodes that receive from `name`, seen through Flatten nodes."""
        consumers = []
        for after in self._after(name):
            if isinstance(self.graph.nodes[after], nir.Flatten):
                consumers += self._consumers(after)
            else:
                consumers.append(after)
        return consumers

    def _is_population(self, name: str) -> bool:
        node = self.graph.nodes[name]
        if isinstance(node, LINEAR_NODES):
            # The kernel of a convolution cannot reach through a Flatten, a matrix can.
            spatial = isinstance(node, (nir.Conv2d, EIConv2d, *POOL_NODES))
            consumers = self._after(name) if spatial else self._consumers(name)
            return not all(isinstance(self.graph.nodes[n], NEURON_NODES) for n in consumers)
        return isinstance(node, (nir.Input, *NEURON_NODES))

    # --- populations ---

    def _add(self, name: str, node: nir.NIRNode) -> None:
        _, shape = self.shapes[name]
        if isinstance(node, nir.Input):
            self.populations.append(Population(name, shape, _source(name, node)))
        elif isinstance(node, LINEAR_NODES):
            if np.any(linear_bias(node, shape)):
                raise UnsupportedError(
                    f"node {name!r}: the bias of a {type(node).__name__} without a neuron right "
                    "behind it is not supported",
                    "Set the bias to 0, or put a neuron behind it.",
                )
            self.populations.append(Population(name, shape, Relay()))
            self._synapses(name, node, name, Relay.ports)
        else:
            self._add_neurons(name, node, shape)

    def _add_neurons(self, name: str, node: nir.NIRNode, shape: tuple[int, ...]) -> None:
        sources = self._sources(name)
        driving = [s for s in sources if not self._is_population(s)]
        divisive = [s for s in driving if _divides(self.graph.nodes[s])]
        neuron: Neuron
        if divisive:
            if len(sources) > 1:
                raise UnsupportedError(
                    f"node {name!r} is driven by the divisive circuit {divisive[0]!r} and by "
                    f"{[s for s in sources if s != divisive[0]]}; a circuit must drive alone"
                )
            circuit = self.graph.nodes[divisive[0]]
            neuron = divisive_membrane(
                name,
                node,
                _per_channel(circuit.gain_e, shape),
                _per_channel(circuit.bias, shape),
                float(circuit.floor),
                self.dt,
            )
        else:
            biases = [linear_bias(self.graph.nodes[s], shape) for s in driving]
            bias = sum(biases, start=np.zeros(()))
            neuron = membrane(name, node, bias, self.dt)
        self.populations.append(Population(name, shape, neuron))
        for source in sources:
            if self._is_population(source):
                self._identity(source, name, neuron)
            else:
                self._synapses(source, self.graph.nodes[source], name, neuron.ports)

    def _output(self, name: str) -> str:
        """The population that an Output hands out: what drives it, or a relay of the sum."""
        sources = self._sources(name)
        if len(sources) == 1:
            return sources[0]
        self.populations.append(Population(name, self.shapes[name][1], Relay()))
        for source in sources:
            self._identity(source, name, Relay())
        return name

    # --- projections ---

    def _identity(self, source: str, target: str, neuron: Neuron) -> None:
        operator = Identity(np.ones(()))
        self.projections.append(signed(Projection(source, target, operator, port=neuron.ports[0])))

    def _synapses(self, name: str, node: nir.NIRNode, target: str, ports: tuple[str, ...]) -> None:
        """Projections that the linear node `name` stands for, into population `target`.

        Its inputs add up, so that each of them gets the same weights.
        """
        taken, given = self.shapes[name]
        sources = self._sources(name)
        if not isinstance(node, CIRCUIT_NODES):
            operator = linear_operator(name, node, taken)
            for source in sources:
                self.projections.append(signed(Projection(source, target, operator, port=ports[0])))
            return
        inhibitory = f"{name}.inhibitory"
        if self.mapping == "explicit":
            shape = (len(node.gain_i), *given[1:])
            self.populations.append(Population(inhibitory, shape, Relay()))
        for synapses in circuit_operators(node, self.mapping, inhibitory):
            self.projections += synapses.projections(sources, target, ports)


def _divides(node: nir.NIRNode) -> bool:
    return isinstance(node, CIRCUIT_NODES) and bool(node.divisive)


def _source(name: str, node: nir.Input) -> Source:
    """Range of an input from the node's metadata; without it, values from 0 to 1."""
    known = {key: _plain(value) for key, value in node.metadata.items() if key in _RANGE}
    try:
        return Source(
            minimum=float(known.get("low", 0.0)),
            maximum=float(known.get("high", 1.0)),
            levels=int(known.get("levels", 0)),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise GraphError(f"node {name!r}: its range {known} is not made of numbers") from error


_RANGE = ("low", "high", "levels")


def _per_channel(values: Any, shape: tuple[int, ...]) -> Array:
    """One value per channel, in a form that broadcasts to `shape`."""
    return np.asarray(values, dtype=np.float64).reshape(-1, *[1] * (len(shape) - 1))


def _shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A single neuron may come as shape []; a population always has at least one axis."""
    return shape or (1,)


def _plain(value: Any) -> Any:
    """NIR metadata as plain JSON values."""
    if isinstance(value, bytes):
        return value.decode("utf8", "replace")
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
