"""Findings as bytes and back: numbers as JSON, arrays beside them. Nothing is pickled."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import numpy as np

from eideploy.program import Array, Recording, Trace
from eideploy.verify.artifact import Artifact, Wire
from eideploy.verify.findings import Findings
from eideploy.verify.measurement import Measurement, PopulationMeasurement
from eideploy.verify.report import Divergence
from eideploy.verify.rungs import Rung
from eideploy.verify.specimen import Specimen

_HEADER = "header"


def encode(findings: Findings) -> bytes:
    """Findings as bytes, from which `decode` makes equal ones."""
    arrays: dict[str, Array] = {}
    rungs = []
    for index, (rung, measured) in enumerate(findings.measured.items()):
        specimen = findings.specimens.get(rung)
        rungs.append(
            {
                "rung": asdict(rung),
                "measured": asdict(measured),
                "specimen": specimen and _specimen(specimen, f"{index}", arrays),
            }
        )
    header = {
        "refused": dict(findings.refused),
        "seconds": dict(findings.seconds),
        "rungs": rungs,
    }
    arrays[_HEADER] = np.frombuffer(json.dumps(header, default=str).encode(), np.uint8)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def decode(content: bytes) -> Findings:
    """Findings from what `encode` made of them."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    header = json.loads(arrays.pop(_HEADER).tobytes())
    measured, specimens = {}, {}
    for index, item in enumerate(header["rungs"]):
        rung = Rung(**item["rung"])
        measured[rung] = _read_measurement(item["measured"])
        if item["specimen"] is not None:
            specimens[rung] = _read_specimen(item["specimen"], f"{index}", arrays)
    return Findings(header["refused"], measured, specimens, header["seconds"])


def _read_measurement(plain: Mapping[str, Any]) -> Measurement:
    populations = tuple(map(_read_population, plain["populations"]))
    return Measurement(**_with_tuples({**plain, "populations": populations}))


def _read_population(plain: Mapping[str, Any]) -> PopulationMeasurement:
    first = plain["first"]
    changes = {
        "shapes": tuple(map(tuple, plain["shapes"])),
        "products": tuple(map(Fraction, plain["products"])),
        "first": None if first is None else Divergence(**first),
    }
    return PopulationMeasurement(**_with_tuples({**plain, **changes}))


def _specimen(specimen: Specimen, prefix: str, arrays: dict[str, Array]) -> dict[str, Any]:
    return {
        "before": _artifact(specimen.before, f"{prefix}/before", arrays),
        "after": _artifact(specimen.after, f"{prefix}/after", arrays),
        "sample": specimen.sample,
        "parting": specimen.parting,
    }


def _read_specimen(plain: Mapping[str, Any], prefix: str, arrays: Mapping[str, Array]) -> Specimen:
    return Specimen(
        _read_artifact(plain["before"], f"{prefix}/before", arrays),
        _read_artifact(plain["after"], f"{prefix}/after", arrays),
        plain["sample"],
        plain["parting"] and tuple(plain["parting"]),
    )


def _artifact(artifact: Artifact, prefix: str, arrays: dict[str, Array]) -> dict[str, Any]:
    for index, theta in enumerate(artifact.thresholds.values()):
        arrays[f"{prefix}/threshold/{index}"] = theta
    recordings = []
    for index, (name, recording) in enumerate(artifact.trace.recordings.items()):
        arrays[f"{prefix}/{index}"] = recording.output
        for key, values in recording.state.items():
            arrays[f"{prefix}/{index}/{key}"] = values
        recordings.append([name, recording.offset, list(recording.state)])
    return {
        "name": artifact.name,
        "recordings": recordings,
        "thresholds": list(artifact.thresholds),
        "outputs": artifact.outputs,
        "wires": artifact.wires,
        "seconds": artifact.seconds,
    }


def _read_artifact(plain: Mapping[str, Any], prefix: str, arrays: Mapping[str, Array]) -> Artifact:
    recordings = {
        name: Recording(
            arrays[f"{prefix}/{index}"],
            {key: arrays[f"{prefix}/{index}/{key}"] for key in state},
            offset,
        )
        for index, (name, offset, state) in enumerate(plain["recordings"])
    }
    thresholds = {
        name: arrays[f"{prefix}/threshold/{index}"]
        for index, name in enumerate(plain["thresholds"])
    }
    return Artifact(
        plain["name"],
        Trace(recordings),
        thresholds,
        tuple(plain["outputs"]),
        tuple(Wire(*wire) for wire in plain["wires"]),
        plain["seconds"],
    )


def _with_tuples(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The same with tuples, which JSON does not have, for lists."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}
