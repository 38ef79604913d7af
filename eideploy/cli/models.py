"""Verb `models`: what there is to train, what it costs, and what it should come to."""

from __future__ import annotations

import re
from typing import Any

from rich.table import Table
from rich.text import Text

from eideploy.cli.console import out, print_json
from eideploy.cli.options import Json


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
    table = Table(box=None, pad_edge=False)
    table.add_column("recipe", no_wrap=True)
    for column in ("steps", "parameters", "syn. ops"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("expected %", no_wrap=True)
    table.add_column("about", no_wrap=True)  # cut off on a narrow terminal, so that rows stay rows
    for row in rows:
        if row["error"]:
            table.add_row(row["name"], "", "", "", "", Text(row["error"], "yellow"))
            continue
        table.add_row(
            row["name"],
            str(row["steps"]),
            f"{row['parameters']:,}",
            compact(row["synaptic_operations"]),
            Text(_expected(row["expected"])),
            Text(row["description"]),
        )
    out.print(table)


def _expected(value: dict[str, Any] | None) -> str:
    """Accuracy and the first word about its source: `87.03 published`."""
    if value is None:
        return ""
    who = re.split(r"[^\w-]", value["source"])[0]
    return f"{value['accuracy']:.2f} {who}"
