"""One logical step of all populations: the body of the Scan, and what the Scan carries through it.

A population that acts on others in later steps is carried with, beside its state, what it emitted
in the steps before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike
from onnx import GraphProto, TensorProto, ValueInfoProto, helper

from eideploy.program import Population, Program, Projection
from eideploy_targets.onnx.bounds import Bounds
from eideploy_targets.onnx.neurons import update
from eideploy_targets.onnx.sheet import Sheet
from eideploy_targets.onnx.synapses import deliver

Variable = tuple[str, str | None]
"""A population, and one of its state variables or None for what it emits."""


@dataclass(frozen=True)
class Carried:
    """A value that goes from step to step.

    Args:
        start: the value outside of the Scan from which it starts.
        before: an input of the body.
        after: an output of the body.
    """

    start: str
    before: ValueInfoProto
    after: ValueInfoProto


class Step:
    """The body in the making.

    Args:
        program: with a logical time.
        order: its populations, see `schedule`.
        sheet: an empty one.
        filled: gives, outside of the Scan, a constant (by name) for all neurons of a population.
    """

    def __init__(
        self,
        program: Program,
        order: tuple[Population, ...],
        sheet: Sheet,
        filled: Callable[[str, Population], str],
    ) -> None:
        self.sheet = sheet
        self.carried: list[Carried] = []
        self._program = program
        self._filled = filled
        self._bounds = Bounds(program)
        self._values: dict[Variable, str] = {}
        self._past: dict[str, list[str]] = {}  # what was emitted one step ago, two, …
        for population in program.populations:
            self._remember(population)
        sources = program.sources
        for population in sources:
            self._values[population.name, None] = sheet.names.fresh(f"{population.name}.now")
        for population in order:
            if population not in sources:
                self._advance(population)
        self._carry_past()

    def graph(self, recorded: Mapping[Variable, str]) -> GraphProto:
        """The body.

        Args:
            recorded: wanted name of the output that gives out each of these variables.
        """
        shown = (
            _info(self._values[p.name, None], self.sheet.number, p) for p in self._program.sources
        )
        outputs = [self._record(variable, name) for variable, name in recorded.items()]
        return helper.make_graph(
            self.sheet.nodes,
            "step",
            [*(carried.before for carried in self.carried), *shown],
            [*(carried.after for carried in self.carried), *outputs],
            doc_string="One logical step of all populations.",
        )

    def _remember(self, population: Population) -> None:
        """Name what a population emitted before, as far back as others want it."""
        outgoing = (p for p in self._program.projections if p.source == population.name)
        furthest = max((self._program.lag(projection) for projection in outgoing), default=0)
        self._past[population.name] = [
            self.sheet.names.fresh(f"{population.name}.{lag} before")
            for lag in range(1, furthest + 1)
        ]

    def _advance(self, population: Population) -> None:
        """Let a population receive, integrate, test and reset."""
        neuron = population.neuron
        ports = {port: self._sum(population, port) for port in neuron.ports}
        before = {
            variable: self.sheet.names.fresh(f"{population.name}.{variable}.before")
            for variable in (*neuron.state, *neuron.counters)
        }
        result = update(self.sheet, population, ports, before)
        self._values[population.name, None] = result.output
        initial = {"v": neuron.parameters().get("initial", 0)}
        for variable, value in result.tested.items():
            self._values[population.name, variable] = value
        for variable, value in result.after.items():
            name = f"{population.name}.{variable}.initial"
            start = self.sheet.constant(name, initial.get(variable, 0))
            self._carry(population, start, before[variable], value)

    def _sum(self, population: Population, port: str) -> str:
        """What arrives at a port: the sum over its projections."""
        total = ""
        for projection in self._program.into(population.name):
            if projection.port == port:
                arrived = self._deliver(projection)
                name = f"{population.name}.{port}"
                total = self.sheet.add("Add", [total, arrived], name) if total else arrived
        return total or self._filled(self.sheet.constant("zero", 0), population)

    def _deliver(self, projection: Projection) -> str:
        ends, lag = self._program.by_name, self._program.lag(projection)
        source = projection.source
        emitted = self._past[source][lag - 1] if lag else self._values[source, None]
        exact = self._bounds.exact_type(projection)
        return deliver(
            self.sheet, projection, ends[source], ends[projection.target], exact, emitted
        )

    def _carry_past(self) -> None:
        """What is emitted now was emitted one step ago in the next, and so on."""
        for name, past in self._past.items():
            population = self._program.by_name[name]
            dtype = np.bool_ if population.neuron.spiking else self.sheet.number
            for value, before in zip((self._values[name, None], *past), past, strict=False):
                self._carry(population, self.sheet.constant("silence", 0, dtype), before, value)

    def _carry(self, population: Population, start: str, before: str, after: str) -> None:
        dtype = self.sheet.constants.dtype(start)
        # A value can be one output only, and an input none: so each is a value of its own.
        after = self.sheet.add("Identity", [after], f"{before}.next")
        self.carried.append(
            Carried(
                self._filled(start, population),
                _info(before, dtype, population),
                _info(after, dtype, population),
            )
        )

    def _record(self, variable: Variable, wanted: str) -> ValueInfoProto:
        population, value = self._program.by_name[variable[0]], self._values[variable]
        if variable[1] is None and population.neuron.spiking:
            spikes = self.sheet.add("Cast", [value], wanted, to=TensorProto.UINT8)
            return _info(spikes, np.uint8, population)
        return _info(self.sheet.add("Identity", [value], wanted), self.sheet.number, population)


def _info(name: str, dtype: DTypeLike, population: Population) -> ValueInfoProto:
    """A value of all neurons of all samples."""
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, element, ("samples", *population.shape))
