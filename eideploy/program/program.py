"""The Program: populations, projections, and what must hold of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from eideploy.errors import InputError
from eideploy.program.arrays import broadcasts_to
from eideploy.program.graded import Source
from eideploy.program.neuron import Arithmetic, Neuron, Reset
from eideploy.program.operators import Operator

Sign = Literal["mixed", "excitatory", "inhibitory"]
"""Signs of the weights of one projection; a single sign buys a chip one more bit."""


@dataclass(frozen=True, eq=False)
class Population:
    """Neurons of one model that are updated together.

    Args:
        name: unique in the Program.
        shape: [n] or [c, h, w].
        neuron: model and parameters.
        offset: latency; logical step t of a sample happens at hardware step t·stride + offset.
        reset_phase: logical step of every sample before which the state goes back to where it
            started: 0 as trained; None never, so that state is carried from sample to sample.
    """

    name: str
    shape: tuple[int, ...]
    neuron: Neuron
    offset: int = 0
    reset_phase: int | None = 0

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(np.prod(self.shape))


@dataclass(frozen=True, eq=False)
class Projection:
    """All synapses from one population to one port of another.

        contribution to the port at hardware step h = operator(output of source at h − delay)

    in integers shifted left by `exponent` (right, rounding to −∞, where it is negative).

    Args:
        source: name of the population that emits.
        target: name of the population that receives.
        operator: weights and geometry.
        port: port of the target.
        delay: hardware steps from emission to reception; ≥ 1 in a Program that can run.
        exponent: weight exponent; 0 in a float Program.
        sign: signs of the weights.
    """

    source: str
    target: str
    operator: Operator
    port: str = "input"
    delay: int = 0
    exponent: int = 0
    sign: Sign = "mixed"

    @property
    def name(self) -> str:
        """Readable name, for messages."""
        return f"{self.source}→{self.target}.{self.port}"


@dataclass(frozen=True, eq=False)
class Program:
    """What will run, in discrete time.

    Args:
        populations: in any order; names are unique.
        projections: between them.
        arithmetic: `float` (all numbers float64) or `integer`.
        outputs: names of the populations that are the result.
        dt: length of a logical step in seconds, None if the graph has no time constants.
        metadata: plain JSON values, carried along.
        stride: hardware steps of a logical step, ≥ 1. More than 1 where a loop of several
            populations has to be gone round within one logical step: every projection takes a
            hardware step at least. In between populations hold their state and emit nothing.

    Raises:
        InputError: names collide, an end of a projection or a port does not exist, shapes do not
            agree, or a parameter has the wrong kind of number.
    """

    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    arithmetic: Arithmetic
    outputs: tuple[str, ...]
    dt: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    stride: int = 1

    def __post_init__(self) -> None:
        if not self.populations:
            raise InputError("the Program has no populations")
        if self.stride < 1:
            raise InputError(f"the Program has a stride of {self.stride}, expected at least 1")
        names = [population.name for population in self.populations]
        if len(set(names)) != len(names):
            raise InputError(f"population names are not unique: {sorted(names)}")
        for name in self.outputs:
            self._known(name, "output")
        for population in self.populations:
            self._check_population(population)
        for projection in self.projections:
            self._check_projection(projection)

    def _known(self, name: str, what: str) -> Population:
        if name not in self.by_name:
            raise InputError(f"{what} names population {name!r}; there are {sorted(self.by_name)}")
        return self.by_name[name]

    def _check_population(self, population: Population) -> None:
        neuron = population.neuron
        where = f"population {population.name!r} ({type(neuron).__name__})"
        if not population.shape or min(population.shape) < 1:
            raise InputError(
                f"{where} has shape {population.shape}, expected extents of at least 1"
            )
        if self.arithmetic not in neuron.arithmetic:
            raise InputError(f"{where} cannot be part of a Program of {self.arithmetic} arithmetic")
        if population.offset < 0 or (population.reset_phase or 0) < 0:
            raise InputError(f"{where} has a negative offset or reset phase")
        parameters = neuron.parameters()
        for name, value in parameters.items():
            if not broadcasts_to(value, population.shape):
                raise InputError(
                    f"{where}: {name} has shape {value.shape}, expected {population.shape} "
                    "or one that broadcasts to it"
                )
            if not np.all(np.isfinite(value)):
                raise InputError(f"{where}: {name} is not finite")
            real = isinstance(neuron, Source) or self.arithmetic == "float"
            if (name in neuron.whole or not real) and not np.issubdtype(value.dtype, np.integer):
                raise InputError(f"{where}: {name} has dtype {value.dtype}, expected integers")
        for name, (low, high) in neuron.ranges.items():
            values = parameters[name]
            if np.any(values < low) or np.any(values > high):
                raise InputError(
                    f"{where}: {name} ranges over [{values.min():g}, {values.max():g}], "
                    f"expected [{low:g}, {high:g}]"
                )
        if self.arithmetic == "float" and np.any(parameters.get("shift", 0)):
            raise InputError(f"{where}: a shift drops bits of integers, in a float Program it is 0")
        reset = vars(neuron).get("reset", "value")
        if reset not in get_args(Reset):
            raise InputError(f"{where}: reset is {reset!r}, expected one of {get_args(Reset)}")

    def _check_projection(self, projection: Projection) -> None:
        source = self._known(projection.source, f"projection {projection.name}")
        target = self._known(projection.target, f"projection {projection.name}")
        weight = projection.operator.weight
        if projection.port not in target.neuron.ports:
            raise InputError(
                f"projection {projection.name}: {type(target.neuron).__name__} has ports "
                f"{target.neuron.ports}"
            )
        if not projection.operator.fits(source.shape, target.shape):
            raise InputError(
                f"projection {projection.name}: {type(projection.operator).__name__} with weights "
                f"{weight.shape} does not map {source.shape} to {target.shape}"
            )
        if not np.all(np.isfinite(weight)):
            raise InputError(f"projection {projection.name}: a weight is not finite")
        integer = np.issubdtype(weight.dtype, np.integer)
        if integer != (self.arithmetic == "integer"):
            raise InputError(
                f"projection {projection.name}: weights of dtype {weight.dtype} in a Program of "
                f"{self.arithmetic} arithmetic"
            )
        if projection.delay < 0:
            raise InputError(f"projection {projection.name}: delay {projection.delay} < 0")
        if projection.exponent and self.arithmetic == "float":
            raise InputError(
                f"projection {projection.name}: exponent {projection.exponent} in a Program of "
                "float arithmetic"
            )
        if (projection.sign == "excitatory" and np.any(weight < 0)) or (
            projection.sign == "inhibitory" and np.any(weight > 0)
        ):
            raise InputError(
                f"projection {projection.name} is {projection.sign} but has weights of both signs"
            )

    @cached_property
    def by_name(self) -> dict[str, Population]:
        """Populations by name."""
        return {population.name: population for population in self.populations}

    @property
    def sources(self) -> tuple[Population, ...]:
        """Populations that the stimulus drives."""
        return tuple(p for p in self.populations if isinstance(p.neuron, Source))

    def into(self, name: str) -> tuple[Projection, ...]:
        """Projections that end at population `name`."""
        return tuple(p for p in self.projections if p.target == name)

    def slack(self, projection: Projection) -> int:
        """Hardware steps between the arrival within the same logical step and the actual one.

        In an aligned Program it is a multiple of `stride` and not negative: what arrives at another
        time is lost.
        """
        ends = self.by_name
        return projection.delay - (ends[projection.target].offset - ends[projection.source].offset)

    def lag(self, projection: Projection) -> int:
        """Logical steps between emission and reception: 0 feed-forward, 1 or more in a loop.

        A negative lag means that something arrives before it is due: the Program is misaligned.
        """
        return self.slack(projection) // self.stride

    @property
    def latency(self) -> int:
        """Hardware steps after which the last population starts its first logical step."""
        return max(population.offset for population in self.populations)

    @property
    def gap(self) -> int:
        """Silent hardware steps between two samples, so that no spike of a loop leaks over."""
        return max(0, *(self.slack(projection) for projection in self.projections), 0)

    def replace_population(self, population: Population) -> Program:
        """The same Program with the population of that name exchanged."""
        self._known(population.name, "replacement")
        return replace(
            self,
            populations=tuple(
                population if p.name == population.name else p for p in self.populations
            ),
        )

    def replace_projection(self, old: Projection, new: Projection) -> Program:
        """The same Program with one projection exchanged for another."""
        return replace(self, projections=tuple(new if p is old else p for p in self.projections))
