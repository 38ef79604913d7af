"""A small network, and a bundle of what it does on the reference."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eideploy.bundle import Form, FormName, Subject, record
from eideploy.compile import CompileOptions, float_pipeline, run_passes
from eideploy.program import Program, Stimulus, Trace
from eideploy.simulate import reference
from eideploy.verify import Limits


@pytest.fixture
def subject(dense_graph: Callable[..., Any], frames: Callable[..., Any]) -> Subject:
    graph = dense_graph()
    program = run_passes(float_pipeline(CompileOptions()), graph)
    stimulus = Stimulus({"input": frames((12,))}, np.arange(6) % 5)
    return Subject("dense", graph, program, stimulus, 6, Limits(2.5, 90.0))


def forms(program: Program) -> dict[FormName, Form]:
    """Every form, all of them on the reference: what is recorded does not matter here."""

    def show(stimulus: Stimulus, progress: Callable[[int, int], None]) -> Trace:
        return reference.run(program, stimulus, progress=progress)

    names: tuple[FormName, ...] = ("trained", "frozen", "program")
    return {name: Form(show, f"{name} device") for name in names}


@pytest.fixture
def record_to(subject: Subject) -> Callable[..., Path]:
    """Records the network; options are those of `record`."""

    def make(folder: Path, **options: Any) -> Path:
        record(folder, subject, forms(subject.program), environment={"python": "3"}, **options)
        return folder

    return make


@pytest.fixture
def bundle(record_to: Callable[..., Path], tmp_path: Path) -> Path:
    return record_to(tmp_path / "net.bundle")


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Callable[[], Path]:
    """Makes copies of a bundle, one after the other, for whoever alters them."""

    def make() -> Path:
        target = tmp_path / "copy.bundle"
        shutil.rmtree(target, ignore_errors=True)
        return shutil.copytree(bundle, target)

    return make
