"""Pass `fit`: an integer Program against what a board of chips can do and hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eideploy.compile.chip import Chip
from eideploy.compile.placement import place
from eideploy.compile.ranges import emitted_ranges
from eideploy.errors import UnsupportedError
from eideploy.program import Array, LIFNeuronFixed, Population, Program, Source


@dataclass(frozen=True)
class Fit:
    """Program → the same Program, if the board can do what it asks and has cores for all of it.

    Checks neuron models, payloads, weights and delays, and places all populations, see
    `eideploy.compile.placement`.

    Args:
        chip: and how many of them the board has.
    """

    chip: Chip

    name: ClassVar[str] = "fit"
    requires: ClassVar[frozenset[str]] = frozenset({"proven"})
    ensures: ClassVar[frozenset[str]] = frozenset({"fits"})

    def __call__(self, program: Program) -> Program:
        """Raises `UnsupportedError` that says which limit breaks and by how much."""
        if not self.chip.programmable_neurons.value:
            for population in program.populations:
                self._check_model(population)
        self._check_payloads(program)
        self._check_projections(program)
        place(program, self.chip)
        return program

    def _check_model(self, population: Population) -> None:
        """Raise if a population is no LIF as `lava.proc.lif` has it."""
        neuron, why = population.neuron, ""
        if isinstance(neuron, LIFNeuronFixed):
            if neuron.reset == "subtract":
                why = "is reset by subtraction"
            elif np.any(neuron.reset_to):
                why = "is reset to another value than 0"
            elif np.any(neuron.current_bias):
                why = "has a constant input through its synaptic filter"
            elif np.any(neuron.refractory):
                why = "has a refractory period"
        elif not isinstance(neuron, Source):
            why = f"is of the model {type(neuron).__name__}"
        if why:
            raise UnsupportedError(
                f"population {population.name!r} {why}; {self.chip.name} has leaky "
                "integrate-and-fire neurons with reset to 0, and no others",
                "Take a chip with programmable neurons, such as Loihi 2.",
            )

    def _check_payloads(self, program: Program) -> None:
        """Raise if a graded value is wider than a spike can carry."""
        limit = self.chip.payload_bits.value
        emitted = emitted_ranges(program)
        for population in program.populations:
            if not any(p.source == population.name for p in program.projections):
                continue
            largest = float(np.max(emitted[population.name].magnitude))
            if largest >= 2 ** max(1, limit - 1):
                raise UnsupportedError(
                    f"population {population.name!r} emits values of up to {largest:.0f}; a spike "
                    f"of {self.chip.name} carries "
                    f"{'nothing' if limit == 1 else f'{limit} bits, sign included'}",
                    _NARROWER if isinstance(population.neuron, Source) else _WIDER,
                )

    def _check_projections(self, program: Program) -> None:
        longest, bits = self.chip.longest_delay.value, self.chip.weight_bits.value
        for projection in program.projections:
            if projection.delay > longest:
                raise UnsupportedError(
                    f"projection {projection.name} has to wait {projection.delay} steps for the "
                    f"longest path to {projection.target!r}; {self.chip.name} can wait {longest}",
                    "Compile it with `align`, which puts relays into what waits long.",
                )
            weight = projection.operator.weight
            if _bits(weight) > bits:
                raise UnsupportedError(
                    f"projection {projection.name} has weights of up to {np.abs(weight).max()}, "
                    f"which need {_bits(weight)} bits with their sign; {self.chip.name} holds "
                    f"{bits}",
                    "Compile it with fewer --weight-bits.",
                )


def _bits(weight: Array) -> int:
    """Bits of the largest weight and its sign, without a factor 2ⁿ of all: a chip shifts sums."""
    magnitude = np.abs(weight)
    together = int(np.bitwise_or.reduce(magnitude, axis=None))
    return (together // max(1, together & -together)).bit_length() + 1


_WIDER = "Take a chip whose spikes carry more."
_NARROWER = (
    "If its stimulus is spikes, write `levels` = 1 into the metadata of its Input node; "
    "if not, take a chip with graded spikes, such as Loihi 2."
)
