"""What a verb is given: a model (run directory or .nir file) and a stimulus."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nir
import numpy as np

from eideploy.cli.options import Form
from eideploy.errors import InputError, StimulusError
from eideploy.program import Array, Recording, Stimulus, Trace, load_stimulus
from eideploy.program.storage import UNREADABLE

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


def load_model(path: Path, form: Form = Form.ei) -> Model:
    """Read a run directory or a .nir file.

    Args:
        path: of either.
        form: of the graph that is made of a run.

    Raises:
        InputError: it is neither, or a .nir file is asked for in another form than it has.
    """
    if path.is_dir():
        from eideploy.train import load_run, to_graph

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
    from eideploy.graph import read

    return Model(path.stem, read(path))


def is_program(path: Path) -> bool:
    """Whether a file is a compiled Program: a .npz, or a ZIP archive by whatever name."""
    return path.suffix == ".npz" or zipfile.is_zipfile(path)


def load_input(model: Model, path: Path | None, samples: int | None) -> Stimulus:
    """The stimulus from a file, or the test data of a run; at most `samples` of it.

    Raises:
        StimulusError: there is none, or the file does not hold one.
    """
    if path is not None:
        stimulus = read_stimulus(path, tuple(model.graph.inputs))
    elif model.run is not None:
        values, labels = model.run.samples("test")
        stimulus = Stimulus(dict.fromkeys(model.graph.inputs, values), labels)
    else:
        raise StimulusError(
            f"{model.name} is a graph without data: nothing to show to it",
            "Give --stimulus FILE, an array [sample, step, …] as .npy or .npz.",
        )
    return stimulus if samples is None else stimulus.take(slice(samples))


def trained_trace(run: Run, stimulus: Stimulus) -> Trace:
    """What the network does as it was trained: float32, with the stabilizer of training."""
    import torch

    return _record(run.network(run.recipe.training.stabilizer, torch.float32), stimulus)


def frozen_trace(run: Run, stimulus: Stimulus) -> Trace:
    """What it does with the floor that a chip can have, in float64."""
    import torch

    return _record(run.network("floor", torch.float64), stimulus)


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


def read_stimulus(path: Path, inputs: tuple[str, ...]) -> Stimulus:
    """Read .npy (one input) or .npz (an array per input, and `labels`).

    Args:
        path: the file.
        inputs: names of the inputs of the network.

    Raises:
        StimulusError: unreadable, pickled, or the names do not fit.
    """
    loaded = _load_arrays(path)
    if isinstance(loaded, dict):
        if "header" in loaded:
            return load_stimulus(path)
        labels = loaded.pop("labels", None)
        return Stimulus(loaded, labels)
    if len(inputs) != 1:
        raise StimulusError(
            f"{path} holds one array, the network has inputs {list(inputs)}",
            "Save a .npz with one array per input.",
        )
    return Stimulus({inputs[0]: loaded})


def _load_arrays(path: Path) -> Array | dict[str, Array]:
    """The array of a .npy file, or those of a .npz file by name."""
    try:
        # NumPy leaves a file open that it cannot read, unless it is opened for it.
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded
            with loaded:
                return {name: loaded[name] for name in loaded.files}
    except FileNotFoundError as error:
        raise StimulusError(f"{path} does not exist") from error
    except UNREADABLE as error:
        raise StimulusError(
            f"{path} is not a NumPy file of plain numbers, or it is damaged ({error})",
            "Save it with numpy.save or numpy.savez; pickled objects are never loaded.",
        ) from error
