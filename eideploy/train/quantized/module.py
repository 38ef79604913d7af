"""The training loop's body where the network is the Program that it is deployed as."""

from __future__ import annotations

from typing import Any

from norse.torch import SequentialState
from torch import Tensor

from eideploy.train.module import TrainingModule
from eideploy.train.quantized.deployment import Deployed, Deployment
from eideploy.train.quantized.executor import Executor
from eideploy.train.recipe import Recipe


class QuantizedModule(TrainingModule):
    """`TrainingModule` whose logits are those of the quantized Program.

    The Program is compiled afresh after every optimizer step, so that loss and accuracies are
    always those of what would be deployed.

    Args:
        network: whose parameters are trained; over sequences [T, B, …], its floors calibrated.
        recipe: how to train it.
        steps: optimizer steps of the whole training, for the schedule.
        deployment: how it is deployed.
    """

    def __init__(
        self, network: SequentialState, recipe: Recipe, steps: int, deployment: Deployment
    ) -> None:
        super().__init__(network, recipe, steps)
        self._deployment = deployment
        self._deployed: Deployed | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, classes] of samples [B, …], or [B, T, …] of timed data: integers, scaled."""
        return self.logits(self._sequence(x))

    def logits(self, sequence: Tensor) -> Tensor:
        """Logits [B, classes] of a sequence [T, B, …]: the mean output over time, as scaled."""
        if self._deployed is None:
            self._deployed = self._deployment(self.network)
        program = self._deployed.program
        (output,) = program.outputs
        done = Executor(self._deployed, self.network, self.recipe.neuron)(sequence)
        scale: float = program.metadata["output_scale"][output]
        return done.outputs[output].mean(0) / scale

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Take the step and project; what was compiled is no longer what it is."""
        super().optimizer_step(*args, **kwargs)
        self._deployed = None
