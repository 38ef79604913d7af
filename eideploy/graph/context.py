"""Saying where in a graph something went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from eideploy.errors import GraphError, UnsupportedError


@contextmanager
def within(where: str) -> Iterator[None]:
    """Put `where` in front of the message of an error about a graph that the block raises."""
    try:
        yield
    except (GraphError, UnsupportedError) as error:
        raise type(error)(f"{where}: {error.what}", error.remedy) from error.__cause__
