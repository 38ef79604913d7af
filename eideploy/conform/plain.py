"""Programs and stimuli as plain numbers, which the oracle takes, and what it gives as a Trace."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from eideploy.conform.oracle.document import (
    OperatorName,
    PopulationDocument,
    ProgramDocument,
    ProjectionDocument,
    RecordingDocument,
    Recordings,
    Values,
)
from eideploy.errors import InputError
from eideploy.program import (
    Array,
    Conv2d,
    Dense,
    Identity,
    Operator,
    Population,
    Program,
    Projection,
    Recording,
    Stimulus,
    Trace,
)

_KINDS: dict[type[Operator], OperatorName] = {
    Dense: "Dense",
    Conv2d: "Conv2d",
    Identity: "Identity",
}


def document(program: Program) -> ProgramDocument:
    """A Program in dictionaries and lists of plain numbers."""
    return {
        "arithmetic": program.arithmetic,
        "stride": program.stride,
        "populations": [_population(population) for population in program.populations],
        "projections": [_projection(projection) for projection in program.projections],
    }


def values(stimulus: Stimulus) -> Values:
    """What is shown to each input, as [sample][step][neuron]."""
    return {
        name: shown.reshape(*shown.shape[:2], -1).tolist()
        for name, shown in stimulus.values.items()
    }


def trace(program: Program, recordings: Recordings, *, state: bool = True) -> Trace:
    """What the oracle says of `program`, in the arrays that executors give.

    Spikes become uint8, integers int64, and fractions float64.

    Args:
        program: says the shape, the offset and the kind of each population.
        recordings: of the oracle.
        state: keep the state of neurons.

    Raises:
        InputError: float64 does not hold a number exactly, so that no executor could be held to it.
    """
    return Trace(
        {
            name: _recording(program.by_name[name], recording, program.arithmetic, state=state)
            for name, recording in recordings.items()
        }
    )


def _population(population: Population) -> PopulationDocument:
    neuron = population.neuron
    parameters: dict[str, Any] = {
        name: np.broadcast_to(value, population.shape).reshape(-1).tolist()
        for name, value in neuron.parameters().items()
    }
    if "reset" in vars(neuron):
        parameters["reset"] = vars(neuron)["reset"]
    return {
        "name": population.name,
        "shape": list(population.shape),
        "offset": population.offset,
        "reset_phase": population.reset_phase,
        "model": type(neuron).__name__,
        "parameters": parameters,
    }


def _projection(projection: Projection) -> ProjectionDocument:
    operator = projection.operator
    geometry: dict[str, Any] = {}
    if isinstance(operator, Conv2d):
        geometry = {
            "stride": list(operator.stride),
            "padding": list(operator.padding),
            "dilation": list(operator.dilation),
            "groups": operator.groups,
        }
    return {
        "source": projection.source,
        "target": projection.target,
        "port": projection.port,
        "delay": projection.delay,
        "exponent": projection.exponent,
        "operator": _KINDS[type(operator)],
        "weight": operator.weight.tolist(),
        "geometry": geometry,
    }


def _recording(
    population: Population, recorded: RecordingDocument, arithmetic: str, *, state: bool
) -> Recording:
    graded = np.float64 if arithmetic == "float" else np.int64
    kept = recorded["state"] if state else {}

    def array(name: str, numbers: list[Any], dtype: type[np.generic]) -> Array:
        if arithmetic == "float":
            require_exact(f"{name} of population {population.name!r}", numbers)
        return np.array(numbers, dtype).reshape(len(numbers), len(numbers[0]), *population.shape)

    return Recording(
        array("the output", recorded["output"], np.uint8 if population.neuron.spiking else graded),
        {name: array(name, numbers, graded) for name, numbers in kept.items()},
        population.offset,
    )


def require_exact(where: str, numbers: list[Any]) -> None:
    """Raise `InputError` unless float64 holds every number."""
    for number in _flat(numbers):
        if Fraction(float(number)) != number:
            raise InputError(
                f"{where} is {number} in exact arithmetic, which float64 does not hold",
                "Choose weights, decays and inputs that are sums of few powers of two.",
            )


def _flat(numbers: Any) -> Iterator[Fraction]:
    if isinstance(numbers, (list, tuple)):
        for part in numbers:
            yield from _flat(part)
    else:
        yield numbers
