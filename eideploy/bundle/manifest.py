"""The manifest of a bundle: what it is, where it was made, and a hash of every file in it.

It is stored in one way only (keys sorted, two spaces, a newline at the end) and holds a digest of
itself, so that a change of any of its bytes is found, and with it a change of any file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from eideploy.errors import InputError

SCHEMA: Final = "eideploy.bundle/1"

GRAPH, PROGRAM, STIMULUS = "graph.nir", "program.npz", "stimulus.npz"

FormName = Literal["trained", "frozen", "frozen-cuda", "program"]
"""A form of the network that is recorded.

`trained`: float32, with the stabilizer of training. `frozen`: float64 on the CPU, with the floor
that a chip can have. `frozen-cuda`: the same on a GPU. `program`: the float Program on the
reference executor.
"""

_DIGEST = "digest"


def trace_file(form: str) -> str:
    """Where the trace of a form of the network is kept in a bundle."""
    return f"traces/{form}.h5"


class _Record(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class FileSeal(_Record):
    """Size in bytes and SHA-256 of a file."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Recorded(_Record):
    """How a trace was made: on what, in how many seconds."""

    device: str
    seconds: Annotated[float, Field(ge=0)]


class Losses(_Record):
    """What bounded hops may lose, in percent, as the recipe says."""

    accuracy_drop: Annotated[float, Field(ge=0, le=100)]
    agreement: Annotated[float, Field(ge=0, le=100)]


class Manifest(_Record):
    """What a bundle says of itself.

    Attributes:
        schema_: `eideploy.bundle/1`; called `schema` in the file.
        model: name of the network, for reports.
        created: when, in UTC, as ISO 8601.
        environment: Python, platform and versions of what computed, by name.
        samples: number of samples.
        steps: logical steps of each.
        labels: whether their classes are known.
        weight_bits: width of integer weights, as the recipe says.
        limits: of bounded hops.
        traces: how each was made, by form of the network.
        files: seal of every file but the manifest, by path with `/`.
        digest: SHA-256 of the manifest without it.
    """

    schema_: Annotated[Literal["eideploy.bundle/1"], Field(alias="schema")] = SCHEMA
    model: str
    created: str
    environment: Mapping[str, str]
    samples: Annotated[int, Field(ge=1)]
    steps: Annotated[int, Field(ge=1)]
    labels: bool
    weight_bits: Annotated[int, Field(ge=2, le=8)]
    limits: Losses
    traces: Mapping[FormName, Recorded]
    files: Mapping[str, FileSeal]
    digest: str = ""

    @model_validator(mode="after")
    def _files_are_those_of_a_bundle(self) -> Manifest:
        expected = {GRAPH, PROGRAM, STIMULUS, *map(trace_file, self.traces)}
        if set(self.files) != expected:
            raise ValueError(f"files are {sorted(self.files)}, expected {sorted(expected)}")
        return self

    def to_document(self) -> dict[str, Any]:
        """What is stored, with the digest."""
        document = self.model_dump(by_alias=True, exclude={_DIGEST})
        return {**document, _DIGEST: _digest(document)}

    def encode(self) -> bytes:
        """The only bytes that stand for this manifest."""
        return _canonical(self.to_document())


def decode(content: bytes, where: str) -> Manifest:
    """The manifest that `encode` wrote.

    Args:
        content: of the file.
        where: its path, for messages.

    Raises:
        InputError: it is no manifest, of another version, or was altered in any byte.
    """
    try:
        document = json.loads(content)
        found = document["schema"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(
            f"{where} is no manifest of a bundle: it is no JSON, or says no schema",
            "Give a folder that `eideploy record` wrote, or copy it again if it was damaged.",
        ) from error
    if found != SCHEMA:
        raise InputError(
            f"{where} holds {str(found)[:80]!r}, expected {SCHEMA!r}",
            "Record it with this version of eideploy.",
        )
    try:
        intact = content == _canonical(document)
        digest = document.pop(_DIGEST)
        intact = intact and digest == _digest(document)
        manifest = Manifest.model_validate({**document, _DIGEST: digest})
    except (ValueError, KeyError) as error:
        raise altered(where, _first_line(error)) from error
    if not intact:
        raise altered(where, "its content is not what its digest was taken of")
    return manifest


def altered(where: str, how: str) -> InputError:
    """The refusal of a bundle that is not as it was recorded."""
    return InputError(
        f"{where}: {how}", "The bundle was altered or damaged; copy or record it again."
    )


def _canonical(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def _digest(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(document)).hexdigest()


def _first_line(error: Exception) -> str:
    """What a validator objects to first, on one line."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place}: {first['msg']}" if place else str(first["msg"])
    return f"{type(error).__name__}: {error}"
