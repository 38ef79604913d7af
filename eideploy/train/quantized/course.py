"""The course of a fine-tuning: from a frozen run to one that is deployed as it was trained."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from norse.torch import SequentialState

from eideploy.train.batches import batches
from eideploy.train.calibration import accuracy
from eideploy.train.callbacks import stage
from eideploy.train.data import Dataset
from eideploy.train.module import TrainingModule
from eideploy.train.quantized.deployment import Deployment
from eideploy.train.quantized.module import QuantizedModule
from eideploy.train.recipe import Recipe
from eideploy.train.run import Run


@dataclass(frozen=True, eq=False)
class QuantizationAware:
    """Begins with the weights of a run and keeps its constants: floors, or mean divisors.

    They are part of what is trained through: calibrated anew, what is deployed would be another
    network than the one that was trained.

    Attributes:
        parent: the frozen run.
        deployment: on the target.
    """

    parent: Run
    deployment: Deployment

    def begin(self, network: SequentialState, recipe: Recipe, data: Dataset) -> None:
        """The weights and floors of the parent."""
        network.load_state_dict(dict(self.parent.weights))

    def module(self, network: SequentialState, recipe: Recipe, steps: int) -> TrainingModule:
        """The quantized Program."""
        return QuantizedModule(network, recipe, steps, self.deployment)

    def finish(self, run: Run, device: torch.device | str, progress: bool) -> Run:
        """Accuracy as trained, in integers, and of the float network with the same weights."""
        frozen = replace(run, floors=self.parent.floors, shunt_means=self.deployment.shunt_means)
        network = frozen.network("floor").to(device)
        with stage("measuring accuracy", show=progress):
            metrics = {
                **run.metrics,
                "test_accuracy": self._accuracy(frozen, network),
                "frozen_test_accuracy": accuracy(network, *run.samples()),
            }
        return replace(frozen, metrics=metrics)

    @torch.no_grad()
    def _accuracy(self, run: Run, network: SequentialState) -> float:
        """Of the Program on the test data, in %."""
        module = QuantizedModule(network, run.recipe, 1, self.deployment)
        stimulus, labels = run.samples()
        decided = [module.logits(batch).argmax(1).cpu() for batch in batches(network, stimulus)]
        return float((torch.cat(decided).numpy() == labels).mean() * 100)
