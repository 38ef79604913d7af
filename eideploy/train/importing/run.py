"""A checkpoint of the paper's code becomes a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eideploy.errors import InputError, MissingComponentError
from eideploy.train import place
from eideploy.train.calibration import accuracy, calibrate
from eideploy.train.callbacks import stage
from eideploy.train.data import find_dataset, list_datasets
from eideploy.train.document import dump
from eideploy.train.folder import save_run
from eideploy.train.hardware import find_hardware
from eideploy.train.importing.checkpoint import Checkpoint, read_checkpoint
from eideploy.train.importing.circuits import Circuit, find_circuits
from eideploy.train.importing.placing import place_
from eideploy.train.importing.recognition import fits, interface, recognize
from eideploy.train.importing.settings import DATASETS, sections
from eideploy.train.network import build_network
from eideploy.train.recipe import Recipe, load_recipe, override, parse_recipe
from eideploy.train.run import Run

_STEPS = 4  # T of the paper for images


@dataclass(frozen=True, eq=False)
class Imported:
    """What came of a checkpoint.

    Attributes:
        run: as it was written.
        assumed: what the file did not say and how it was decided, a sentence each.
        unfrozen: why the run is not frozen; empty if it is.
    """

    run: Run
    assumed: tuple[str, ...]
    unfrozen: str


def import_checkpoint(
    path: str | Path,
    out_dir: str | Path | None = None,
    *,
    data: str | None = None,
    steps: int | None = None,
    recipe: str | Path | None = None,
    changes: Sequence[str] = (),
    freeze: bool | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> Imported:
    """Make a run of a checkpoint that the paper's own code wrote.

    The network is told from the shapes of its tensors and the numbers of its modules: model mlp,
    vgg or resnet. What a file cannot say, the data set and the number of steps, is taken from the
    settings in it where it has them. Weights are taken over as they are, rounded to float32.

    Args:
        path: what `torch.save` wrote, or a safetensors file.
        out_dir: the run directory; runs/NAME if not given.
        data: name of the data set that it was trained on.
        steps: T.
        recipe: the whole recipe, a name or a YAML file; the checkpoint then gives weights alone.
        changes: to the recipe, "key.path=value" each.
        freeze: calibrate the floors on the training data and measure accuracy on the test data;
            None does so if the data set is there.
        overwrite: replace a run that is already there.
        progress: show on stderr what is going on.

    Raises:
        InputError: the checkpoint is refused, damaged, or of a network that is not known or not
            certain; there is a run already; a circuit is dead on the training data.
        UnsupportedError: the network is one that cannot be built here.
        RecipeError: the recipe, a change of it, or the data set's name is wrong.
        MissingComponentError: it is to be frozen, and the data set is not there.
        OutputError: the directory cannot be written.
    """
    checkpoint = read_checkpoint(path)
    circuits = find_circuits(checkpoint)
    assumed: list[str] = []
    if recipe is None:
        chosen, assumed = _recipe(checkpoint, circuits, data, steps)
    else:
        given = {"data.name": data, "steps": steps}
        extra = [f"{key}={value}" for key, value in given.items() if value is not None]
        chosen = override(load_recipe(recipe), extra)
    chosen = override(chosen, changes)
    folder = Path("runs") / chosen.name if out_dir is None else Path(out_dir)
    place.prepare(folder, chosen, resume=False, overwrite=overwrite)
    network = build_network(chosen)
    place_(circuits, network)
    metrics = {
        "epochs": [],
        "imported": {"file": checkpoint.path.name, "sha256": checkpoint.sha256},
    }
    run = Run(folder, chosen, network.state_dict(), metrics=metrics, floors=None)
    unfrozen = "--no-freeze was given" if freeze is False else ""
    if freeze is not False:
        try:
            run = _frozen(run, progress)
        except MissingComponentError as error:
            if freeze:
                raise
            unfrozen = str(error)
    place.clear(folder)
    save_run(run)
    return Imported(run, tuple(assumed), unfrozen)


def _frozen(run: Run, progress: bool) -> Run:
    """Measure and calibrate as at the end of a training, on a GPU if there is one."""
    device = find_hardware().device
    with stage("measuring accuracy", show=progress):
        reached = accuracy(run.network("adaptive").to(device), *run.samples())
    with stage("calibrating floors", show=progress):
        return calibrate(replace(run, metrics={**run.metrics, "test_accuracy": reached}), device)


def _recipe(
    checkpoint: Checkpoint, circuits: Sequence[Circuit], data: str | None, steps: int | None
) -> tuple[Recipe, list[str]]:
    """The recipe of the network, from its shapes and the settings in the file; what is assumed."""
    config = checkpoint.config
    assumed: list[str] = []
    name = data or DATASETS.get(str(config.get("dataset")))
    if name is None:
        name = _only_dataset(circuits)
        assumed.append(f"trained on {name}, the only data set that fits (--data changes it)")
    spec = find_dataset(name)
    recognized = recognize(circuits, spec)
    assumed += recognized.assumed
    model = recognized.model
    steps = steps or config.get("T")
    if steps is None:
        if spec.timed:
            raise InputError(
                f"the checkpoint does not say into how many steps {name} was cut",
                "Give --steps; the paper has 10 for CIFAR10-DVS and 16 for DVS-Gesture.",
            )
        steps = _STEPS
        assumed.append(f"shown for {_STEPS} steps, as in the paper (--steps changes it)")
    if spec.timed:
        assumed.append(
            "recordings are cut into steps of equal duration; the paper's code cuts them into "
            "steps of equal numbers of events"
        )
    if "neuron" not in config:
        assumed.append("neurons are those of the paper: tau 2, threshold 1, reset by subtraction")
    known = "" if "learning_rate" in config else "; training settings are the paper's, not its own"
    values: dict[str, Any] = {
        "name": f"{name}_{model['name']}{model.get('depth', '')}_imported",
        "description": f"imported from {checkpoint.path.name}{known}",
        "steps": steps,
        "model": model,
        "data": {"name": name, "flat": model["name"] == "mlp"},
        **sections(config),
    }
    return parse_recipe(dump(values), f"settings in {checkpoint.path}"), assumed


def _only_dataset(circuits: Sequence[Circuit]) -> str:
    """The data set whose inputs and classes are as many as the network's, if there is one only."""
    fitting = [name for name in list_datasets() if fits(circuits, find_dataset(name))]
    if len(fitting) == 1:
        return fitting[0]
    inputs, kind, classes = interface(circuits)
    found = f"{', '.join(fitting)} have" if fitting else "no data set that is known has"
    raise InputError(
        f"the checkpoint does not say what it was trained on: it has {inputs} {kind} and "
        f"{classes} classes, as {found}",
        f"Give --data NAME, one of: {', '.join(fitting or list_datasets())}.",
    )
