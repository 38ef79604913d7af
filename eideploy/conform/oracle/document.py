"""The documents that the oracle reads: dictionaries and lists of plain numbers, nothing else."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal, TypedDict

Number = int | Fraction
"""Every number of the oracle is exact."""

Vector = list[Any]
"""A number for each neuron of a population, neurons counted in C order."""

Row = tuple[Any, ...]
"""The same, of what has been recorded."""

Values = dict[str, list[list[Vector]]]
"""What is shown: for each input [sample][step][neuron], real numbers before any encoding."""

OperatorName = Literal["Dense", "Conv2d", "Identity"]
"""How a projection turns the output of one population into input of another."""


class PopulationDocument(TypedDict):
    """Neurons of one model.

    `parameters` has a list of one number per neuron for each numeric parameter of the model, and
    a word for `reset`. `reset_phase` is None where state is carried from sample to sample.
    """

    name: str
    shape: list[int]
    offset: int
    reset_phase: int | None
    model: str
    parameters: dict[str, Any]


class ProjectionDocument(TypedDict):
    """Synapses from one population to a port of another.

    `weight` are nested lists (a number for an identity of one weight); `geometry` holds `stride`,
    `padding`, `dilation` [h, w] and `groups` of a convolution, and is empty otherwise.
    """

    source: str
    target: str
    port: str
    delay: int
    exponent: int
    operator: OperatorName
    weight: Any
    geometry: dict[str, Any]


class ProgramDocument(TypedDict):
    """A Program: what it consists of, and how many hardware steps a logical step takes."""

    arithmetic: Literal["float", "integer"]
    stride: int
    populations: list[PopulationDocument]
    projections: list[ProjectionDocument]


class RecordingDocument(TypedDict):
    """What one population did: output and each state variable as [sample][step][neuron].

    State is given as tested: after integration and before reset.
    """

    output: list[list[Row]]
    state: dict[str, list[list[Row]]]


Recordings = dict[str, RecordingDocument]
"""What all populations but the inputs did, by name."""
