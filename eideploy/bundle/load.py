"""Reading a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nir

from eideploy.bundle.manifest import (
    GRAPH,
    PROGRAM,
    STIMULUS,
    FormName,
    Manifest,
    altered,
    trace_file,
)
from eideploy.bundle.seal import open_manifest
from eideploy.bundle.traces import RecordedTrace, layouts
from eideploy.graph import read
from eideploy.program import Program, Stimulus, load_program, load_stimulus
from eideploy.verify import Limits


@dataclass(frozen=True, eq=False)
class Bundle:
    """What was recorded on another machine.

    Args:
        path: its folder.
        manifest: what it says of itself.
        graph: the network.
        program: what became of the graph where it was recorded, in float64.
        stimulus: what was shown.
        traces: what each form of the network did with it.
    """

    path: Path
    manifest: Manifest
    graph: nir.NIRGraph
    program: Program
    stimulus: Stimulus
    traces: dict[FormName, RecordedTrace]

    @property
    def limits(self) -> Limits:
        """What bounded hops may lose, as the recipe says."""
        limits = self.manifest.limits
        return Limits(accuracy_drop=limits.accuracy_drop, agreement=limits.agreement)


def load_bundle(folder: Path, digest: str | None = None) -> Bundle:
    """Read a bundle in which every byte is as it was recorded.

    Its traces are looked at only when they are asked for. Nothing in it is executed.

    Args:
        folder: that `record` wrote.
        digest: that it has to have.

    Raises:
        InputError: it is no bundle, has another digest, or was altered; names the file.
    """
    manifest = open_manifest(folder, digest)
    program, stimulus = load_program(folder / PROGRAM), load_stimulus(folder / STIMULUS)
    extents = manifest.samples, manifest.steps
    if (stimulus.samples, stimulus.steps) != extents:
        raise altered(
            str(folder / STIMULUS),
            f"has {stimulus.samples} samples of {stimulus.steps} steps, the manifest says "
            f"{extents[0]} of {extents[1]}",
        )
    if program.arithmetic != "float":
        raise altered(str(folder / PROGRAM), "computes in integers, expected floating point")
    known = layouts(program)
    return Bundle(
        path=folder,
        manifest=manifest,
        graph=read(folder / GRAPH),
        program=program,
        stimulus=stimulus,
        traces={
            form: RecordedTrace(
                folder.absolute() / trace_file(form),
                manifest.files[trace_file(form)].sha256,
                known,
                extents,
            )
            for form in manifest.traces
        },
    )
