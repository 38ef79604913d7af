"""One name for all that a result depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import partial
from types import MethodType
from typing import Any

import numpy as np


class _UnknownError(Exception):
    """Something of which it is not known what it depends on."""


def digest(value: object) -> str | None:
    """A hash of the content of values, arrays, records and functions, equal wherever it is made.

    Records are dataclasses: their type and their fields count. A function counts by its name, so
    it must be one of a module. An object with a text `digest` counts by that. If there is anything
    else in it, of which it is not known what it depends on, there is no hash: None.
    """
    state = hashlib.sha256()
    try:
        _feed(state.update, value)
    except _UnknownError:
        return None
    return state.hexdigest()


def _feed(add: Callable[[Any], None], value: Any) -> None:
    """Hand on bytes that differ where values do: each kind begins with its name and its length."""
    match value:
        case None | bool() | int() | float() | str() | bytes() | complex() | slice():
            text = repr(value).encode()
            add(f"{type(value).__name__} {len(text)} ".encode() + text)
        case np.generic():
            _feed(add, np.asarray(value))
        case np.ndarray():
            _feed_array(add, value)
        case Enum():
            _feed(add, (_name(type(value)), value.name))
        case Mapping():
            add(f"mapping {len(value)} ".encode())
            for key in sorted(value, key=repr):
                _feed(add, key)
                _feed(add, value[key])
        case Sequence():
            add(f"sequence {len(value)} ".encode())
            for item in value:
                _feed(add, item)
        case MethodType():
            _feed(add, ("method", value.__func__, value.__self__))
        case partial():
            _feed(add, ("partial", value.func, value.args, value.keywords))
        case _ if isinstance(getattr(value, "digest", None), str):
            _feed(add, (_name(type(value)), value.digest))
        case _ if is_dataclass(value) and not isinstance(value, type):
            _feed(add, _name(type(value)))
            _feed(add, {item.name: getattr(value, item.name) for item in fields(value)})
        case _ if callable(value) and "<" not in getattr(value, "__qualname__", "<"):
            _feed(add, ("function", _name(value)))
        case _:
            raise _UnknownError


def _feed_array(add: Callable[[Any], None], array: np.ndarray[Any, Any]) -> None:
    if array.dtype.hasobject:
        raise _UnknownError
    add(f"array {array.dtype.str} {array.shape} ".encode())
    # A view that repeats itself is as long as what it repeats.
    once = array[tuple(slice(1) if stride == 0 else slice(None) for stride in array.strides)]
    add(f"{once.shape} ".encode())
    add(np.ascontiguousarray(once).data.cast("B") if once.size else b"")


def _name(kind: Any) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
