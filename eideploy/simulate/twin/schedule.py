"""Logical time: in which order the populations of one step are updated."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from eideploy.errors import UnsupportedError
from eideploy.program import Population, Program

_REMEDY = "Only an aligned Program has a logical time; the reference executes any other."


def schedule(program: Program) -> tuple[Population, ...]:
    """Populations in an order in which each comes after all that act on it within the same step.

    Raises:
        UnsupportedError: the Program has no logical time. Something arrives before it is due or
            between two steps, a state is not reset at the start of a sample, or populations wait
            for one another.
    """
    for projection in program.projections:
        if program.lag(projection) < 0:
            raise UnsupportedError(
                f"the twin cannot run projection {projection.name}: with a delay of "
                f"{projection.delay} it arrives {-program.lag(projection)} steps early",
                _REMEDY,
            )
        if program.slack(projection) % program.stride:
            raise UnsupportedError(
                f"the twin cannot run projection {projection.name}: with a delay of "
                f"{projection.delay} it arrives between two logical steps, "
                f"{program.stride} hardware steps apart, and is lost",
                _REMEDY,
            )
    for population in program.populations:
        if population.neuron.state and population.reset_phase != 0:
            raise UnsupportedError(
                f"the twin cannot run population {population.name!r}: its reset phase is "
                f"{population.reset_phase}, expected 0",
                _REMEDY,
            )
    within_step = {
        population.name: {p.source for p in program.into(population.name) if program.lag(p) == 0}
        for population in program.populations
    }
    try:
        order = tuple(TopologicalSorter(within_step).static_order())
    except CycleError as error:
        raise UnsupportedError(
            f"the twin cannot run the loop {' → '.join(reversed(error.args[1]))}: nothing in it "
            "waits for the next step",
            _REMEDY,
        ) from error
    return tuple(program.by_name[name] for name in order)
