"""What the suite says of targets as a JSON document, and back.

One target is a document `eideploy.conform/1`; several are one `eideploy.conform-matrix/1`, which
holds them as `targets`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from eideploy.conform.result import Conformance, Result, Status
from eideploy.errors import InputError
from eideploy.files import write_text
from eideploy.verify.document import plain, read
from eideploy.verify.report import Divergence

SCHEMA = "eideploy.conform/1"
MATRIX_SCHEMA = "eideploy.conform-matrix/1"
REMEDY = "Give a file that `eideploy conform --output FILE` wrote."

Texts = Mapping[str, str]


def to_document(conformance: Conformance) -> dict[str, Any]:
    """What was found as plain JSON values."""
    return {
        "schema": SCHEMA,
        "version": conformance.version,
        "target": conformance.target,
        "options": dict(conformance.options),
        "verdict": conformance.verdict,
        "counts": {status: conformance.count(status) for status in get_args(Status)},
        "not_applicable": conformance.not_applicable,
        "topics": {
            topic: dict(Counter(result.status for result in results))
            for topic, results in conformance.topics.items()
        },
        "environment": dict(conformance.environment),
        "cases": [result_document(result) for result in conformance.results],
    }


def from_document(document: object, where: str = "report") -> Conformance:
    """What a JSON document says. What follows from the cases is not read, but counted again.

    Args:
        document: JSON values.
        where: what to call it in an error.

    Raises:
        InputError: it has another schema, or a field is missing or of the wrong kind.
    """
    found = document.get("schema") if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping) or found != SCHEMA:
        raise InputError(f"{where} has schema {found!r}, expected {SCHEMA!r}", REMEDY)
    cases = document.get("cases")
    if not isinstance(cases, list):
        raise InputError(f"{where}.cases is {cases!r}, expected a list")
    return Conformance(
        target=_field(document, "target", str, where),
        results=tuple(
            result_from(case, f"{where}.cases[{index}]") for index, case in enumerate(cases)
        ),
        options=_field(document, "options", Texts, where),
        version=_field(document, "version", str, where),
        environment=_field(document, "environment", Texts, where),
        not_applicable=_field(document, "not_applicable", int, where),
    )


def result_document(result: Result) -> dict[str, Any]:
    """What became of a case as plain JSON values."""
    first = result.divergence
    return {
        "name": result.case,
        "topic": result.topic,
        "claim": result.claim,
        "status": result.status,
        "seconds": result.seconds,
        "reason": result.reason,
        "population": result.population,
        "first_divergence": plain(first) if first else None,
    }


def result_from(document: object, where: str = "case") -> Result:
    """What JSON values say became of a case.

    Raises:
        InputError: a field is missing or of the wrong kind.
    """
    if not isinstance(document, Mapping):
        raise InputError(f"{where} is {document!r}, expected an object")
    return Result(
        case=_field(document, "name", str, where),
        status=_field(document, "status", Status, where),
        seconds=_field(document, "seconds", float, where),
        reason=_field(document, "reason", str, where),
        population=_field(document, "population", str, where),
        divergence=_field(document, "first_divergence", Divergence | None, where),
        claim=_field(document, "claim", str, where),
    )


def encode(result: Result) -> bytes:
    """A result as bytes, for a journal."""
    return json.dumps(result_document(result)).encode()


def decode(content: bytes) -> Result:
    """The same backwards."""
    return result_from(json.loads(content))


def write_json(path: Path, conformances: Sequence[Conformance]) -> None:
    """Write one document, or a matrix of several. Raises `OutputError` if it cannot be written."""
    text = json.dumps(documents(conformances), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def documents(conformances: Sequence[Conformance]) -> dict[str, Any]:
    """The document of one target, or that of several."""
    if len(conformances) == 1:
        return to_document(conformances[0])
    return {
        "schema": MATRIX_SCHEMA,
        "targets": [to_document(conformance) for conformance in conformances],
    }


def read_json(path: Path) -> tuple[Conformance, ...]:
    """What a file says of a target, or of several.

    Raises:
        InputError: it cannot be read, is no JSON, or as `from_document`.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", REMEDY) from error
    except ValueError as error:
        raise InputError(f"{path} is not a JSON file: {error}", REMEDY) from error
    if isinstance(document, dict) and document.get("schema") == MATRIX_SCHEMA:
        targets = document.get("targets")
        if not isinstance(targets, list):
            raise InputError(f"{path}: targets is {targets!r}, expected a list")
        return tuple(
            from_document(target, f"{path}: targets[{index}]")
            for index, target in enumerate(targets)
        )
    return (from_document(document, str(path)),)


def _field(document: Mapping[str, Any], name: str, kind: Any, where: str) -> Any:
    if name not in document:
        raise InputError(f"{where}: {name} missing")
    return read(document[name], kind, f"{where}.{name}")
