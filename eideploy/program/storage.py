"""Programs, stimuli and traces as `.npz` files: arrays beside one JSON header, nothing pickled."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from dataclasses import fields
from typing import Any

import numpy as np

from eideploy.errors import InputError
from eideploy.files import atomic_write
from eideploy.program.archive import read_arrays
from eideploy.program.arrays import Array
from eideploy.program.neuron import Neuron
from eideploy.program.neurons import NEURONS
from eideploy.program.operators import OPERATORS, Operator
from eideploy.program.program import Population, Program, Projection
from eideploy.program.stimulus import Stimulus
from eideploy.program.trace import Recording, Trace

Path = str | os.PathLike[str]

_PROGRAM = "eideploy.program/1"
_STIMULUS = "eideploy.stimulus/1"
_TRACE = "eideploy.trace/1"
_HEADER = "header"
_LATER = {"refractory": 0}
"""Parameters that came after the first files of this schema, and what they are in those."""

UNREADABLE = (
    # What the zip archive, its members, the arrays in them and the header raise when damaged.
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError),
    *(ValueError, KeyError, TypeError, AttributeError, MemoryError),
)


def save_program(path: Path, program: Program) -> None:
    """Write a Program to `path`. Raises `OutputError` if it cannot be written."""
    arrays: dict[str, Array] = {}
    header = {
        "schema": _PROGRAM,
        "arithmetic": program.arithmetic,
        "outputs": program.outputs,
        "dt": program.dt,
        "stride": program.stride,
        "metadata": dict(program.metadata),
        "populations": [
            {
                "name": population.name,
                "shape": population.shape,
                "offset": population.offset,
                "reset_phase": population.reset_phase,
                "neuron": _pack(population.neuron, f"population/{index}", arrays),
            }
            for index, population in enumerate(program.populations)
        ],
        "projections": [
            {
                "source": projection.source,
                "target": projection.target,
                "port": projection.port,
                "delay": projection.delay,
                "exponent": projection.exponent,
                "sign": projection.sign,
                "operator": _pack(projection.operator, f"projection/{index}", arrays),
            }
            for index, projection in enumerate(program.projections)
        ],
    }
    _write(path, header, arrays)


def load_program(path: Path) -> Program:
    """Read a Program. Raises `InputError` if the file is not one."""
    header, arrays = _read(path, _PROGRAM)
    try:
        return Program(
            populations=tuple(
                Population(
                    name=item["name"],
                    shape=tuple(item["shape"]),
                    neuron=_unpack(NEURONS, item["neuron"], f"population/{index}", arrays),
                    offset=item["offset"],
                    reset_phase=item["reset_phase"],
                )
                for index, item in enumerate(header["populations"])
            ),
            projections=tuple(
                Projection(
                    source=item["source"],
                    target=item["target"],
                    operator=_unpack(OPERATORS, item["operator"], f"projection/{index}", arrays),
                    port=item["port"],
                    delay=item["delay"],
                    exponent=item["exponent"],
                    sign=item["sign"],
                )
                for index, item in enumerate(header["projections"])
            ),
            arithmetic=header["arithmetic"],
            outputs=tuple(header["outputs"]),
            dt=header["dt"],
            stride=header.get("stride", 1),
            metadata=header["metadata"],
        )
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: the Program in it is damaged ({error})") from error


def save_stimulus(path: Path, stimulus: Stimulus) -> None:
    """Write a Stimulus to `path`. Raises `OutputError` if it cannot be written."""
    arrays = {f"values/{index}": values for index, values in enumerate(stimulus.values.values())}
    if stimulus.labels is not None:
        arrays["labels"] = stimulus.labels
    _write(path, {"schema": _STIMULUS, "inputs": list(stimulus.values)}, arrays)


def load_stimulus(path: Path) -> Stimulus:
    """Read a Stimulus. Raises `InputError` if the file is not one."""
    header, arrays = _read(path, _STIMULUS)
    try:
        return Stimulus(
            {name: arrays[f"values/{index}"] for index, name in enumerate(header["inputs"])},
            arrays.get("labels"),
        )
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: the stimulus in it is damaged ({error})") from error


def save_trace(path: Path, trace: Trace) -> None:
    """Write a Trace to `path`. Raises `OutputError` if it cannot be written."""
    arrays: dict[str, Array] = {}
    populations = []
    for index, (name, recording) in enumerate(trace.recordings.items()):
        arrays[f"{index}/output"] = recording.output
        arrays |= {f"{index}/state/{key}": values for key, values in recording.state.items()}
        populations.append(
            {"name": name, "offset": recording.offset, "state": list(recording.state)}
        )
    _write(path, {"schema": _TRACE, "populations": populations}, arrays)


def load_trace(path: Path) -> Trace:
    """Read a Trace. Raises `InputError` if the file is not one."""
    header, arrays = _read(path, _TRACE)
    try:
        return Trace(
            {
                item["name"]: Recording(
                    arrays[f"{index}/output"],
                    {key: arrays[f"{index}/state/{key}"] for key in item["state"]},
                    item["offset"],
                )
                for index, item in enumerate(header["populations"])
            }
        )
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: the trace in it is damaged ({error})") from error


def _pack(record: Neuron | Operator, prefix: str, arrays: dict[str, Array]) -> dict[str, Any]:
    """Split a record into JSON values, which are returned, and arrays, which go to `arrays`."""
    plain: dict[str, Any] = {"kind": type(record).__name__}
    for item in fields(record):
        value = getattr(record, item.name)
        if item.name in _LATER and np.array_equal(value, _LATER[item.name]):
            continue
        if isinstance(value, np.ndarray):
            arrays[f"{prefix}/{item.name}"] = value
        else:
            plain[item.name] = value
    return plain


def _unpack(
    kinds: dict[str, type[Any]], plain: dict[str, Any], prefix: str, arrays: dict[str, Array]
) -> Any:
    """Undo `_pack`. Only kinds that are listed are made."""
    kind = kinds[plain["kind"]]
    values = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in plain.items()
        if name != "kind"
    }
    start = f"{prefix}/"
    values |= {key[len(start) :]: array for key, array in arrays.items() if key.startswith(start)}
    return kind(**values)


def _write(path: Path, header: dict[str, Any], arrays: dict[str, Array]) -> None:
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    # numpy.savez_compressed would leave its archive open where the disk is full.
    with (
        atomic_write(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, array in {_HEADER: text, **arrays}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(  # type: ignore[no-untyped-call]
                    file, np.asanyarray(array), allow_pickle=False
                )


def _read(path: Path, schema: str) -> tuple[dict[str, Any], dict[str, Array]]:
    try:
        arrays = read_arrays(path)
        header = json.loads(arrays.pop(_HEADER).tobytes())
        found = header["schema"]
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except UNREADABLE as error:
        raise InputError(
            f"{path} is not an eideploy file or is damaged ({error})",
            "Check the path; `eideploy compile` writes Programs, `eideploy run -o` traces.",
        ) from error
    if found != schema:
        raise InputError(f"{path} holds {found}, expected {schema}")
    return header, arrays
