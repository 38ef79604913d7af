"""What a Program takes in and passes on as it is: sources and graded relays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from eideploy.program.neuron import Neuron, Ranges


@dataclass(frozen=True, eq=False)
class Source(Neuron):
    """An input: emits what the stimulus says.

    That is x in a float Program and rint(x·scale) in an integer one.

    Args:
        minimum: smallest value of x.
        maximum: largest value of x.
        levels: x is a multiple of maximum / levels; 0 if x is continuous.
        scale: integer units per unit of x; 1 in a float Program.
    """

    minimum: Any = 0.0
    maximum: Any = 1.0
    levels: Any = 0
    scale: Any = 1.0


@dataclass(frozen=True, eq=False)
class Relay(Neuron):
    """A graded relay without memory: emits the sum x of its input and a bias, or its high bits.

        y = x + bias                                in a float Program
        y = ⌊(x + bias) / 2^shift + 1/2⌋            in an integer one

    Rounding to the nearest matters: what is always rounded down would weaken all inhibition by
    half a unit.

    Args:
        shift: low bits that are dropped; 0 in a float Program.
        bias: added to x in every step of a sample.
    """

    ports: ClassVar[tuple[str, ...]] = ("input",)
    ranges: ClassVar[Ranges] = {"shift": (0, 62)}

    shift: Any = 0
    bias: Any = 0
