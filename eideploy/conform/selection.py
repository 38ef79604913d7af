"""Choosing cases by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

from eideploy.conform.case import Case
from eideploy.conform.silicon import Recorded
from eideploy.errors import InputError

C = TypeVar("C", bound=Case | Recorded)


def select(cases: Iterable[C], patterns: Sequence[str]) -> list[C]:
    """The cases whose names match one of the patterns, such as `decay/*`; all without patterns.

    Raises:
        InputError: a pattern matches no case.
    """
    every = list(cases)
    for pattern in patterns:
        if not any(fnmatchcase(case.name, pattern) for case in every):
            names = [case.name for case in every]
            topics = [f"{name.split('/')[0]}/*" for name in names]
            near = difflib.get_close_matches(pattern, [*names, *topics], n=1)
            raise InputError(
                f"no case is called {pattern!r}",
                f"Did you mean {near[0]!r}?" if near else "See `eideploy conform --list`.",
            )
    if not patterns:
        return every
    return [case for case in every if any(fnmatchcase(case.name, p) for p in patterns)]
