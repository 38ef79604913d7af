"""What a Program does: every neuron, every hardware step, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from eideploy.conform.oracle.document import (
    Number,
    ProgramDocument,
    ProjectionDocument,
    Recordings,
    Values,
)
from eideploy.conform.oracle.populations import Input, Population, Tract, population
from eideploy.conform.oracle.schedule import schedule
from eideploy.conform.oracle.synapses import axon


def run(document: ProgramDocument, values: Values) -> Recordings:
    """Everything that the populations of a Program emit, and their state.

    Args:
        document: the Program.
        values: what is shown to each of its inputs; encoded here.

    Raises:
        ValueError: an integer leaves the 24 bits of a port or of a state variable, a delay is less
            than 1, or a reset is after the last step: a Program does not say what happens then.
    """
    integer = document["arithmetic"] == "integer"
    time = schedule(document, values)
    populations: dict[str, Input | Population] = {
        entry["name"]: Input(entry, values[entry["name"]], integer)
        if entry["model"] == "Source"
        else population(entry, document["arithmetic"])
        for entry in document["populations"]
    }
    for projection in document["projections"]:
        tract = _tract(projection, populations, integer)
        populations[projection["source"]].tracts.append(tract)
    last = max(entry["offset"] for entry in document["populations"])
    for hardware_step in range(time.samples * time.period + last):
        for part in populations.values():
            # What arrives while a population is at rest is lost.
            arrived = part.arriving.pop(hardware_step, {})
            due = time.due(hardware_step, part.entry["offset"])
            if due is not None:
                emitted = part.step(*due, arrived)
                for tract in part.tracts:
                    tract.send(emitted, hardware_step)
    return {
        name: part.recording for name, part in populations.items() if isinstance(part, Population)
    }


def _tract(
    projection: ProjectionDocument, populations: Mapping[str, Input | Population], integer: bool
) -> Tract:
    if projection["delay"] < 1:
        raise ValueError(
            f"the projection {projection['source']} → {projection['target']} has a delay of "
            f"{projection['delay']}; a Program that can run has at least 1"
        )
    source, target = populations[projection["source"]], populations[projection["target"]]
    exact: Callable[[Any], Number] = int if integer else Fraction
    return Tract(
        axon(projection, source.entry["shape"], target.entry["shape"], exact),
        target,
        projection["port"],
        projection["delay"],
        projection["exponent"],
    )
