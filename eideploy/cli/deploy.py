"""Verbs `export`, `compile`, `run` and `inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eideploy.bundle import is_bundle, load_bundle
from eideploy.cli.bundles import show_bundle
from eideploy.cli.compilation import (
    chip_of,
    compile_options,
    refuse_compiling,
    refuse_integers,
)
from eideploy.cli.console import progress_bar, remark
from eideploy.cli.inputs import is_program, load_input, load_model
from eideploy.cli.options import (
    Bin,
    Calibration,
    ChipChoice,
    DataDir,
    Device,
    Dt,
    Executor,
    Form,
    Granularity,
    GranularityChoice,
    GraphForm,
    Json,
    LabelsFile,
    Mapping,
    MappingChoice,
    Model,
    Pool,
    PoolChoice,
    QuantizationReport,
    Reset,
    Samples,
    Steps,
    StimulusFile,
    Target,
    Timeout,
    TimeUnit,
    Unit,
    WeightBits,
)
from eideploy.cli.runs import show_run, write_page
from eideploy.cli.show import show_graph, show_program, show_trace
from eideploy.cli.stimuli import Shown, ports_of
from eideploy.errors import InputError
from eideploy.graph import GraphDescription
from eideploy.program import load_program, save_trace


def export(
    run: Annotated[Path, typer.Argument(help="A run directory.", metavar="RUN")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .nir file to write.")],
    form: GraphForm = Form.ei,
    data_dir: DataDir = None,
) -> None:
    """Write a trained run as a NIR graph."""
    from eideploy.graph import write
    from eideploy.train import load_run, to_graph

    graph = to_graph(load_run(run), form=form.value)
    write(output, graph)
    kinds = sorted({type(node).__name__ for node in graph.nodes.values()})
    remark(f"{output}: {len(graph.nodes)} nodes ({', '.join(kinds)})")


def compile_(
    context: typer.Context,
    model: Model,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="The Program (.npz) to write, or a file of the target's own."
        ),
    ],
    target: Target = "lava-fixed",
    mapping: Mapping = MappingChoice.fused,
    form: GraphForm = Form.ei,
    weight_bits: WeightBits = None,
    calibration: Calibration = None,
    granularity: Granularity = GranularityChoice.channel,
    pool: Pool = PoolChoice.fold,
    dt: Dt = None,
    chip: ChipChoice = None,
    reset: Reset = None,
    report: QuantizationReport = False,
    json: Json = False,
) -> None:
    """Compile a network for a target and show what became of it."""
    from eideploy.cli.quantization import warn_of_losses
    from eideploy.compile import run_passes
    from eideploy.compile.report import compile_reported
    from eideploy.targets import load_target, writer

    backend = load_target(target)
    refuse_integers(context, backend)
    write = writer(backend, output)
    subject = load_model(model, form, reset)
    options = compile_options(
        subject,
        mapping=mapping,
        weight_bits=weight_bits,
        pool=pool,
        dt=dt,
        chip=chip,
        calibration=calibration,
        granularity=granularity,
    )
    placed_on = chip_of(backend, options)
    passes, quantization = backend.pipeline(options), None
    if report or backend.arithmetic == "integer":
        program, quantization = compile_reported(passes, subject.graph)
        warn_of_losses(quantization)
    else:
        program = run_passes(passes, subject.graph)
    write(program)
    show_program(program, json, placed_on, quantization if report else None)


def run(
    context: typer.Context,
    model: Model,
    target: Target = "lava-fixed",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the trace (.npz).")
    ] = None,
    mapping: Mapping = MappingChoice.fused,
    form: GraphForm = Form.ei,
    weight_bits: WeightBits = None,
    calibration: Calibration = None,
    granularity: Granularity = GranularityChoice.channel,
    pool: Pool = PoolChoice.fold,
    dt: Dt = None,
    chip: ChipChoice = None,
    reset: Reset = None,
    stimulus: StimulusFile = None,
    labels: LabelsFile = None,
    bins: Bin = None,
    time_unit: Unit = TimeUnit.us,
    steps: Steps = None,
    data_dir: DataDir = None,
    samples: Samples = None,
    executor: Executor = None,
    device: Device = None,
    timeout: Timeout = None,
    json: Json = False,
) -> None:
    """Run a network, or a compiled Program (.npz), on a target."""
    from eideploy.cli.backend import ready_target, tell_executor
    from eideploy.compile import run_passes
    from eideploy.simulate.record import Record

    backend = ready_target(target, executor=executor, device=device, timeout=timeout)
    asked = Shown.asked(stimulus, labels, bins, time_unit, steps, samples)
    if is_program(model):
        refuse_compiling(context, model)
        program = load_program(model)
        if stimulus is None:
            raise InputError("a compiled Program has no data of its own", "Give --stimulus FILE.")
        given = asked.read(ports_of(program))
    else:
        refuse_integers(context, backend)
        subject = load_model(model, form, reset)
        options = compile_options(
            subject,
            mapping=mapping,
            weight_bits=weight_bits,
            pool=pool,
            dt=dt,
            chip=chip,
            calibration=calibration,
            granularity=granularity,
        )
        chip_of(backend, options)
        program = run_passes(backend.pipeline(options), subject.graph)
        given = load_input(subject, asked)
    tell_executor(backend, program)
    with progress_bar(f"running on {target}") as progress:
        trace = backend.run(program, given, Record(), progress)
    if output is not None:
        save_trace(output, trace)
    show_trace(program, given, trace, json)


def inspect(
    file: Annotated[
        Path, typer.Argument(help="A .nir file, a run, a bundle, or a Program (.npz).")
    ],
    dt: Dt = None,
    chip: ChipChoice = None,
    reset: Reset = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", help="Of a run: write a page about its training and its layers here."
        ),
    ] = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", help="Of a graph, a run or a bundle: draw it here.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what is in a graph, a run, a bundle or a Program."""
    from eideploy.compile.fit import Fit
    from eideploy.targets import load_chip

    if chip is not None and (file.is_dir() or not is_program(file)):
        raise InputError(
            f"--chip is about a compiled Program, and {file} is none", "Compile it first."
        )
    if reset is not None and (file.is_dir() or is_program(file)):
        raise InputError(
            f"--reset is for graphs that cannot say it, and {file} is none", "Give a .nir file."
        )
    if dt is not None and not file.is_dir() and is_program(file):
        raise InputError(
            f"{file} is compiled for a dt already", "Leave out --dt, or give the .nir file."
        )
    if file.is_dir() and not is_bundle(file):
        _inspect_run(file, dt, html, svg, json)
        return
    if html is not None:
        raise InputError(
            f"--html is about the training of a run, and {file} is none", "Give a run directory."
        )
    if is_bundle(file):
        _inspect_bundle(file, dt, svg, json)
        return
    if is_program(file):
        if svg is not None:
            raise InputError(
                f"--svg draws graphs, and {file} is compiled", "Give the .nir file, or the run."
            )
        program = load_program(file)
        if chip is not None and program.arithmetic == "float":
            raise InputError(f"{file} computes in floating point; a chip runs integers")
        place_on = load_chip(chip) if chip else None
        if place_on:
            Fit(place_on)(program)
        show_program(program, json, place_on)
        return
    from eideploy.graph.describe import describe

    description = describe(load_model(file, reset=reset).graph, dt)
    show_graph(description, json)
    if svg is not None:
        _write_svg(svg, description, file.stem)


def _inspect_run(
    path: Path, dt: float | None, html: Path | None, svg: Path | None, json: bool
) -> None:
    from eideploy.graph.describe import describe
    from eideploy.train import load_run, to_graph

    trained = load_run(path)
    description = describe(to_graph(trained), dt) if trained.frozen else None
    if svg is not None and description is None:
        raise InputError(f"{path} is not frozen, so there is no graph of it to draw")
    show_run(trained, description, json)
    if svg is not None and description is not None:
        _write_svg(svg, description, trained.name)
    if html is not None:
        remark(f"page: {write_page(trained, html)}")


def _inspect_bundle(path: Path, dt: float | None, svg: Path | None, json: bool) -> None:
    from eideploy.graph.describe import describe

    if dt is not None:
        raise InputError(f"{path} was recorded with a dt already", "Leave out --dt.")
    bundle = load_bundle(path)
    show_bundle(bundle, json)
    if svg is not None:
        _write_svg(svg, describe(bundle.graph), bundle.manifest.model)


def _write_svg(path: Path, description: GraphDescription, title: str) -> None:
    from eideploy.files import write_text
    from eideploy.graph.drawing import draw

    write_text(path, draw(description, title))
    remark(f"drawing: {path}")
