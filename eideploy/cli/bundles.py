"""What there is to say about a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from rich.table import Table

from eideploy.bundle import Bundle, FormName, Manifest, difference
from eideploy.cli.console import out, print_json, remark
from eideploy.compile import CompileOptions, float_pipeline, run_passes
from eideploy.errors import InputError
from eideploy.graph.describe import extent


def refuse_changes(bundle: Bundle, options: Mapping[str, object]) -> None:
    """Raise `InputError` if an option is given under which the recorded traces would not hold."""
    for option, value in options.items():
        if value is not None:
            raise InputError(
                f"{bundle.path} holds what was recorded without {option}",
                f"Leave it out, or record again: eideploy record … {option}.",
            )


def origin(bundle: Bundle) -> dict[str, Any]:
    """What the report of a bundle says of it, as JSON; it is told to a person at once.

    `program` is None where compiling its graph here gives the very numbers that were recorded, else
    the first difference in words. Another version may sum weights in another order: whether that
    matters is what the hop from the recorded trace of the Program says.
    """
    manifest = bundle.manifest
    remark(f"{bundle.path}: recorded {manifest.created}, sha256 {manifest.digest}")
    compiled = run_passes(float_pipeline(CompileOptions()), bundle.graph)
    found = difference(bundle.program, compiled)
    if found is not None:
        remark(f"{bundle.path}: the float Program compiled here is not the recorded one: {found}")
    return {"digest": manifest.digest, "created": manifest.created, "program": found}


def show_bundle(bundle: Bundle, json: bool) -> None:
    """Where a bundle was made, and what is in it."""
    manifest, program = bundle.manifest, bundle.program
    inputs = {population.name for population in program.sources}
    recorded = [p for p in program.populations if p.name not in inputs]
    if json:
        print_json(
            {
                **manifest.to_document(),
                "schema": "eideploy.bundle-description/1",
                "populations": [
                    {"name": p.name, "neuron": type(p.neuron).__name__, "shape": list(p.shape)}
                    for p in recorded
                ],
            }
        )
        return
    table = Table(box=None, pad_edge=False)
    for column in ("population", "neuron", "shape"):
        table.add_column(column, overflow="fold")
    for p in recorded:
        table.add_row(p.name, type(p.neuron).__name__, extent(p.shape))
    out.print(table)
    out.print()
    show_manifest(manifest)
    versions = (f"{name} {version}" for name, version in sorted(manifest.environment.items()))
    out.print(f"recorded {manifest.created} with {', '.join(versions)}", style="dim")


def show_manifest(manifest: Manifest) -> None:
    """What was recorded, in a few lines, and the digest."""
    size = sum(file.bytes for file in manifest.files.values())
    out.print(
        f"{manifest.model} · {manifest.samples:,} samples of {manifest.steps:,} steps "
        f"{'with' if manifest.labels else 'without'} labels · {size / 1e6:,.1f} MB",
        markup=False,
    )
    traces = Table(box=None, pad_edge=False)
    for column in ("trace", "seconds", "on"):
        traces.add_column(column, justify="right" if column == "seconds" else "left")
    for name in sorted(manifest.traces, key=get_args(FormName).index):
        made = manifest.traces[name]
        traces.add_row(name, f"{made.seconds:.1f}", made.device)
    out.print(traces)
    out.print(f"sha256 {manifest.digest}", soft_wrap=True)
