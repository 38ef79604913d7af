"""Verb `models`: what there is to train, what it costs, and what it should come to."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

from eideploy.cli.console import out, print_json
from eideploy.cli.options import Json

COLUMNS: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("recipe", "left"),
    ("steps", "right"),
    ("parameters", "right"),
    ("syn. ops", "right"),
    ("expected %", "left"),
)


def models(json: Json = False) -> None:
    """List the recipes that are installed: size, cost and expected test accuracy.

    Synaptic operations are multiply-accumulates of synaptic weights in one step of one sample if
    every input were active. With --json everything is whole, the source of an accuracy too.
    """
    from eideploy.train import list_recipes
    from eideploy.verify.table import compact

    rows = list_recipes()
    if json:
        print_json({"schema": "eideploy.models/1", "recipes": rows})
        return
    lines = [_line(row, compact) for row in rows]
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    left = out.width
    for number, (title, justify) in enumerate(COLUMNS):
        table.add_column(title, justify=justify, no_wrap=True)
        left -= max([len(title), *(len(line[number]) for line in lines)]) + 1
    # Rows stay rows: on a narrow terminal it is the last column alone that is cut off.
    table.add_column("about", no_wrap=True, max_width=max(left, len("about")))
    for row, line in zip(rows, lines, strict=True):
        about = Text(row["error"], "yellow") if row["error"] else Text(row["description"])
        table.add_row(*map(Text, line), about)
    out.print(table)


def _line(row: dict[str, Any], compact: Callable[[int], str]) -> list[str]:
    """The cells of a row but the last; of one that is broken its name alone."""
    if row["error"]:
        return [row["name"], "", "", "", ""]
    operations = compact(row["synaptic_operations"])
    numbers = [str(row["steps"]), f"{row['parameters']:,}", operations]
    return [row["name"], *numbers, _expected(row["expected"])]


def _expected(value: dict[str, Any] | None) -> str:
    """Accuracy and the first word about its source: `87.03 published`."""
    if value is None:
        return ""
    who = re.split(r"[^\w-]", value["source"])[0]
    return f"{value['accuracy']:.2f} {who}"
