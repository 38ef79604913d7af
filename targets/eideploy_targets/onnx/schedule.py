"""Logical time: which Programs have one, and in which order the populations of a step come."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from eideploy.errors import UnsupportedError
from eideploy.program import Population, Program

_REMEDY = "A Program that `eideploy compile` makes for this target has none of this."


def schedule(program: Program) -> tuple[Population, ...]:
    """The populations, each after all that reach it within the same logical step.

    Raises:
        UnsupportedError: there is no input, something arrives too early or between two logical
            steps, a state is not reset where a sample begins, or populations of one step wait for
            one another.
    """
    if not program.sources:
        raise UnsupportedError("an ONNX model has inputs, and this Program has none")
    for projection in program.projections:
        early, between = program.lag(projection) < 0, program.slack(projection) % program.stride
        if early or between:
            raise UnsupportedError(
                f"an ONNX model is of logical steps, and projection {projection.name}, with a "
                f"delay of {projection.delay}, arrives "
                + ("before it is due" if early else "between two of them"),
                _REMEDY,
            )
    for population in program.populations:
        if population.neuron.state and population.reset_phase != 0:
            raise UnsupportedError(
                f"an ONNX model starts every sample afresh, and population {population.name!r} has "
                f"the reset phase {population.reset_phase}, expected 0",
                _REMEDY,
            )
    at_once: dict[str, set[str]] = {population.name: set() for population in program.populations}
    for projection in program.projections:
        if program.lag(projection) == 0:
            at_once[projection.target].add(projection.source)
    try:
        return tuple(program.by_name[name] for name in TopologicalSorter(at_once).static_order())
    except CycleError as error:
        loop = " → ".join(reversed(error.args[1]))
        raise UnsupportedError(
            f"an ONNX model is of logical steps, and nothing in the loop {loop} waits for the next",
            _REMEDY,
        ) from error
