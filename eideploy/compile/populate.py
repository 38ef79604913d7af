"""Pass `populate`: nodes become populations, and what lies between them projections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import nir
import numpy as np

from eideploy.compile.close import loops_within
from eideploy.compile.delays import delay_steps
from eideploy.compile.inputs import input_source, plain
from eideploy.compile.membrane import (
    DIVISIBLE_NODES,
    NEURON_NODES,
    compact,
    divisive_membrane,
    membrane,
)
from eideploy.compile.passes import Mapping
from eideploy.compile.synapses import (
    CIRCUIT_NODES,
    LINEAR_NODES,
    POOL_NODES,
    SPATIAL_NODES,
    Route,
    circuit_operators,
    linear_bias,
    linear_operator,
    signed,
)
from eideploy.errors import GraphError, UnsupportedError
from eideploy.graph.shapes import infer
from eideploy.program import (
    Array,
    Identity,
    Neuron,
    Operator,
    Population,
    Program,
    Projection,
    Relay,
    planar,
)


@dataclass(frozen=True)
class Populate:
    """Graph → float Program.

    Input nodes, neuron nodes and those linear nodes whose result is needed as such (because an
    Output or another linear node follows) become populations; the latter as graded relays, and so
    does an Output that is a sum. Every other linear node becomes the operator of the projections
    into the neuron behind it, one from each of its inputs. A Delay becomes the delay of the
    projections behind it, counted in logical steps; one that differs from neuron to neuron becomes
    a relay with a projection for each delay. A Flatten keeps the order of the neurons: it becomes
    nothing, unless a kernel behind it looks at another shape.

    Args:
        mapping: how E-I circuits are mapped, `fused` or `explicit`.
    """

    mapping: Mapping = "fused"

    name: ClassVar[str] = "populate"
    requires: ClassVar[frozenset[str]] = frozenset({"flat", "checked", "dt", "closed"})
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
        self.delays = {
            name: delay_steps(node, self.dt)
            for name, node in graph.nodes.items()
            if isinstance(node, nir.Delay)
        }
        inert = {n for n, x in graph.nodes.items() if isinstance(x, (nir.Flatten, nir.Delay))}
        self.looping = loops_within(graph, inert)
        self.populations: list[Population] = []
        self.projections: list[Projection] = []

    def build(self) -> Program:
        for name, node in self.graph.nodes.items():
            self._refuse(name, node)
        populations = [name for name in self.graph.nodes if self._is_population(name)]
        for name in populations:
            self._add(name, self.graph.nodes[name])
        outputs = [
            self._output(name)
            for name, node in self.graph.nodes.items()
            if isinstance(node, nir.Output)
        ]
        metadata = {key: plain(value) for key, value in self.graph.metadata.items() if key != "dt"}
        relays = {
            "pools": [n for n in populations if isinstance(self.graph.nodes[n], POOL_NODES)],
            "scales": [n for n in populations if self._beside_scale(n)],
        }
        return Program(
            tuple(self.populations),
            tuple(self.projections),
            "float",
            tuple(dict.fromkeys(outputs)),
            dt=self.dt,
            metadata=metadata | {"mapping": self.mapping} | relays,
        )

    def _refuse(self, name: str, node: nir.NIRNode) -> None:
        known = (*NEURON_NODES, *LINEAR_NODES, nir.Input, nir.Output, nir.Flatten, nir.Delay)
        if not isinstance(node, known):
            raise UnsupportedError(
                f"node {name!r} is of type {type(node).__name__}, which cannot be compiled; "
                f"supported: {', '.join(sorted(kind.__name__ for kind in known))}",
                "Build the network without it.",
            )
        if not self._before(name) and not isinstance(node, nir.Input):
            raise GraphError(f"node {name!r} ({type(node).__name__}) has no input")
        after = self._after(name)
        if not after and not isinstance(node, nir.Output):
            raise GraphError(f"node {name!r} ({type(node).__name__}) leads nowhere")
        if isinstance(node, CIRCUIT_NODES) and f"{name}.inhibitory" in self.graph.nodes:
            raise GraphError(
                f"node '{name}.inhibitory' has the name of the I population of circuit {name!r}",
                "Rename one of them.",
            )
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

    def _routes(self, name: str) -> list[Route]:
        """Where `name` receives from, seen through what is nothing but a delay or another shape."""
        routes = []
        for before in self._before(name):
            if self._is_transparent(before):
                lag = self._lag(before)
                routes += [Route(r.source, r.lag + lag) for r in self._routes(before)]
            else:
                routes.append(Route(before))
        return routes

    def _consumers(self, name: str, *, reshaped: bool = True) -> list[Route]:
        """What receives from `name`, seen the same way; not through a Flatten if not `reshaped`."""
        consumers = []
        for after in self._after(name):
            flat = isinstance(self.graph.nodes[after], nir.Flatten)
            if self._is_transparent(after) and (reshaped or not flat):
                behind = self._consumers(after, reshaped=reshaped)
                consumers += [Route(r.source, r.lag + self._lag(after)) for r in behind]
            else:
                consumers.append(Route(after))
        return consumers

    def _lag(self, name: str) -> int:
        return int(self.delays[name].flat[0]) if name in self.delays else 0

    def _is_transparent(self, name: str) -> bool:
        node = self.graph.nodes[name]
        return isinstance(node, (nir.Flatten, nir.Delay)) and not self._is_population(name)

    def _is_population(self, name: str) -> bool:
        node = self.graph.nodes[name]
        if isinstance(node, LINEAR_NODES):
            # The kernel of a convolution cannot reach through a Flatten, a matrix can.
            consumers = self._consumers(name, reshaped=not isinstance(node, SPATIAL_NODES))
            if any(consumer.lag for consumer in consumers) and self._is_biased(name):
                return True  # the bias too comes later
            return not all(isinstance(self.graph.nodes[c.source], NEURON_NODES) for c in consumers)
        if isinstance(node, nir.Flatten):
            taken, given = self.shapes[name]
            behind = [self.graph.nodes[after] for after in self._after(name)]
            return name in self.looping or (
                any(isinstance(n, SPATIAL_NODES) for n in behind) and planar(taken) != planar(given)
            )
        if isinstance(node, nir.Delay):
            return name in self.looping or bool(np.ptp(self.delays[name]))
        return isinstance(node, (nir.Input, *NEURON_NODES))

    def _is_biased(self, name: str) -> bool:
        return bool(np.any(linear_bias(self.graph.nodes[name], self.shapes[name][1])))

    def _beside_scale(self, name: str) -> bool:
        """Whether the relay of a linear node or a Scale may become part of what is beside it."""
        node = self.graph.nodes[name]
        beside = [name, *(consumer.source for consumer in self._consumers(name))]
        scaled = any(isinstance(self.graph.nodes[n], nir.Scale) for n in beside)
        return scaled and isinstance(node, LINEAR_NODES) and not isinstance(node, POOL_NODES)

    # --- populations ---

    def _add(self, name: str, node: nir.NIRNode) -> None:
        _, shape = self.shapes[name]
        if isinstance(node, nir.Input):
            self.populations.append(Population(name, shape, input_source(name, node)))
        elif isinstance(node, LINEAR_NODES):
            bias = np.broadcast_to(linear_bias(node, shape), shape)
            self.populations.append(Population(name, shape, Relay(bias=compact(bias))))
            self._synapses(Route(name), name, Relay.ports)
        elif isinstance(node, (nir.Flatten, nir.Delay)):
            self.populations.append(Population(name, shape, Relay()))
            self._wait(name, self.delays.get(name, np.zeros(1, int)).ravel())
        else:
            self._add_neurons(name, node, shape)

    def _add_neurons(self, name: str, node: nir.NIRNode, shape: tuple[int, ...]) -> None:
        routes = self._routes(name)
        driving = [r.source for r in routes if not self._is_population(r.source)]
        divisive = [s for s in driving if _divides(self.graph.nodes[s])]
        neuron: Neuron
        if divisive:
            if len(routes) > 1:
                others = [r.source for r in routes if r.source != divisive[0]]
                raise UnsupportedError(
                    f"node {name!r} is driven by the divisive circuit {divisive[0]!r} and by "
                    f"{others}; a circuit must drive alone"
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
        for route in routes:
            if self._is_population(route.source):
                self._identity(route, name, neuron)
            else:
                self._synapses(route, name, neuron.ports)

    def _output(self, name: str) -> str:
        """The population that an Output hands out: what drives it, or a relay of the sum."""
        routes = self._routes(name)
        if len(routes) == 1 and not routes[0].lag:
            return routes[0].source
        self.populations.append(Population(name, self.shapes[name][1], Relay()))
        for route in routes:
            self._identity(route, name, Relay())
        return name

    # --- projections ---

    def _identity(self, route: Route, target: str, neuron: Neuron) -> None:
        self._project(route, target, Identity(np.ones(())), neuron.ports[0])

    def _project(self, route: Route, target: str, operator: Operator, port: str) -> None:
        projection = Projection(route.source, target, operator, port, delay=route.lag)
        self.projections.append(signed(projection))

    def _wait(self, name: str, delays: Array) -> None:
        """Projections into a relay, one for each delay, with weight 1 where it is the neuron's."""
        for steps in np.unique(delays):
            weight = np.ones(()) if np.all(delays == steps) else (delays == steps).astype(float)
            for route in self._routes(name):
                self._project(
                    Route(route.source, route.lag + int(steps)), name, Identity(weight), "input"
                )

    def _synapses(self, route: Route, target: str, ports: tuple[str, ...]) -> None:
        """Projections that a linear node stands for, into population `target`.

        Its inputs add up, so that each of them gets the same weights.
        """
        name, node = route.source, self.graph.nodes[route.source]
        taken, given = self.shapes[name]
        routes = self._routes(name)
        if not isinstance(node, CIRCUIT_NODES):
            operator = linear_operator(name, node, taken)
            for before in routes:
                later = Route(before.source, before.lag + route.lag)
                self._project(later, target, operator, ports[0])
            return
        inhibitory = f"{name}.inhibitory"
        present = any(population.name == inhibitory for population in self.populations)
        if self.mapping == "explicit" and not present:
            shape = (len(node.gain_i), *given[1:])
            self.populations.append(Population(inhibitory, shape, Relay()))
        for synapses in circuit_operators(node, self.mapping, inhibitory):
            if not (present and synapses.target == inhibitory):
                self.projections += synapses.projections(routes, target, ports, route.lag)


def _divides(node: nir.NIRNode) -> bool:
    return isinstance(node, CIRCUIT_NODES) and bool(node.divisive)


def _per_channel(values: Any, shape: tuple[int, ...]) -> Array:
    """One value per channel, in a form that broadcasts to `shape`."""
    return np.asarray(values, dtype=np.float64).reshape(-1, *[1] * (len(shape) - 1))


def _shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A single neuron may come as shape []; a population always has at least one axis."""
    return shape or (1,)
