"""A report as a JSON document, and back. The dataclasses of `report` are the schema."""

from __future__ import annotations

import json
import os
import types
from collections import abc
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from eideploy.errors import InputError
from eideploy.files import write_text
from eideploy.verify.report import Report

SCHEMA = "eideploy.verify/1"


def to_document(report: Report) -> dict[str, Any]:
    """The report as plain JSON values: every field under its own name, tuples as lists."""
    document: dict[str, Any] = plain(report)
    return {"schema": SCHEMA, **document}


def from_document(document: object) -> Report:
    """The report that a JSON document holds. Fields that are not known are ignored.

    Raises:
        InputError: it has another schema, or a field is missing or of the wrong kind.
    """
    found = document.get("schema") if isinstance(document, Mapping) else None
    if found != SCHEMA:
        raise InputError(f"not a verification report: schema is {found!r}, expected {SCHEMA!r}")
    report: Report = read(document, Report, "report")
    return report


def write_json(path: str | os.PathLike[str], report: Report) -> None:
    """Write the report to `path`. Raises `OutputError` if it cannot be written."""
    text = json.dumps(to_document(report), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def plain(value: Any) -> Any:
    """A dataclass, or a tuple of them, as JSON values."""
    if is_dataclass(value):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def read(value: Any, kind: Any, where: str) -> Any:
    """Turn JSON values into the annotated `kind`, a dataclass or a type that its fields have.

    Raises:
        InputError: they do not fit it; says where.
    """
    if is_dataclass(kind) and isinstance(kind, type) and isinstance(value, Mapping):
        hints = get_type_hints(kind)
        if missing := [item.name for item in fields(kind) if item.name not in value]:
            raise InputError(f"{where}: {', '.join(missing)} missing")
        return kind(
            **{
                item.name: read(value[item.name], hints[item.name], f"{where}.{item.name}")
                for item in fields(kind)
            }
        )
    if get_origin(kind) is tuple and isinstance(value, list):
        return tuple(
            read(item, get_args(kind)[0], f"{where}[{index}]") for index, item in enumerate(value)
        )
    if get_origin(kind) is abc.Mapping and isinstance(value, dict):
        return {
            read(key, str, where): read(item, get_args(kind)[1], f"{where}.{key}")
            for key, item in value.items()
        }
    if get_origin(kind) is Literal and value in get_args(kind):
        return value
    if isinstance(kind, types.UnionType):
        options = get_args(kind)
        if value is None and type(None) in options:
            return None
        kinds = [option for option in options if option is not type(None)]
        if len(kinds) == 1:
            return read(value, kinds[0], where)
        if any(_is(value, option) for option in kinds):
            return value
    elif _is(value, kind):
        return value
    raise InputError(f"{where} is {value!r}, expected {_expected(kind)}")


def _expected(kind: Any) -> str:
    """A kind of value as an error names it: a type, or the values that there are."""
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(repr, get_args(kind)))}"
    return str(getattr(kind, "__name__", kind))


def _is(value: Any, kind: Any) -> bool:
    """Whether a JSON value is of a plain kind; whole numbers may stand for others, truth not."""
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return kind in (int, str, bool) and type(value) is kind
