"""Populations in the middle of a run: what they hold, and what is on its way to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from math import prod
from typing import Any

from eideploy.conform.oracle.document import (
    PopulationDocument,
    RecordingDocument,
    Vector,
)
from eideploy.conform.oracle.models import MODELS, Model, State
from eideploy.conform.oracle.rounding import LARGEST, SMALLEST, aligned, half_even
from eideploy.conform.oracle.synapses import Axon

Arrived = dict[str, Vector]
"""By port, the sum for each neuron."""


@dataclass
class Tract:
    """A projection: the synapses of every neuron of its source."""

    synapses: Axon
    target: Input | Population
    port: str
    delay: int
    exponent: int

    def send(self, emitted: Vector, hardware_step: int) -> None:
        """Bring what the source emits to the port of the target, `delay` steps later."""
        total: dict[int, Any] = {}
        for neuron, value in enumerate(emitted):
            if value:
                for other, weight in self.synapses(neuron):
                    total[other] = total.get(other, 0) + weight * value
        if not total:
            return
        arriving = self.target.arriving.setdefault(hardware_step + self.delay, {})
        sums = arriving.setdefault(self.port, [0] * self.target.size)
        for other, value in total.items():
            sums[other] += aligned(value, self.exponent) if self.exponent else value


@dataclass
class Input:
    """An input: emits x, or rint(x·scale) in an integer Program."""

    entry: PopulationDocument
    shown: list[list[Vector]]
    integer: bool
    tracts: list[Tract] = field(default_factory=list)
    arriving: dict[int, Arrived] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of neurons."""
        return prod(self.entry["shape"])

    def step(self, sample: int, step: int, _: Arrived) -> Vector:
        """What it emits in that step of that sample."""
        shown = self.shown[sample][step]
        if not self.integer:
            return [Fraction(value) for value in shown]
        return [
            _encoded(*pair) for pair in zip(shown, self.entry["parameters"]["scale"], strict=True)
        ]


@cache
def _encoded(value: float, scale: float) -> int:
    return half_even(Fraction(value) * Fraction(scale))


@dataclass
class Population:
    """Neurons of one model, with their state and what has been recorded of them."""

    entry: PopulationDocument
    model: Model
    neurons: list[dict[str, Any]]
    state: list[State]
    checked: bool
    recording: RecordingDocument
    tracts: list[Tract] = field(default_factory=list)
    arriving: dict[int, Arrived] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of neurons."""
        return len(self.neurons)

    def step(self, sample: int, step: int, arrived: Arrived) -> Vector:
        """Receive, integrate, test and reset every neuron; record it; what they emit."""
        if step == self.entry["reset_phase"]:
            self.state = [self.model.start(neuron) for neuron in self.neurons]
        silence = [0] * self.size
        ports = list(zip(*(arrived.get(port, silence) for port in self.model.ports), strict=True))
        emitted, tested = [], []
        for neuron, parameters in enumerate(self.neurons):
            output, before, after = self.model.step(parameters, self.state[neuron], ports[neuron])
            self.state[neuron] = after
            emitted.append(output)
            tested.append(before)
        if self.checked:
            self._check(ports, "the sum on a port")
            if not self.model.bounded:
                self._check(tested, "the state")
        self._record(sample, emitted, tested)
        return emitted

    def _check(self, neurons: list[State], what: str) -> None:
        for index, values in enumerate(neurons):
            for value in values:
                if not SMALLEST <= value <= LARGEST:
                    raise ValueError(
                        f"{what} of neuron {index} of {self.entry['name']!r} is {value}, which 24 "
                        "bits do not hold: a Program does not say what happens then"
                    )

    def _record(self, sample: int, emitted: Vector, tested: list[State]) -> None:
        output, state = self.recording["output"], self.recording["state"]
        if sample == len(output):
            for recorded in (output, *state.values()):
                recorded.append([])
        output[sample].append(tuple(emitted))
        for index, recorded in enumerate(state.values()):
            recorded[sample].append(tuple(values[index] for values in tested))


def population(entry: PopulationDocument, arithmetic: str) -> Population:
    """The neurons of a population before the first step."""
    model = MODELS[arithmetic][entry["model"]]
    exact = int if arithmetic == "integer" else Fraction
    neurons = [
        {
            name: value if isinstance(value, str) else exact(value[neuron])
            for name, value in entry["parameters"].items()
        }
        for neuron in range(prod(entry["shape"]))
    ]
    return Population(
        entry,
        model,
        neurons,
        [model.start(neuron) for neuron in neurons],
        arithmetic == "integer",
        {"output": [], "state": {name: [] for name in model.state}},
    )
