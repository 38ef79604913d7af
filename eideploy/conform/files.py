"""Cases as files, for backends that are not in Python.

index.json                          every case: claim, arithmetic, options, names of its files
topic/what-it-is.network.npz        the Program, or .nir of a graph
topic/what-it-is.stimulus.npz       what is shown, an array [sample, step, …] for each input
topic/what-it-is.expected.npz       what has to come out
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eideploy import __version__
from eideploy.conform.case import Case
from eideploy.conform.expected import expected
from eideploy.errors import InputError
from eideploy.files import write_text
from eideploy.graph import write as write_graph
from eideploy.program import Program, save_program, save_stimulus, save_trace
from eideploy.simulate.record import Progress

SCHEMA = "eideploy.conform-cases/1"


def write_cases(folder: Path, cases: Sequence[Case], progress: Progress | None = None) -> None:
    """Write every case, and in the end the index of them.

    Args:
        folder: a new or empty one.
        cases: to write.
        progress: called with (cases done, cases in all).

    Raises:
        InputError: there is something in the folder.
        OutputError: a file cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not empty", "Name a new folder.")
    entries = []
    for done, case in enumerate(cases, start=1):
        entries.append(_write(folder, case))
        if progress is not None:
            progress(done, len(cases))
    index = {"schema": SCHEMA, "version": __version__, "cases": entries}
    write_text(folder / "index.json", json.dumps(index, indent=2, ensure_ascii=False) + "\n")


def options(case: Case) -> dict[str, Any]:
    """How a graph is to be compiled, as far as plain JSON values say it; nothing of a Program."""
    if isinstance(case.network, Program):
        return {}
    return {
        name: value
        for name, value in vars(case.options).items()
        if value is None or isinstance(value, (str, int, float))
    }


def described(case: Case) -> dict[str, Any]:
    """What can be said of a case without running it, as plain JSON values."""
    return {
        "name": case.name,
        "topic": case.topic,
        "claim": case.claim,
        "arithmetic": case.arithmetic,
        "state": case.state,
        "options": options(case),
        "samples": case.stimulus.samples,
        "steps": case.stimulus.steps,
    }


def _write(folder: Path, case: Case) -> dict[str, Any]:
    network, graph = case.network, not isinstance(case.network, Program)
    names = {
        "network": f"{case.name}.network.{'nir' if graph else 'npz'}",
        "stimulus": f"{case.name}.stimulus.npz",
        "expected": f"{case.name}.expected.npz",
    }
    paths = {what: folder / name for what, name in names.items()}
    if isinstance(network, Program):
        save_program(paths["network"], network)
    else:
        write_graph(paths["network"], network)
    save_stimulus(paths["stimulus"], case.stimulus)
    save_trace(paths["expected"], expected(case))
    return {**described(case), **names}
