"""Digests of cases and of what is expected of them: the same on every machine and Python."""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import numpy as np

from eideploy.conform import plain
from eideploy.conform.case import Case
from eideploy.conform.plain_graph import plain_graph
from eideploy.program import Array, Program, Stimulus, Trace


def case_digest(case: Case) -> str:
    """SHA-256 of all that decides what comes out of a case: network, stimulus and options.

    Its claim is not part of it: a sentence may be put better.
    """
    text = json.dumps(
        {
            "network": _network(case),
            "stimulus": _stimulus(case.stimulus),
            "state": case.state,
        },
        sort_keys=True,
        separators=(",", ":"),
        default=str,
    )
    return sha256(text.encode()).hexdigest()


def trace_digest(trace: Trace) -> str:
    """SHA-256 of a trace: every number, its type, shape and offset."""
    found = sha256()
    for name, recording in sorted(trace.recordings.items()):
        found.update(f"{name} {recording.offset}".encode())
        for part, values in (("output", recording.output), *sorted(recording.state.items())):
            found.update(f"{part} {values.dtype.name} {values.shape}".encode())
            found.update(_little_endian(values))
    return found.hexdigest()


def _network(case: Case) -> dict[str, Any]:
    network = case.network
    if isinstance(network, Program):
        return {
            "program": plain.document(network),
            "outputs": network.outputs,
            "signs": [projection.sign for projection in network.projections],
            "dt": network.dt,
        }
    return {"graph": plain_graph(network, case.options.dt), "options": asdict(case.options)}


def _stimulus(stimulus: Stimulus) -> dict[str, Any]:
    return {
        name: [shown.shape, shown.astype(np.float64).ravel().tolist()]
        for name, shown in stimulus.values.items()
    }


def _little_endian(values: Array) -> bytes:
    return values.astype(values.dtype.newbyteorder("<")).tobytes()
