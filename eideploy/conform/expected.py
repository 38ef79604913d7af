"""What has to come out of a case: the oracle says so."""

from __future__ import annotations

import nir

from eideploy.conform import plain
from eideploy.conform.case import Case
from eideploy.conform.oracle import graphs, programs
from eideploy.conform.plain_graph import graph_trace, plain_graph, plain_values
from eideploy.errors import InputError
from eideploy.program import Program, Stimulus, Trace


def expected(case: Case) -> Trace:
    """What the populations of a case emit and, where it is asked for, their state as tested.

    Of a Program these are all but the inputs. Of a graph they are all nodes, by name, of which the
    compiler makes populations of the same names. Their graded values (float64) are in the units of
    the graph, from which those of an integer target may differ. Spikes (uint8) are the same on all,
    since the numbers of these cases leave more room around each threshold than rounding takes.

    Raises:
        InputError: the case has no exact answer: an integer leaves its width, or float64 does not
            hold a result.
    """
    try:
        if isinstance(case.network, Program):
            return _of_program(case.network, case.stimulus, case.state)
        return _of_graph(case.network, case.stimulus, case.options.dt)
    except (ValueError, InputError) as error:
        raise InputError(f"case {case.name}: {error}", "Change the numbers of the case.") from error


def _of_program(program: Program, stimulus: Stimulus, state: bool) -> Trace:
    recordings = programs.run(plain.document(program), plain.values(stimulus))
    return plain.trace(program, recordings, state=state)


def _of_graph(graph: nir.NIRGraph, stimulus: Stimulus, dt: float | None) -> Trace:
    return graph_trace(graphs.run(plain_graph(graph, dt), plain_values(stimulus)))
