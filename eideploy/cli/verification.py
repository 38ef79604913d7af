"""Verb `verify`: is it still my network?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from eideploy.cli.backend import ready_target, tell_executor
from eideploy.cli.bundles import origin, refuse_changes
from eideploy.cli.compilation import chip_of, compile_options, refuse_integers
from eideploy.cli.console import out, print_json, remark, stages
from eideploy.cli.forms import forms_of
from eideploy.cli.inputs import Model, load_input, load_model
from eideploy.cli.options import (
    Bin,
    Calibration,
    ChipChoice,
    DataDir,
    Device,
    Digest,
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
    Pool,
    PoolChoice,
    Reset,
    Resume,
    Samples,
    Scheduler,
    Steps,
    StimulusFile,
    Target,
    Timeout,
    TimeUnit,
    Unit,
    WeightBits,
    Workers,
)
from eideploy.cli.options import Model as ModelPath
from eideploy.cli.plans import plan_of
from eideploy.cli.stimuli import Shown
from eideploy.compile import CompileOptions, float_pipeline, run_passes
from eideploy.jobs import Plan
from eideploy.program import Stimulus
from eideploy.targets import Target as Backend
from eideploy.verify import Limits, Verification, to_document, write_html, write_junit
from eideploy.verify import table as render
from eideploy.verify import verify as climb


def verify(
    context: typer.Context,
    model: ModelPath,
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
    workers: Workers = None,
    scheduler: Scheduler = None,
    resume: Resume = False,
    digest: Digest = None,
    agreement: Annotated[
        float | None,
        typer.Option(
            "--agreement",
            min=0,
            max=100,
            help="Equal spike bins in percent that a bounded hop must keep in every population; "
            "default: what the recipe says, or 98.",
        ),
    ] = None,
    accuracy_drop: Annotated[
        float | None,
        typer.Option(
            "--accuracy-drop",
            min=0,
            max=100,
            help="Points of accuracy that a bounded hop may lose; default: what the recipe says, "
            "or 0.5.",
        ),
    ] = None,
    json: Json = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write a report to look at.")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML for CI.")] = None,
) -> None:
    """Prove, hop by hop, that what runs on a target is what was trained. Exit 1 if it is not."""
    backend = ready_target(target, executor=executor, device=device, timeout=timeout)
    refuse_integers(context, backend)
    plan = plan_of(workers, scheduler, resume)
    asked = Shown.asked(stimulus, labels, bins, time_unit, steps, samples)
    subject = load_model(model, form, reset, digest)
    about: dict[str, Any] = {"reset": subject.reset}
    if subject.bundle is not None:
        refuse_changes(subject.bundle, {"--stimulus": stimulus, "--dt": dt})
        about["bundle"] = origin(subject.bundle)
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
    shown = load_input(subject, asked)
    limits = _limits(subject, agreement, accuracy_drop)
    result = verify_model(subject, shown, backend, options, limits, plan)
    if html is not None:
        write_html(html, result)
        remark(f"report: {html}")
    if junit is not None:
        write_junit(junit, result.report)
    if json:
        print_json({**to_document(result.report), **about})
    else:
        out.print(render(result.report))
    if result.report.verdict != "pass":
        raise typer.Exit(1)


def verify_model(
    model: Model,
    stimulus: Stimulus,
    target: Backend,
    options: CompileOptions,
    limits: Limits | None = None,
    plan: Plan | None = None,
) -> Verification:
    """Compile a model for a target and climb its ladder, with a progress bar."""
    forms = forms_of(model, stimulus.samples)
    floating = run_passes(float_pipeline(options), model.graph)
    program = run_passes(target.pipeline(options), model.graph)
    tell_executor(target, program)
    with stages() as progress:
        return climb(
            model=model.name,
            stimulus=stimulus,
            target=target,
            float_program=program if target.arithmetic == "float" else floating,
            program=program,
            trained=forms.get("trained"),
            frozen=forms.get("frozen"),
            frozen_cuda=forms.get("frozen-cuda"),
            recorded=forms.get("program"),
            folded=model.graph.metadata.get("form") == "folded",
            limits=limits or model.limits,
            progress=progress,
            plan=plan,
        )


def _limits(model: Model, agreement: float | None, accuracy_drop: float | None) -> Limits:
    """What bounded hops may lose: as asked for, else as the recipe says."""
    limits = model.limits
    if agreement is not None:
        limits = replace(limits, agreement=agreement)
    return limits if accuracy_drop is None else replace(limits, accuracy_drop=accuracy_drop)
