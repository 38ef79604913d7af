"""Writing a bundle: all of it, or nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from time import perf_counter

import nir

from eideploy.bundle.manifest import (
    GRAPH,
    PROGRAM,
    STIMULUS,
    FormName,
    Losses,
    Manifest,
    Recorded,
    trace_file,
)
from eideploy.bundle.seal import MANIFEST, open_manifest, seal
from eideploy.bundle.traces import write_trace
from eideploy.errors import InputError, OutputError
from eideploy.graph import write
from eideploy.program import Program, Stimulus, Trace, encode, save_program, save_stimulus
from eideploy.verify import Limits
from eideploy.verify.rungs import Side, StageProgress, chunks

PART_BYTES = 2**26
"""About what the traces may take that are in memory at a time."""


@dataclass(frozen=True, eq=False)
class Form:
    """A form of the network that is recorded.

    Args:
        show: runs it, each sample for itself; told what to call with (samples done, in all).
        device: on what, for the manifest.
    """

    show: Callable[[Stimulus, Callable[[int, int], None]], Trace]
    device: str


@dataclass(frozen=True, eq=False)
class Subject:
    """What is recorded.

    Args:
        model: name of the network, for reports.
        graph: the network.
        program: what became of the graph, in float64.
        stimulus: what is shown; with labels, accuracy is judged too.
        weight_bits: width of integer weights, as the recipe says.
        limits: of bounded hops, as the recipe says.
    """

    model: str
    graph: nir.NIRGraph
    program: Program
    stimulus: Stimulus
    weight_bits: int = 8
    limits: Limits = field(default_factory=Limits)


def record(
    folder: Path,
    subject: Subject,
    forms: Mapping[FormName, Form],
    *,
    environment: Mapping[str, str],
    all_state: bool = False,
    overwrite: bool = False,
    progress: StageProgress | None = None,
    part_bytes: int = PART_BYTES,
) -> Manifest:
    """Run every form of a network, and write a bundle of what they did.

    The forms are shown some samples at a time, so that memory does not grow with their number. The
    folder appears when all of it is written.

    Args:
        folder: the bundle that is made.
        subject: the network, and what is shown to it.
        forms: who is recorded.
        environment: versions and the like, for the manifest.
        all_state: keep the state of all neurons in every step, not only what hops ask for.
        overwrite: replace a bundle that is there.
        progress: called while anything runs.
        part_bytes: about what the traces may take that are in memory at a time.

    Returns:
        The manifest, with the digest of the bundle.

    Raises:
        OutputError: the folder is there already, is no bundle, lies in one, or cannot be written;
            what was there before is untouched.
        StimulusError: the stimulus does not fit the network.
    """
    stimulus, program = subject.stimulus, subject.program
    parts = chunks([Side("program", program, None)], stimulus, part_bytes)
    for part in parts:  # what does not fit is refused before anything runs
        encode(program, stimulus.take(part))
    with _new_folder(folder, overwrite) as new:
        write(new / GRAPH, subject.graph)
        save_program(new / PROGRAM, program)
        save_stimulus(new / STIMULUS, stimulus)
        made: dict[FormName, Recorded] = {}
        for name, form in forms.items():
            path, seconds = new / trace_file(name), 0.0
            path.parent.mkdir(exist_ok=True)
            with write_trace(path, program, stimulus, all_state=all_state) as add:
                for part in parts:
                    told = partial(_tell, progress, name, part.start, stimulus.samples)
                    told(0, part.stop - part.start)
                    started = perf_counter()
                    trace = form.show(stimulus.take(part), told)
                    seconds += perf_counter() - started
                    add(part.start, trace)
            made[name] = Recorded(device=form.device, seconds=round(seconds, 3))
        (new / MANIFEST).write_bytes(_manifest(new, subject, made, environment).encode())
        return open_manifest(new)


def _tell(
    progress: StageProgress | None, name: str, start: int, samples: int, done: int, of: int
) -> None:
    if progress is not None:
        progress(name, start + done, samples)


def _manifest(
    folder: Path,
    subject: Subject,
    made: Mapping[FormName, Recorded],
    environment: Mapping[str, str],
) -> Manifest:
    stimulus, limits = subject.stimulus, subject.limits
    files = (GRAPH, PROGRAM, STIMULUS, *map(trace_file, made))
    return Manifest(
        model=subject.model,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        environment=dict(environment),
        samples=stimulus.samples,
        steps=stimulus.steps,
        labels=stimulus.labels is not None,
        weight_bits=subject.weight_bits,
        limits=Losses(accuracy_drop=limits.accuracy_drop, agreement=limits.agreement),
        traces=made,
        files={file: seal(folder / file) for file in files},
    )


@contextmanager
def _new_folder(folder: Path, overwrite: bool) -> Iterator[Path]:
    """A temporary folder that takes the place of `folder` if the block succeeds.

    On any failure it is removed, and what stood at `folder` before is untouched.
    """
    _refuse_taken(folder, overwrite)
    temporary: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        new = temporary / folder.name
        new.mkdir()  # with the permissions of any other folder of the user
        yield new
        _refuse_taken(folder, overwrite)  # the block may have taken long
        old = temporary / "old"
        if folder.exists():
            folder.replace(old)
        try:
            new.replace(folder)
        except OSError:
            if old.exists():
                old.replace(folder)
            raise
    except OSError as error:
        raise OutputError(
            f"cannot write {folder}: {error.strerror or error}",
            "Check that the folder is writable and has free space; nothing was changed.",
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _refuse_taken(folder: Path, overwrite: bool) -> None:
    for place in folder.absolute().parents:
        if all(os.path.exists(place / name) for name in (MANIFEST, PROGRAM)):
            raise OutputError(
                f"{folder} lies in the bundle {place}, which would be altered by it",
                "Give another folder.",
            )
    if not os.path.lexists(folder):
        return
    if not overwrite:
        raise OutputError(f"{folder} exists", "Give another folder, or --overwrite.")
    try:
        open_manifest(folder)
    except InputError as error:
        raise OutputError(
            f"{folder} exists and is no intact bundle, so it is not overwritten: {error.what}",
            "Give another folder, or remove it yourself.",
        ) from error
