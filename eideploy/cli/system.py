"""Verbs `targets` and `doctor`: what is there, what is missing, and how to get it."""

from __future__ import annotations

import platform
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from eideploy import __version__
from eideploy.cli.console import out, print_json
from eideploy.cli.options import Json
from eideploy.errors import EideployError
from eideploy.installed import version

PACKAGES = {
    "torch": "training, twin",
    "norse": "E-I cells",
    "lightning": "training",
    "nir": "graphs",
    "nirtorch": "plain NIR in torch",
    "numpy": "everything",
    "h5py": "graphs",
    "lava-nc": "lava-float, lava-fixed",
    "lava-dl": "netx",
    "onnx": "onnx, onnx-fixed",
    "onnxruntime": "onnx, onnx-fixed",
}


def targets(json: Json = False) -> None:
    """List the targets that are installed and whether each can run here."""
    rows = _targets()
    if json:
        print_json({"schema": "eideploy.targets/1", "targets": rows})
        return
    table = Table(box=None, pad_edge=False)
    for column in ("target", "numbers", "held to", "here"):
        table.add_column(column)
    for row in rows:
        here = "[green]ready[/]" if row["available"] else f"[yellow]{escape(row['reason'])}[/]"
        table.add_row(row["name"], row["arithmetic"], row["relation"], here)
    out.print(table)


def doctor(
    json: Json = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 3 if any target cannot run here.")
    ] = False,
) -> None:
    """Say what is installed, what each target lacks, and the command that gets it."""
    versions = {name: version(name) for name in PACKAGES}
    rows = _targets()
    accelerator = _accelerator(versions)
    if json:
        print_json(
            {
                "schema": "eideploy.doctor/1",
                "eideploy": __version__,
                "python": platform.python_version(),
                "platform": platform.platform(),
                "packages": versions,
                "accelerator": accelerator,
                "targets": rows,
            }
        )
    else:
        _print_doctor(versions, accelerator, rows)
    if strict and not all(row["available"] for row in rows):
        raise typer.Exit(3)


def _print_doctor(
    versions: dict[str, str | None], accelerator: str, rows: list[dict[str, Any]]
) -> None:
    out.print(f"eideploy {__version__} on Python {platform.python_version()}, {accelerator}\n")
    table = Table(box=None, pad_edge=False)
    for column in ("package", "version", "for"):
        table.add_column(column)
    for name, found in versions.items():
        table.add_row(name, found or "[yellow]missing[/]", PACKAGES[name])
    out.print(table)
    out.print()
    for row in rows:
        if row["available"]:
            out.print(f"[green]✓[/] {row['name']}")
        else:
            out.print(f"[yellow]✗[/] {row['name']}: {escape(row['reason'])}")
            out.print(f"  {row['remedy']}", markup=False, style="dim")


def _targets() -> list[dict[str, Any]]:
    from eideploy.targets import load_target, target_names

    rows = []
    for name in target_names():
        row: dict[str, Any] = {"name": name, "arithmetic": "?", "relation": "?"}
        try:
            target = load_target(name)
        except EideployError as error:
            row |= {"available": False, "reason": error.what, "remedy": error.remedy}
        else:
            state = target.available()
            row |= {"arithmetic": target.arithmetic, "relation": target.relation}
            row |= {"available": state.ok, "reason": state.reason, "remedy": state.remedy}
        rows.append(row)
    return rows


def _accelerator(versions: dict[str, str | None]) -> str:
    if versions["torch"] is None:
        return "no torch"
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU only"
