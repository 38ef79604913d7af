"""What a verb is given: a model (run directory or .nir file) and a stimulus."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import nir

from eideploy.cli.options import Form, ResetChoice
from eideploy.cli.stimuli import Shown, ports_of
from eideploy.errors import InputError, StimulusError
from eideploy.graph import reset_kind
from eideploy.program import Recording, Stimulus, Trace

if TYPE_CHECKING:
    from norse.torch import SequentialState

    from eideploy.train import Run


@dataclass(frozen=True)
class Model:
    """A network that was handed in.

    Args:
        name: for reports.
        graph: as it is compiled.
        run: where it comes from, if it was trained here.
    """

    name: str
    graph: nir.NIRGraph
    run: Run | None = None

    @property
    def reset(self) -> str | None:
        """What spikes do: `value`, `subtract` or `mixed`; None if no node of the graph spikes."""
        return reset_kind(self.graph)


def load_model(path: Path, form: Form = Form.ei, reset: ResetChoice | None = None) -> Model:
    """Read a run directory or a .nir file.

    Args:
        path: of either.
        form: of the graph that is made of a run.
        reset: what spikes do in a graph that cannot say it.

    Raises:
        InputError: it is neither, or a .nir file is asked for in another form than it has.
    """
    if path.is_dir():
        from eideploy.train import load_run, to_graph

        if reset is not None:
            raise InputError(
                f"{path} is a run, which knows its reset; --reset is for graphs that cannot say it",
                "Leave out --reset; it is trained with --set neuron.reset=subtract.",
            )
        run = load_run(path)
        return Model(run.name, to_graph(run, form=form.value), run)
    if not path.exists():
        raise InputError(
            f"{path} does not exist", "Give a run directory of `eideploy train` or a .nir file."
        )
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
    return Model(path.stem, graph if reset is None else subtract_on_reset(graph))


def is_program(path: Path) -> bool:
    """Whether a file is a compiled Program: a .npz, or by whatever name an archive like one."""
    if path.suffix == ".npz" or not zipfile.is_zipfile(path):
        return path.suffix == ".npz"
    with zipfile.ZipFile(path) as archive:
        return "header.npy" in archive.namelist()


def load_input(model: Model, shown: Shown) -> Stimulus:
    """The stimulus that is asked for, or the test data of a run.

    Raises:
        StimulusError: there is none, or the file does not hold one.
    """
    if shown.path is not None:
        return shown.read(ports_of(model.graph))
    if model.run is None:
        raise StimulusError(
            f"{model.name} is a graph without data: nothing to show to it",
            "Give --stimulus FILE, an array [sample, step, …] or events, as .npy or .npz.",
        )
    shown.refuse_options()
    values, labels = model.run.samples("test")
    stimulus = Stimulus(dict.fromkeys(model.graph.inputs, values), labels)
    return stimulus.take(slice(shown.samples))


def trained_network(run: Run) -> Callable[[Stimulus], Trace]:
    """The network as it was trained: float32, with the stabilizer of training."""
    import torch

    return partial(_record, run.network(run.recipe.training.stabilizer, torch.float32))


def frozen_network(run: Run) -> Callable[[Stimulus], Trace]:
    """The network with the floor that a chip can have, in float64."""
    import torch

    return partial(_record, run.network("floor", torch.float64))


def _record(network: SequentialState, stimulus: Stimulus) -> Trace:
    from eideploy.train import record_network

    values = next(iter(stimulus.values.values()))
    return Trace(
        {
            name: Recording(
                arrays["output"], {key: value for key, value in arrays.items() if key != "output"}
            )
            for name, arrays in record_network(network, values).items()
        }
    )
