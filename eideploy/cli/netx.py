"""Verb `import-netx`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from eideploy.cli.console import remark
from eideploy.cli.options import Json
from eideploy.cli.show import show_program
from eideploy.errors import InputError
from eideploy.program import save_program


def import_netx(
    file: Annotated[
        Path,
        typer.Argument(
            help="A network of lava-dl, as `export_hdf5` of lava.lib.dl.slayer writes it and "
            "lava.lib.dl.netx reads it.",
            metavar="FILE",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The Program (.npz) to write.")],
    input_shape: Annotated[
        str | None,
        typer.Option(
            "--input-shape",
            help="CHANNELS,HEIGHT,WIDTH (or NEURONS) of the input, where the file does not say it.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Make a Program of a network of lava-dl: what netx runs, spike for spike."""
    from eideploy.targets import load_target

    shape = None if input_shape is None else _shape(input_shape)
    target: Any = load_target("netx")
    program = target.read(file, shape)
    save_program(output, program)
    show_program(program, json)
    remark(f"next: eideploy run {output} --target twin --stimulus FILE")


def _shape(text: str) -> tuple[int, ...]:
    """Extents from text.

    Raises:
        InputError: they are not one or three whole numbers of at least 1.
    """
    extents = text.split(",")
    if len(extents) not in (1, 3) or not all(e.isdecimal() and int(e) > 0 for e in extents):
        raise InputError(
            f"--input-shape is {text!r}, expected whole numbers CHANNELS,HEIGHT,WIDTH or NEURONS"
        )
    return tuple(map(int, extents))
