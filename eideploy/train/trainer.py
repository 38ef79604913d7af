"""Training a network by its recipe."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from lightning.pytorch.utilities import rank_zero_only
from norse.torch import SequentialState

from eideploy.errors import InputError
from eideploy.train import place
from eideploy.train.callbacks import History, stage
from eideploy.train.course import Course, FromScratch
from eideploy.train.fit import fit
from eideploy.train.folder import CHECKPOINT, load_run, save_run
from eideploy.train.hardware import Accelerator, Hardware, find_hardware
from eideploy.train.network import build_network, dataset_of
from eideploy.train.place import Plan
from eideploy.train.recipe import Recipe
from eideploy.train.run import Run
from eideploy.train.sections import AwareSection


def train(
    recipe: Recipe,
    out_dir: str | Path,
    *,
    course: Course | None = None,
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
        course: what it begins with and how it ends; from scratch if not given.
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
            first batch is dead, the loss stops being finite, or a layer is dead at the end; or the
            recipe is one of fine-tuning, which `eideploy.train.quantized.finetune` does.
        RecipeError: the model or the data set is not known.
        MissingComponentError: the data set, an accelerator or a compiler is not there.
        OutputError: the directory cannot be written.
        KeyboardInterrupt: by Ctrl-C or SIGTERM; what is there can be resumed.
    """
    if course is None and recipe.quantize.training is not None:
        raise _fine_tunes(recipe.quantize.training)
    course = course or FromScratch()
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
                network, history = _train(recipe, course, folder, hardware, plan, first, progress)
            if first:
                run = _finish(network, recipe, course, folder, hardware, history, progress)
    if run is None or not first:
        raise SystemExit(0)
    return run


def _train(
    recipe: Recipe,
    course: Course,
    folder: Path,
    hardware: Hardware,
    plan: Plan,
    first: bool,
    progress: bool,
) -> tuple[SequentialState, History]:
    """The network from its first draw, or from the checkpoint, to its last step."""
    with stage(f"loading {recipe.data.name}", show=progress):
        data = dataset_of(recipe).load(recipe.steps)
    torch.manual_seed(recipe.seed)
    network = build_network(recipe)
    hardware.check(recipe, network)
    if first and plan is Plan.BEGIN:
        with stage("initializing", show=progress):
            course.begin(network, recipe, data)
    resume = plan is Plan.GO_ON
    history = fit(
        network,
        recipe,
        data,
        folder,
        hardware,
        resume=resume,
        progress=progress,
        make_module=course.module,
    )
    return network, history


def _finish(
    network: SequentialState,
    recipe: Recipe,
    course: Course,
    folder: Path,
    hardware: Hardware,
    history: History,
    progress: bool,
) -> Run:
    """Measure, freeze and write the run; nothing is left to resume then."""
    metrics = {
        "seconds": round(history.seconds, 2),
        "device": str(hardware),
        "epochs": history.epochs,
    }
    run = Run(folder, recipe, network.state_dict(), metrics)
    run = course.finish(run, hardware.device, progress)
    save_run(run)
    (folder / place.PAGE).unlink(missing_ok=True)  # of a run that was there before
    shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)
    return run


def _fine_tunes(aware: AwareSection) -> InputError:
    return InputError(
        f"the recipe fine-tunes run {aware.run} for {aware.target}; it does not start from scratch",
        f"Give the run: eideploy train --finetune {aware.run} --quantize {aware.target}; or set "
        "quantize.training to null.",
    )


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """A fixed number of CPU threads, if one is wanted, until the end of the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
