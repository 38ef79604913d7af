"""Filling in a template."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

import jinja2

BASE = "base.html.j2"


def render(template: str, filters: Mapping[str, Callable[..., str]], **values: Any) -> str:
    """Fill in a template that extends `base.html.j2`; everything that is filled in is escaped.

    Args:
        template: its text. The blocks of the base are `title`, `style` and `content`.
        filters: functions for it, besides `count`, a number with its thousands set apart.
        values: what it may use. One that it uses and does not get is an error.
    """
    page = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        loader=jinja2.DictLoader({BASE: files(__package__).joinpath(BASE).read_text("utf-8")}),
    )
    page.filters |= {"count": "{:,}".format, **filters}
    return page.from_string(template).render(values)
