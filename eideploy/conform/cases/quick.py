"""A chosen few of each topic, for backends on which a case takes seconds."""

from __future__ import annotations

QUICK: tuple[str, ...] = ("*/*",)
"""Cases by name or pattern."""
