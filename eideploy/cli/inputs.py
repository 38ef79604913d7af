"""What a verb is given: a model (run directory, bundle or .nir file) and a stimulus."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nir

from eideploy.bundle import Bundle, is_bundle, load_bundle
from eideploy.cli.options import Form, ResetChoice
from eideploy.cli.stimuli import Shown, ports_of
from eideploy.errors import InputError, StimulusError
from eideploy.graph import reset_kind
from eideploy.program import Stimulus
from eideploy.verify import Limits

if TYPE_CHECKING:
    from eideploy.train import Run


@dataclass(frozen=True)
class Model:
    """A network that was handed in.

    Args:
        name: for reports.
        graph: as it is compiled.
        run: where it comes from, if it was trained here.
        bundle: where it comes from, if it was recorded.
    """

    name: str
    graph: nir.NIRGraph
    run: Run | None = None
    bundle: Bundle | None = None

    @property
    def reset(self) -> str | None:
        """What spikes do: `value`, `subtract` or `mixed`; None if no node of the graph spikes."""
        return reset_kind(self.graph)

    @property
    def weight_bits(self) -> int:
        """Width of integer weights, as its recipe says."""
        if self.bundle is not None:
            return self.bundle.manifest.weight_bits
        return self.run.recipe.quantize.weight_bits if self.run else 8

    @property
    def limits(self) -> Limits:
        """What bounded hops may lose, as its recipe says."""
        if self.bundle is not None:
            return self.bundle.limits
        if self.run is None:
            return Limits()
        limits = self.run.recipe.limits
        return Limits(accuracy_drop=limits.accuracy_drop, agreement=limits.agreement)


def load_model(
    path: Path,
    form: Form = Form.ei,
    reset: ResetChoice | None = None,
    digest: str | None = None,
) -> Model:
    """Read a run directory, a bundle or a .nir file.

    Args:
        path: of any of them.
        form: of the graph that is made of a run.
        reset: what spikes do in a graph that cannot say it.
        digest: that a bundle has to have.

    Raises:
        InputError: it is none of them, or is asked for in another form than it has.
    """
    if is_bundle(path):
        return _load_bundled(path, form, reset, digest)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(
            f"{path} does not exist",
            "Give a run directory of `eideploy train`, a bundle of `eideploy record` or a .nir "
            "file.",
        ) from error
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}", "Check its name and its permissions."
        ) from error
    if digest is not None:
        raise InputError(
            f"--digest is that of a bundle, and {path} is none", "Leave it out, or give the bundle."
        )
    if path.is_dir():
        from eideploy.train import load_run, to_graph

        if reset is not None:
            raise InputError(
                f"{path} is a run, which knows its reset; --reset is for graphs that cannot say it",
                "Leave out --reset; it is trained with --set neuron.reset=subtract.",
            )
        run = load_run(path)
        return Model(run.name, to_graph(run, form=form.value), run)
    if is_program(path):
        raise InputError(
            f"{path} is a compiled Program (or another archive), not a network",
            "Give a run directory or a .nir file; `eideploy run` and `inspect` take a Program.",
        )
    if form is not Form.ei:
        raise InputError(
            f"{path} is a graph already; only a run can be given another form",
            f"Leave out --form, or give the run: eideploy export RUN --form {form.value}.",
        )
    from eideploy.graph import read, subtract_on_reset

    graph = read(path)
    # A file name may hold bytes that are no text, and reports are text.
    name = os.fsencode(path.stem).decode(errors="replace")
    return Model(name, graph if reset is None else subtract_on_reset(graph))


def _load_bundled(path: Path, form: Form, reset: ResetChoice | None, digest: str | None) -> Model:
    for option, changed in (("--form", form is not Form.ei), ("--reset", reset is not None)):
        if changed:
            raise InputError(
                f"{path} is a bundle, whose network is recorded; {option} would make another one",
                f"Leave out {option}; give it to `eideploy record`.",
            )
    bundle = load_bundle(path, digest)
    return Model(bundle.manifest.model, bundle.graph, bundle=bundle)


def is_program(path: Path) -> bool:
    """Whether a file is a compiled Program: a .npz, or by whatever name an archive like one."""
    if path.suffix == ".npz" or not zipfile.is_zipfile(path):
        return path.suffix == ".npz"
    with zipfile.ZipFile(path) as archive:
        return "header.npy" in archive.namelist()


def load_input(model: Model, shown: Shown) -> Stimulus:
    """The stimulus that is asked for, or what was recorded, or the test data of a run.

    Raises:
        StimulusError: there is none, or the file does not hold one.
    """
    if shown.path is not None:
        return shown.read(ports_of(model.graph))
    if model.bundle is not None:
        shown.refuse_options()
        return model.bundle.stimulus.take(slice(shown.samples))
    if model.run is None:
        raise StimulusError(
            f"{model.name} is a graph without data: nothing to show to it",
            "Give --stimulus FILE, an array [sample, step, …] or events, as .npy or .npz.",
        )
    shown.refuse_options()
    values, labels = model.run.samples("test")
    stimulus = Stimulus(dict.fromkeys(model.graph.inputs, values), labels)
    return stimulus.take(slice(shown.samples))
