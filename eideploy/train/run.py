"""A run: a trained network with everything that belongs to it, and the graph that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import nir
import torch
from norse.torch import SequentialState

from eideploy.cells import EICircuit, Stabilizer
from eideploy.errors import InputError
from eideploy.graph.export import calibrate_shunt_means, export
from eideploy.train.batches import batches
from eideploy.train.data import Array, DatasetSpec, present
from eideploy.train.network import build_network, dataset_of
from eideploy.train.recipe import Recipe

Split = Literal["train", "test"]


@dataclass(frozen=True, eq=False)
class Run:
    """A trained network with everything that belongs to it.

    Attributes:
        path: its directory.
        recipe: how it was trained.
        weights: parameters and floors by name, float32.
        metrics: `epochs` (a row each), `test_accuracy` in %, `seconds` and the `device` of the
            training; once it is frozen also `frozen_test_accuracy`.
        floors: s_min of each divisive circuit by node name; None until it is frozen.
        shunt_means: constant divisors by node name, of a run that was trained with them; None
            for one whose folded form takes them from the training data.
    """

    path: Path
    recipe: Recipe
    weights: Mapping[str, torch.Tensor]
    metrics: Mapping[str, Any]
    floors: Mapping[str, float] | None = None
    shunt_means: Mapping[str, Array] | None = None

    @property
    def name(self) -> str:
        """What reports call the network."""
        return self.recipe.name

    @property
    def frozen(self) -> bool:
        """Whether the floors are calibrated, so that it can be deployed."""
        return self.floors is not None

    @property
    def data(self) -> DatasetSpec:
        """What is known of its data set without loading it."""
        return dataset_of(self.recipe)

    def network(
        self, stabilizer: Stabilizer = "floor", dtype: torch.dtype = torch.float32
    ) -> SequentialState:
        """The trained network, in inference.

        Args:
            stabilizer: "adaptive" as trained, "floor" as deployed.
            dtype: of its parameters; torch.float64 for exact comparisons.

        Raises:
            InputError: the floor is asked for and not calibrated, or the weights are not those of
                the recipe's network.
        """
        if stabilizer == "floor" and not self.frozen:
            if not self.recipe.training.dale:
                raise self.never_frozen()
            raise InputError(
                f"run {self.path} is not frozen", f"Freeze it: eideploy freeze {self.path}"
            )
        network = build_network(self.recipe)
        try:
            network.load_state_dict(dict(self.weights))
        except RuntimeError as error:
            raise InputError(
                f"the weights of {self.path} do not fit the network of its recipe: "
                + " ".join(str(error).split()),
                "The directory mixes two runs; train again.",
            ) from error
        for layer in network.modules():
            if isinstance(layer, EICircuit):
                layer.stabilizer = stabilizer
        return network.to(dtype).eval()

    def samples(self, split: Split = "test") -> tuple[Array, Array]:
        """Stimulus [sample, step, *shape] and classes [sample] of its training or test data.

        The stimulus is float32; of data that are not timed it is a view of one step.

        Raises:
            MissingComponentError: the data set is not there.
            InputError: it is damaged.
        """
        spec, steps = self.data, self.recipe.steps
        data = spec.load(steps)
        train = split == "train"
        k, y = (data.train_x, data.train_y) if train else (data.test_x, data.test_y)
        x = spec.values(k)
        return (x if spec.timed else present(x, steps)), y

    def never_frozen(self) -> InputError:
        """Why a network without Dale's law has no floors."""
        return InputError(
            f"run {self.path} was trained with training.dale: false, so its weights have either "
            "sign and its divisors too; no such circuit can be deployed",
            "It is an ablation; train with training.dale: true for a network to deploy.",
        )


def to_graph(run: Run, *, form: Literal["ei", "folded"] = "ei") -> nir.NIRGraph:
    """The NIR graph of a frozen run.

    Args:
        run: frozen.
        form: "ei" keeps the E-I circuits, "folded" approximates each by a plain layer whose mean
            divisor is taken over the training data, unless it was trained with constant ones.

    Raises:
        InputError: the run is not frozen, and what `eideploy.graph.export.export` raises.
    """
    network = run.network("floor")
    means = shunt_means_of(run) if form == "folded" else None
    return export(
        network,
        input_shape=run.data.shape,
        dt=run.recipe.dt,
        form=form,
        shunt_means=means,
        high=run.data.high,
        levels=run.data.levels,
        metadata={"model": run.name, "steps": run.recipe.steps},
    )


def shunt_means_of(run: Run) -> Mapping[str, Array]:
    """Constant divisors of a frozen run by node name: its own, or their means over training data.

    Raises:
        InputError: a circuit sees no input at all.
        MissingComponentError: the data set is not there.
    """
    if run.shunt_means is not None or not run.floors:
        return run.shunt_means or {}
    network = run.network("floor")
    return calibrate_shunt_means(network, batches(network, run.samples("train")[0]))
