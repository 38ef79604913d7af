"""Whether two Programs are equal in every number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from eideploy.program import Array, Program


def difference(before: Program, after: Program) -> str | None:
    """The first thing in which two Programs differ, in words; None if they are equal.

    Numbers are compared exactly. What a Program says of itself (`metadata`) is not looked at.
    """
    return next(_differences("", before, after), None)


def _differences(where: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
        yield from _of_arrays(where, before, after)
    elif type(before) is not type(after):
        yield f"{where} is a {type(before).__name__} in one, a {type(after).__name__} in the other"
    elif is_dataclass(before):
        for item in fields(before):
            if item.name != "metadata":
                inside = f"{where} {item.name}".lstrip()
                yield from _differences(
                    inside, getattr(before, item.name), getattr(after, item.name)
                )
    elif isinstance(before, tuple):
        if len(before) != len(after):
            yield f"{where}: {len(before)} in one, {len(after)} in the other"
        for one, two in zip(before, after, strict=False):
            yield from _differences(f"{where} {getattr(one, 'name', '')}".rstrip(), one, two)
    elif before != after:
        yield f"{where} is {before} in one, {after} in the other"


def _of_arrays(where: str, before: Array, after: Array) -> Iterator[str]:
    if before.shape != after.shape or before.dtype != after.dtype:
        yield (
            f"{where} has shape {before.shape} of {before.dtype} in one, {after.shape} of "
            f"{after.dtype} in the other"
        )
    elif differing := int(np.count_nonzero(before != after)):
        furthest = float(np.max(np.abs(before - after)))
        yield (
            f"{where} differs in {differing:,} of {before.size:,} numbers, at most by "
            f"{furthest:.2g}"
        )
