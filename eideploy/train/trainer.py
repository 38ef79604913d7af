"""Training a network by its recipe."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from lightning.pytorch.utilities import rank_zero_only
from norse.torch import SequentialState

from eideploy.train import place
from eideploy.train.calibration import accuracy, calibrate
from eideploy.train.callbacks import History, stage
from eideploy.train.data import Dataset
from eideploy.train.fit import fit
from eideploy.train.hardware import Accelerator, Hardware, find_hardware
from eideploy.train.initialize import initialize_
from eideploy.train.loading import make_loader, to_sequence
from eideploy.train.network import build_network, dataset_of
from eideploy.train.place import Plan
from eideploy.train.recipe import Recipe
from eideploy.train.run import CHECKPOINT, Run, load_run, save_run


def train(
    recipe: Recipe,
    out_dir: str | Path,
    *,
    accelerator: Accelerator = "auto",
    devices: int = 1,
    nodes: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = True,
    say: Callable[[str], None] | None = None,
) -> Run:
    """Train a network, freeze it and write the run directory.

    On a CPU the result depends on the recipe alone, its seed and number of threads included,
    however often training was cut short and resumed. With several processes each sees its share of
    a batch, so that the sums are the same but for rounding; where the processes do not divide the
    samples, a few are seen twice in the last batch of an epoch.

    Args:
        recipe: what to train and how.
        out_dir: the run directory. Beside the files of the run it gets TensorBoard's `logs`, and
            `checkpoint` until training is over.
        accelerator: "auto" takes a GPU if there is one.
        devices: on each node. A process is started for each but the first, by calling the command
            of this one again; of all of them only the first returns.
        nodes: machines; the processes on others are started by a scheduler.
        resume: go on from the checkpoint in `out_dir`; start if there is none, and return the run
            if it is there already.
        overwrite: replace what is there.
        progress: show bars on stderr.
        say: told in a line what there is to resume.

    Returns:
        The run, frozen unless `training.dale` is false.

    Raises:
        InputError: there is a run or an unfinished training already, or one of another recipe; the
            first batch is dead, the loss stops being finite, or a layer is dead at the end.
        RecipeError: the model or the data set is not known.
        MissingComponentError: the data set, an accelerator or a compiler is not there.
        OutputError: the directory cannot be written.
        KeyboardInterrupt: by Ctrl-C or SIGTERM; what is there can be resumed.
    """
    folder = Path(out_dir)
    hardware = find_hardware(accelerator, devices, nodes)
    first = hardware.processes == 1 or getattr(rank_zero_only, "rank", 0) == 0
    progress = progress and first
    plan = place.prepare(folder, recipe, resume=resume, overwrite=overwrite)
    if say and resume and first:
        say(plan.value.format(folder))
    run = load_run(folder) if plan is Plan.HAND_BACK else None
    if run is None:
        with place.tidy(folder), _threads(recipe.training.threads):
            # Draws come from the recipe's seed and leave the caller's random numbers as they are.
            with torch.random.fork_rng(devices=[]):
                if first and plan is Plan.BEGIN:
                    place.clear(folder)
                network, history = _train(recipe, folder, hardware, plan, first, progress)
            if first:
                run = _finish(network, recipe, folder, hardware, history, progress)
    if run is None or not first:
        raise SystemExit(0)
    return run


def _train(
    recipe: Recipe, folder: Path, hardware: Hardware, plan: Plan, first: bool, progress: bool
) -> tuple[SequentialState, History]:
    """The network from its first draw, or from the checkpoint, to its last step."""
    with stage(f"loading {recipe.data.name}", show=progress):
        data = dataset_of(recipe).load(recipe.steps)
    torch.manual_seed(recipe.seed)
    network = build_network(recipe)
    hardware.check(recipe, network)
    if first and plan is Plan.BEGIN:
        with stage("initializing", show=progress):
            initialize_(network, recipe, _first_batch(recipe, data))
    resume = plan is Plan.GO_ON
    history = fit(network, recipe, data, folder, hardware, resume=resume, progress=progress)
    return network, history


def _first_batch(recipe: Recipe, data: Dataset) -> torch.Tensor:
    """The whole of it, [T, B, …], however many processes share it later."""
    spec = dataset_of(recipe)
    x, _ = next(iter(make_loader(data.train_x, data.train_y, spec, recipe, train=True)))
    return to_sequence(x, recipe.steps, spec.timed)


def _finish(
    network: SequentialState,
    recipe: Recipe,
    folder: Path,
    hardware: Hardware,
    history: History,
    progress: bool,
) -> Run:
    """Measure, freeze and write the run; nothing is left to resume then."""
    run = Run(folder, recipe, network.state_dict(), metrics={})
    with stage("measuring accuracy", show=progress):
        trained = run.network(recipe.training.stabilizer).to(hardware.device)
        metrics = {
            "test_accuracy": accuracy(trained, *run.samples()),
            "seconds": round(history.seconds, 2),
            "device": str(hardware),
            "epochs": history.epochs,
        }
    run = replace(run, metrics=metrics)
    if recipe.training.dale:  # without it there are no floors, and nothing to deploy
        with stage("calibrating floors", show=progress):
            run = calibrate(run, hardware.device)
    save_run(run)
    (folder / place.PAGE).unlink(missing_ok=True)  # of a run that was there before
    shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)
    return run


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """A fixed number of CPU threads, if one is wanted, until the end of the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
