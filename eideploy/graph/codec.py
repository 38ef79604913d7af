"""Nodes to plain trees and back, by the table in `schema`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nir
import numpy as np

from eideploy.errors import GraphError
from eideploy.graph.hdf5 import Stored, Tree
from eideploy.graph.schema import Field, Kind, named_type, node_type

Shape = tuple[int, ...]

_PYTHON_SCALARS = (np.dtype(bool), np.dtype(np.int64), np.dtype(np.float64))


def decode(tree: Tree) -> nir.NIRNode:
    """Build a node from what a file holds of it.

    Args:
        tree: its fields, `type` among them, and optionally `metadata`.

    Raises:
        GraphError: the type is unknown; a field is missing, unknown, or of the wrong kind; or the
            fields do not fit together.
    """
    kind = type_name(tree)
    found = named_type(kind)
    given = {name: value for name, value in tree.items() if name not in ("type", "metadata")}
    unknown = given.keys() - {field.name for field in found.fields}
    if unknown:
        raise GraphError(f"{kind}: unknown field {', '.join(sorted(unknown))}")
    arguments: dict[str, Any] = {}
    for field in found.fields:
        if field.name in given:
            value = convert(kind, field, given[field.name])
        elif field.required:
            raise GraphError(f"{kind}: field {field.name} is missing")
        elif field.name in ("input_shape", "input_type"):
            value = None  # nir's way of saying that it follows from the graph
        else:
            continue
        if field.port:
            arguments[f"{field.port}_type"] = {field.port: value}
        else:
            arguments[field.name] = value
    try:
        return found.cls(**arguments, metadata=decode_metadata(tree))
    except GraphError:
        raise
    except (AssertionError, ValueError, TypeError, IndexError) as error:
        # The nir package checks with assert and by accident; say what it was given.
        shapes = ", ".join(
            f"{name} {value.shape}"
            for name, value in given.items()
            if isinstance(value, np.ndarray)
        )
        raise GraphError(f"{kind}: fields do not fit together ({error}): {shapes}") from error


def encode(node: nir.NIRNode, input_shape: Shape) -> Tree:
    """Bring a node into the form in which it is stored.

    Args:
        node: the node.
        input_shape: shape of what comes in, for nodes that leave it to the graph.

    Raises:
        GraphError: the type is unknown, or a field or the metadata cannot be stored.
    """
    found = node_type(node)
    tree: Tree = {"type": found.name}
    for field in found.fields:
        value = stored(node, field)
        if value is None and field.name == "input_type":
            value = np.array(input_shape)
        elif value is None and field.name == "input_shape":
            size = input_shape[1:]
            value = np.array(size[0] if isinstance(node, nir.Conv1d) else size)
        if value is not None:
            tree[field.name] = value
    return tree | encode_metadata(node.metadata)


def stored(node: nir.NIRNode, field: Field) -> Stored | None:
    """One field of a node in the form in which it is stored; None where the node has none."""
    if field.port:
        value = getattr(node, f"{field.port}_type")[field.port]
    else:
        value = getattr(node, field.name)
    return value if value is None or isinstance(value, str) else np.asarray(value)


def convert(kind: str, field: Field, value: Stored) -> Any:
    """One stored field in its Python form.

    Args:
        kind: type of the node, for the message.
        field: which field.
        value: what is stored.

    Raises:
        GraphError: it is not of the kind that the field takes.
    """
    converted = _convert(field, value)
    if converted is None:
        if isinstance(value, np.ndarray):
            content = value.tolist() if value.size < 9 else f"of shape {value.shape}"
            got = f"{content} (dtype {value.dtype})"
        else:
            got = repr(value) if isinstance(value, str) else f"a {type(value).__name__}"
        expected = field.kind.value + (f" ≥ {field.least}" if field.least is not None else "")
        raise GraphError(f"{kind}: field {field.name} is {got}, expected {expected}")
    return converted


def type_name(tree: Tree) -> str:
    """Type of the node that `tree` holds."""
    kind = tree.get("type")
    if not isinstance(kind, str):
        raise GraphError("has no type" if kind is None else f"its type is {kind!r}, expected text")
    return kind


def decode_metadata(tree: Tree) -> dict[str, Any]:
    """The metadata in `tree`, with scalars as Python numbers where that loses nothing."""
    metadata = tree.get("metadata", {})
    if not isinstance(metadata, dict):
        raise GraphError("metadata is a value, expected a group of values")
    return {name: _decode_value(value) for name, value in metadata.items()}


def encode_metadata(metadata: Mapping[str, Any]) -> Tree:
    """Metadata as a tree with one group, or none where there is no metadata."""
    if not isinstance(metadata, Mapping):
        raise GraphError(f"metadata is a {type(metadata).__name__}, expected a dict")
    return {"metadata": _encode_mapping(metadata, "metadata")} if metadata else {}


def check_name(name: object, what: str) -> str:
    """Raise a GraphError unless HDF5 can hold `name` as one name."""
    if not isinstance(name, str) or name in ("", ".") or set(name) & {"/", "\0"}:
        raise GraphError(
            f"{what} {name!r} cannot be stored",
            "Use text without '/', other than '' and '.'; HDF5 reads them as paths.",
        )
    return _check_text(name, what)


def _convert(field: Field, value: Stored) -> Any:
    """One field in its Python form, or None if it is not of its kind."""
    if not isinstance(value, np.ndarray):
        return value if field.kind is Kind.PADDING and value in ("same", "valid") else None
    dtype, integers = value.dtype.kind, value.dtype.kind in "iu"
    if field.kind is Kind.PARAMETER:
        return value if dtype in "fiu" else None
    if field.kind is Kind.FLAG:
        return bool(value) if dtype == "b" and not value.ndim else None
    if not integers or (field.least is not None and (value < field.least).any()):
        return None
    if field.kind is Kind.SHAPE:
        if value.ndim != 1:
            return None
        return value if field.port else tuple(value.tolist())
    if not value.ndim:
        return int(value)
    if field.kind is Kind.INTEGER or value.shape not in ((1,), (2,)):
        return None
    return value if field.kind is Kind.WINDOW else tuple(value.tolist())


def _decode_value(value: Stored) -> Any:
    if isinstance(value, dict):
        return {name: _decode_value(inner) for name, inner in value.items()}
    if isinstance(value, np.ndarray) and not value.ndim:
        return value.item() if value.dtype in _PYTHON_SCALARS else value[()]
    return value


def _encode_mapping(mapping: Mapping[Any, Any], where: str) -> Tree:
    return {
        check_name(name, f"{where}: key"): _encode_value(value, f"{where}[{name!r}]")
        for name, value in mapping.items()
    }


def _encode_value(value: Any, where: str) -> Stored:
    if isinstance(value, Mapping):
        return _encode_mapping(value, where)
    if isinstance(value, str):
        return _check_text(value, where)
    if isinstance(value, (list, tuple)) and value and all(isinstance(v, str) for v in value):
        return [_check_text(str(v), where) for v in value]
    if isinstance(value, (bool, int, float, np.generic, np.ndarray, list, tuple)):
        try:
            array = np.asarray(value)
        except ValueError:  # a ragged list
            array = np.asarray(None)
        if array.dtype.kind in "biuf":
            return array
    raise GraphError(
        f"{where} is a {type(value).__name__} that cannot be stored",
        "Use text, numbers, flags, arrays or lists of them, or dicts of these.",
    )


def _check_text(text: str, where: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise GraphError(f"{where}: {text!r} is not valid Unicode") from None
    if "\0" in text:
        raise GraphError(f"{where}: {text!r} contains a NUL character")
    return str(text)
