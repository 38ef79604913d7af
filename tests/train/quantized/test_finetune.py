"""Fine-tuning: what was trained is what is deployed, and it is better than rounding afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eideploy.compile import CompileOptions, integer_pipeline
from eideploy.compile.passes import run_passes
from eideploy.errors import InputError, RecipeError
from eideploy.program import Stimulus
from eideploy.simulate import reference
from eideploy.simulate.record import Record
from eideploy.targets import load_target
from eideploy.train import Run, load_run, to_graph, train
from eideploy.train.batches import batches
from eideploy.train.quantized import finetune, finetune_recipe
from eideploy.train.quantized.deployment import Deployment
from eideploy.train.quantized.module import QuantizedModule

BITS = 3
FEW = 60


def tune(parent: Run, folder: Path, changes: tuple[str, ...] = (), **options: Any) -> Run:
    recipe = finetune_recipe(parent, "twin", weight_bits=BITS, changes=changes, **options)
    return finetune(parent, recipe, folder, accelerator="cpu", progress=False)


def deployed_output(run: Run, form: str = "ei", **options: Any) -> np.ndarray[Any, Any]:
    """Readout [sample, step, class] of the reference, for a run that was read back from disk."""
    options = {"weight_bits": run.recipe.quantize.weight_bits, **options}
    graph = to_graph(load_run(run.path), form=form)  # type: ignore[arg-type]
    program = run_passes(integer_pipeline(CompileOptions(**options)), graph)
    stimulus = Stimulus({"input": run.samples()[0][:FEW]})
    trace = reference.run(program, stimulus, Record(program.outputs, state=False))
    return trace[program.outputs[0]].output / program.metadata["output_scale"]["readout"]


def trained_logits(run: Run) -> np.ndarray[Any, Any]:
    """Of the forward pass of training, [sample, class]."""
    deployment = Deployment.on(load_target("twin"), run.recipe, run.shunt_means)
    network = run.network("floor")
    module = QuantizedModule(network, run.recipe, 1, deployment)
    with torch.no_grad():
        stimulus = run.samples()[0][:FEW]
        return torch.cat([module.logits(batch) for batch in batches(network, stimulus)]).numpy()


@pytest.fixture(scope="module")
def tuned(small_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return tune(small_run, tmp_path_factory.mktemp("tuned") / "run")


def test_what_is_deployed_is_what_was_trained(tuned: Run) -> None:
    np.testing.assert_allclose(
        trained_logits(tuned), deployed_output(tuned).mean(axis=1), rtol=1e-5, atol=1e-6
    )


def test_explicit_mapping_is_trained_as_such(small_run: Run, tmp_path: Path) -> None:
    run = tune(small_run, tmp_path, ("training.epochs=1",), mapping="explicit")
    deployed = deployed_output(run, mapping="explicit").mean(axis=1)
    np.testing.assert_allclose(trained_logits(run), deployed, rtol=1e-5, atol=1e-6)


def test_folded_form_keeps_the_divisors_it_was_trained_with(small_run: Run, tmp_path: Path) -> None:
    run = load_run(tune(small_run, tmp_path, ("training.epochs=1",), form="folded").path)
    assert run.shunt_means is not None
    assert run.shunt_means.keys() == {"ei1", "ei2"}
    deployed = deployed_output(run, "folded").mean(axis=1)
    np.testing.assert_allclose(trained_logits(run), deployed, rtol=1e-5, atol=1e-6)
    # Calibrated anew, they would be those of another network.
    assert not np.array_equal(
        to_graph(run, form="folded").nodes["ei1"].weight,
        to_graph(replace(run, shunt_means=None), form="folded").nodes["ei1"].weight,
    )


def test_it_is_better_than_rounding_afterwards(small_run: Run, tuned: Run) -> None:
    labels = small_run.samples()[1]
    rounded = finetune_recipe(small_run, "twin", weight_bits=BITS)
    network = small_run.network("floor")
    module = QuantizedModule(network, rounded, 1, Deployment.on(load_target("twin"), rounded, None))
    with torch.no_grad():
        logits = [module.logits(batch) for batch in batches(network, small_run.samples()[0])]
    before = 100 * float((torch.cat(logits).argmax(1).numpy() == labels).mean())
    assert tuned.metrics["test_accuracy"] > before + 1
    assert tuned.metrics["epochs"][-1]["test_accuracy"] == pytest.approx(
        tuned.metrics["test_accuracy"], abs=1e-3
    )


def test_the_run_says_where_it_comes_from(small_run: Run, tuned: Run) -> None:
    run = load_run(tuned.path)
    aware = run.recipe.quantize.training
    assert aware is not None
    assert (aware.run, aware.target) == (str(small_run.path), "twin")
    assert run.recipe.quantize.weight_bits == BITS
    assert run.frozen
    assert run.floors == small_run.floors
    assert all((value >= 0).all() for n, value in run.weights.items() if "bias" not in n)


def test_cut_short_and_resumed_it_ends_with_the_same_bits(
    small_run: Run, tuned: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = QuantizedModule.on_train_epoch_start

    def cut_short(module: QuantizedModule) -> None:
        if module.current_epoch == 1:
            raise KeyboardInterrupt
        begin(module)

    with monkeypatch.context() as patch:
        patch.setattr(QuantizedModule, "on_train_epoch_start", cut_short)
        with pytest.raises(KeyboardInterrupt):
            tune(small_run, tmp_path / "run")
    recipe = finetune_recipe(small_run, "twin", weight_bits=BITS)
    run = finetune(
        small_run, recipe, tmp_path / "run", accelerator="cpu", resume=True, progress=False
    )
    assert all(torch.equal(value, tuned.weights[name]) for name, value in run.weights.items())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ("model.hidden=[8]", "changes the network"),
        ("training.precision=bfloat16", "float32"),
        ("training.dale=false", "training.dale true"),
    ],
)
def test_a_change_that_fine_tuning_cannot_make_is_refused(
    small_run: Run, changes: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        finetune_recipe(small_run, "twin", changes=(changes,))


def test_a_change_that_is_wrong_names_its_key(small_run: Run) -> None:
    with pytest.raises(RecipeError, match=r"quantize\.weight_bits"):
        finetune_recipe(small_run, "twin", changes=("quantize.weight_bits=9",))


def test_a_recipe_of_fine_tuning_does_not_start_from_scratch(
    small_run: Run, tmp_path: Path
) -> None:
    recipe = finetune_recipe(small_run, "lava-fixed")
    with pytest.raises(InputError, match="does not start from scratch") as error:
        train(recipe, tmp_path)
    assert "--finetune" in error.value.remedy


def test_a_run_that_is_not_frozen_is_refused(small_run: Run, tmp_path: Path) -> None:
    parent = replace(small_run, floors=None)
    with pytest.raises(InputError, match="is not frozen"):
        finetune(parent, finetune_recipe(parent, "twin"), tmp_path / "run")
