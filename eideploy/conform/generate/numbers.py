"""What differs between integer and float Programs: numbers, and the neurons that hold them."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from eideploy.program import Array, Neuron, Source
from eideploy.program.neuron import Arithmetic
from eideploy.program.program import Sign

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Weights:
    """Weights of a projection, and the exponent and signs that go with them."""

    values: Array
    exponent: int
    sign: Sign


class Numbers(ABC):
    """Draws the numbers of one Program.

    A *reach* is the largest magnitude that something can take, which keeps sums within bounds.
    """

    arithmetic: ClassVar[Arithmetic]
    models: ClassVar[tuple[type[Neuron], ...]]

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    @abstractmethod
    def steps(self) -> int:
        """Logical steps of a sample."""

    @abstractmethod
    def source(self) -> Source:
        """An input of spikes or of graded values."""

    @abstractmethod
    def takes(self, model: type[Neuron], port: str, source: Neuron) -> bool:
        """Whether a port may receive what `source` emits."""

    @abstractmethod
    def most(self, port: str) -> int:
        """How many projections may end at a port."""

    @abstractmethod
    def weights(self, shape: Shape, fan_in: int, reach: float, port: str) -> Weights:
        """Weights of `shape`, for sums of `fan_in` values that reach as far as given."""

    @abstractmethod
    def neuron(self, model: type[Neuron], shape: Shape, drive: Mapping[str, float]) -> Neuron:
        """A neuron whose ports receive up to `drive`, neither silent nor always firing."""

    @abstractmethod
    def emits(self, neuron: Neuron, drive: Mapping[str, float]) -> float:
        """The reach of what a neuron emits."""

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self.rng.random() < probability

    def refractory(self, shape: Shape) -> Array:
        """None, mostly, or a few steps; seldom more than a sample has."""
        if self.chance(0.7):
            return np.array(0)
        return self.each(shape, lambda: self.rng.choice((0, 1, 1, 2, 3, 5, 63)))

    def each(self, shape: Shape, one: Callable[[], Any]) -> Array:
        """A parameter: one for all neurons, one for each channel or one for each neuron."""
        channels = (shape[0], *[1] * (len(shape) - 1))
        return self.many(self.rng.choice(((), channels, shape)), one)

    def many(self, shape: Shape, one: Callable[[], Any]) -> Array:
        """An array of numbers drawn one by one."""
        return np.array([one() for _ in range(int(np.prod(shape)))]).reshape(shape)
