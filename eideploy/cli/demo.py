"""Verb `demo`: everything at once, on real data, in a few minutes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from eideploy.cli.console import out, remark

RECIPE = "digits_mlp"
TARGETS = ("lava-float", "lava-fixed")
INSTEAD = ("twin",)


def demo(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Keep run, graph and reports here; default a new folder."
        ),
    ] = None,
) -> None:
    """Train on real digits, export through NIR, run on Lava's Loihi simulation, prove it equal."""
    from eideploy.cli.inputs import load_input, load_model
    from eideploy.cli.stimuli import Shown
    from eideploy.cli.verification import verify_model
    from eideploy.compile import CompileOptions
    from eideploy.graph import read, write
    from eideploy.targets import load_target
    from eideploy.train import load_recipe
    from eideploy.train import train as fit
    from eideploy.verify import table as render
    from eideploy.verify import write_html

    folder = output or Path(tempfile.mkdtemp(prefix="eideploy-demo-"))
    recipe = load_recipe(RECIPE)
    out.rule(f"1 · train {RECIPE}")
    run = fit(recipe, folder / "run", overwrite=True)
    out.print(f"{run.metrics['test_accuracy']:.2f} % of the held-out digits are right")

    out.rule("2 · export to NIR")
    model = load_model(folder / "run")
    write(folder / "model.nir", model.graph)
    # From here on the network is the one in the file, as another machine would see it.
    model = type(model)(model.name, read(folder / "model.nir"), model.run)
    out.print(f"{folder / 'model.nir'}: {len(model.graph.nodes)} nodes")

    backends = [load_target(name) for name in TARGETS]
    missing = [b.available() for b in backends if not b.available().ok]
    if missing:
        remark(f"Lava cannot run here ({missing[0].reason}); the twin stands in for it.")
        remark(missing[0].remedy)
        backends = [load_target(name) for name in INSTEAD]
    stimulus = load_input(model, Shown())
    options = CompileOptions(weight_bits=recipe.quantize.weight_bits)
    verdicts = []
    for number, backend in enumerate(backends, start=3):
        out.rule(f"{number} · deploy to {backend.name} and verify")
        result = verify_model(model, stimulus, backend, options)
        out.print(render(result.report))
        page = folder / f"{backend.name}.html"
        write_html(page, result)
        out.print(f"report: {page}")
        verdicts.append(result.report.verdict)
    if any(verdict != "pass" for verdict in verdicts):
        raise typer.Exit(1)
