"""Verb `record`: what a network does on this machine, for another one."""

from __future__ import annotations

import platform
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from eideploy import __version__
from eideploy.bundle import Form as RecordedForm
from eideploy.bundle import FormName, Subject, is_bundle
from eideploy.bundle import record as write_bundle
from eideploy.cli.bundles import show_manifest
from eideploy.cli.console import print_json, stages
from eideploy.cli.forms import torch_forms
from eideploy.cli.inputs import Model, load_input, load_model
from eideploy.cli.options import (
    Bin,
    DataDir,
    Dt,
    Form,
    GraphForm,
    Json,
    LabelsFile,
    Reset,
    Samples,
    Steps,
    StimulusFile,
    TimeUnit,
    Unit,
)
from eideploy.cli.stimuli import Shown
from eideploy.compile import CompileOptions, float_pipeline, run_passes
from eideploy.errors import InputError
from eideploy.installed import environment
from eideploy.program import Program, Stimulus, Trace
from eideploy.simulate import reference
from eideploy.simulate.record import Progress
from eideploy.verify.ladder import Show

PACKAGES = ("h5py", "nir", "norse", "numpy", "torch")
"""What computes or stores what is recorded."""


def record(
    model: Annotated[
        Path,
        typer.Argument(
            help="A run directory of `eideploy train`, or a .nir file.", metavar="MODEL"
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle to write, a folder.")],
    form: GraphForm = Form.ei,
    dt: Dt = None,
    reset: Reset = None,
    stimulus: StimulusFile = None,
    labels: LabelsFile = None,
    bins: Bin = None,
    time_unit: Unit = TimeUnit.us,
    steps: Steps = None,
    data_dir: DataDir = None,
    samples: Samples = None,
    state: Annotated[
        bool,
        typer.Option(
            "--state",
            help="Keep the state of all neurons in every step (large), not only potentials near "
            "the threshold.",
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a bundle that is already there.")
    ] = False,
    json: Json = False,
) -> None:
    """Record what a network does here, for `eideploy verify` on another machine."""
    if is_bundle(model):
        raise InputError(
            f"{model} is a bundle already", "Give the run or the .nir file it was recorded from."
        )
    subject = load_model(model, form, reset)
    if dt is not None:
        subject.graph.metadata["dt"] = dt
    shown = load_input(subject, Shown.asked(stimulus, labels, bins, time_unit, steps, samples))
    program = run_passes(float_pipeline(CompileOptions()), subject.graph)
    with stages() as progress:
        manifest = write_bundle(
            output,
            Subject(
                subject.name, subject.graph, program, shown, subject.weight_bits, subject.limits
            ),
            _forms(subject, program),
            environment={"eideploy": __version__, **environment(*PACKAGES)},
            all_state=state,
            overwrite=overwrite,
            progress=progress,
        )
    if json:
        print_json(manifest.to_document())
    else:
        show_manifest(manifest)


def _forms(model: Model, program: Program) -> dict[FormName, RecordedForm]:
    """Every form of the network that can run here."""
    cpu, found = _cpu(), {}
    for name, show in torch_forms(model.run).items() if model.run else ():
        device = gpu_name() if name == "frozen-cuda" else cpu
        found[name] = RecordedForm(partial(_untold, show), device)
    return {**found, "program": RecordedForm(partial(_on_reference, program), cpu)}


def _untold(show: Show, stimulus: Stimulus, progress: Progress) -> Trace:
    return show(stimulus)


def _on_reference(program: Program, stimulus: Stimulus, progress: Progress) -> Trace:
    return reference.run(program, stimulus, progress=progress)


def _cpu() -> str:
    """What the processor is called, as well as can be found out."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), platform.processor() or platform.machine())


def gpu_name() -> str:
    """What the GPU is called."""
    import torch

    return str(torch.cuda.get_device_name())
