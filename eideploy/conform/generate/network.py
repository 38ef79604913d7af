"""How populations are put together, whatever their numbers are."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from eideploy.conform.generate.numbers import Numbers, Shape
from eideploy.conform.generate.synapses import connect
from eideploy.program import Array, Neuron, Population, Program, Projection, Source, Stimulus

SHAPES: tuple[Shape, ...] = ((1,), (3,), (8,), (2, 4), (4, 3), (1, 4, 3), (2, 3, 3), (4, 2, 2))
LONGEST_DELAY = 62
"""Of a projection on Loihi 2."""
MOST_LATE = 2
"""Logical steps that a projection may take longer than it needs."""


class Growth:
    """A Program that grows, population by population, and what is shown to it.

    Args:
        rng: what all choices are made by.
        numbers: weights and parameters.
    """

    def __init__(self, rng: random.Random, numbers: Numbers) -> None:
        self.rng = rng
        self.numbers = numbers
        self.stride = rng.choice((1, 1, 1, 2, 3))
        self.steps = numbers.steps()
        self.populations: list[Population] = []
        self.projections: list[Projection] = []
        self.reach: dict[str, float] = {}

    def program(self) -> Program:
        """Inputs, populations that each take from what is there, then loops."""
        for index in range(self.rng.choice((1, 1, 2))):
            self._input(f"in{index}")
        for index in range(self.rng.randint(1, 4)):
            self._population(f"p{index}")
        inner = [p for p in self.populations if not isinstance(p.neuron, Source)]
        for population in inner:
            if population.neuron.state and self.numbers.chance(0.4):
                self._loop(self.rng.choice(inner), population)
        if self.numbers.chance(0.25):
            self.populations = [self._reset_late(p) for p in self.populations]
        outputs = {inner[-1].name, self.rng.choice(inner).name}
        self.rng.shuffle(self.populations)
        return Program(
            tuple(self.populations),
            tuple(self.projections),
            self.numbers.arithmetic,
            tuple(sorted(outputs)),
            stride=self.stride,
        )

    def stimulus(self, program: Program) -> Stimulus:
        """One to three samples, some of them silent or full."""
        samples = self.rng.choice((1, 2, 2, 3))
        rates = [self.rng.choice((0.0, 0.2, 0.5, 0.5, 0.5, 0.8, 0.8, 1.0)) for _ in range(samples)]
        return Stimulus(
            {p.name: np.stack([self._shown(p, rate) for rate in rates]) for p in program.sources}
        )

    def _shown(self, population: Population, rate: float) -> Array:
        source = population.neuron
        assert isinstance(source, Source)
        unit = float(source.maximum) / int(source.levels)
        least, most = round(float(source.minimum) / unit), int(source.levels)
        values = [value for value in range(least, most + 1) if value]

        def value() -> float:
            return self.rng.choice(values) * unit if self.numbers.chance(rate) else 0.0

        return self.numbers.many((self.steps, *population.shape), value)

    def _input(self, name: str) -> None:
        offset = self.rng.choice((0, 0, 0, 1))
        self._add(Population(name, self.rng.choice(SHAPES), self.numbers.source(), offset), {})

    def _population(self, name: str) -> None:
        """A population behind one that is there, and perhaps behind others too."""
        model, shape = self.rng.choice(self.numbers.models), self.rng.choice(SHAPES)
        chosen = [(source, port) for port in model.ports for source in self._sources(model, port)]
        offsets = [source.offset for source, _ in chosen]
        longest = LONGEST_DELAY - MOST_LATE * self.stride
        waits = self.rng.choice((0, 0, 0, 0, 0, 1, 1, 3, 3, self.rng.randint(4, longest)))
        offset = min(1 + max(offsets) + waits, min(offsets) + longest)
        target = Population(name, shape, Source(), offset)
        drive = dict.fromkeys(model.ports, 0.0)
        for source, port in chosen:
            drive[port] += self._connect(
                source, target, port, self.rng.choice((0, 0, 0, 1, MOST_LATE))
            )
        self._add(replace(target, neuron=self.numbers.neuron(model, shape, drive)), drive)

    def _sources(self, model: type[Neuron], port: str) -> list[Population]:
        """What a port is fed by: the first of a model by one at least, the last one most likely."""
        fitting = [p for p in self.populations if self.numbers.takes(model, port, p.neuron)]
        if not fitting:
            return []
        several = self.rng.choice((1, 1, 1, 2, 3) if port == model.ports[0] else (0, 1, 1, 1, 2))
        several = min(several, self.numbers.most(port))
        return [self.rng.choice((fitting[-1], *fitting)) for _ in range(several)]

    def _loop(self, source: Population, target: Population) -> None:
        """A projection that runs backward or from neurons to themselves, if it can."""
        port = self.rng.choice(target.neuron.ports)
        taken = sum(p.target == target.name and p.port == port for p in self.projections)
        fits = self.numbers.takes(type(target.neuron), port, source.neuron)
        back = source.offset - target.offset
        if fits and 0 <= back < 2 * self.stride and taken < self.numbers.most(port):
            self._connect(source, target, port, self.rng.choice((0, 0, 1)))

    def _connect(self, source: Population, target: Population, port: str, late: int) -> float:
        """Add a projection that arrives when it is due, or `late` steps later; how far it reaches.

        What would take no time, or time backward, waits until it can be there.
        """
        due = target.offset - source.offset
        lag = late + max(0, -(-(1 - due) // self.stride))
        reach = self.reach[source.name]
        projection = connect(self.numbers, source, target, port, due + lag * self.stride, reach)
        self.projections.append(projection)
        return _reach(projection, reach)

    def _add(self, population: Population, drive: dict[str, float]) -> None:
        self.populations.append(population)
        self.reach[population.name] = self.numbers.emits(population.neuron, drive)

    def _reset_late(self, population: Population) -> Population:
        """The same, its state carried from sample to sample or reset within one."""
        phase = self.rng.choice((None, None, 0, self.rng.randrange(self.steps)))
        return replace(population, reset_phase=phase)


def _reach(projection: Projection, emitted: float) -> float:
    """Largest magnitude that a projection delivers."""
    weight = np.abs(projection.operator.weight.astype(float))
    fan_in = weight.reshape(len(weight), -1).sum(axis=1) if weight.ndim > 1 else weight
    return float(fan_in.max()) * emitted * 2.0**projection.exponent + 1
