"""The forms of a trained network that run in torch, here or where they were recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eideploy.bundle import FormName
from eideploy.cli.inputs import Model
from eideploy.errors import MissingComponentError
from eideploy.jobs import digest
from eideploy.program import Recording, Stimulus, Trace
from eideploy.verify.ladder import Show
from eideploy.verify.part import Recorded

if TYPE_CHECKING:
    import torch
    from norse.torch import SequentialState

    from eideploy.cells import Stabilizer
    from eideploy.train import Run


def forms_of(model: Model, samples: int) -> Mapping[FormName, Show | Recorded]:
    """The forms of a run, or those that a bundle has of its first samples; none of a graph."""
    if model.bundle is not None:
        traces = model.bundle.traces
        return {name: trace.take(slice(samples)) for name, trace in traces.items()}
    return {} if model.run is None else torch_forms(model.run)


def torch_forms(run: Run) -> dict[FormName, Show]:
    """The forms of a run that can run here; the one on a GPU where there is one."""
    forms: dict[FormName, Show] = {"trained": trained_network(run), "frozen": frozen_network(run)}
    return {**forms, "frozen-cuda": frozen_network(run, "cuda")} if has_cuda() else forms


def has_cuda() -> bool:
    """Whether torch finds a GPU here."""
    from eideploy.simulate import twin

    return twin.has_cuda()


def trained_network(run: Run) -> Show:
    """The network as it was trained: float32, with the stabilizer of training."""
    import torch

    return _Network.of(run, run.recipe.training.stabilizer, torch.float32)


def frozen_network(run: Run, device: str = "cpu") -> Show:
    """The network with the floor that a chip can have, in float64, on `cpu` or `cuda`."""
    import torch

    return _Network.of(run, "floor", torch.float64, device)


@dataclass(frozen=True, eq=False)
class _Network:
    """A form of a network that can be shown something, here or where it is sent to.

    Args:
        module: the network.
        digest: of what it depends on what it does.
        device: where it runs, wherever it is sent to.
    """

    module: SequentialState
    digest: str | None
    device: str

    @staticmethod
    def of(run: Run, stabilizer: Stabilizer, dtype: torch.dtype, device: str = "cpu") -> _Network:
        """The network of a run in one of its forms."""
        weights = {name: values.numpy() for name, values in run.weights.items()}
        made_of = run.recipe.model_dump_json(), weights, stabilizer, str(dtype), device
        return _Network(run.network(stabilizer, dtype), digest(made_of), device)

    def __call__(self, stimulus: Stimulus) -> Trace:
        from eideploy.train import record_network

        if self.device == "cuda" and not has_cuda():
            raise MissingComponentError("torch finds no GPU here")
        self.module.to(self.device)
        values = next(iter(stimulus.values.values()))
        return Trace(
            {
                name: Recording(
                    arrays["output"],
                    {key: value for key, value in arrays.items() if key != "output"},
                )
                for name, arrays in record_network(self.module, values).items()
            }
        )
