"""What a network is trained on: which accelerator, how many devices, how many nodes."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import nn

from eideploy.errors import InputError, MissingComponentError, UnsupportedError
from eideploy.train.recipe import Recipe

Accelerator = Literal["auto", "cpu", "cuda", "mps"]

_NORMS = torch.nn.modules.batchnorm._BatchNorm


@dataclass(frozen=True)
class Hardware:
    """One process for each device.

    Attributes:
        accelerator: "cpu", "cuda" or "mps".
        devices: on each node.
        nodes: machines.
    """

    accelerator: str
    devices: int = 1
    nodes: int = 1

    @property
    def processes(self) -> int:
        """How many train together."""
        return self.devices * self.nodes

    @property
    def device(self) -> torch.device:
        """That of the first process."""
        return torch.device(self.accelerator)

    def __str__(self) -> str:
        """For run.json, such as "2 × NVIDIA H100"."""
        kind = torch.cuda.get_device_name(0) if self.accelerator == "cuda" else self.accelerator
        return kind if self.processes == 1 else f"{self.processes} × {kind}"

    def check(self, recipe: Recipe, network: nn.Module) -> None:
        """Whether a recipe can be followed here.

        Raises:
            InputError: float16 on a CPU, or a batch that the processes cannot share equally.
            UnsupportedError: a BatchNorm over several processes on CPUs.
            MissingComponentError: torch.compile has no compiler to work with.
        """
        training = recipe.training
        if training.precision == "float16" and self.accelerator == "cpu":
            raise InputError(
                "training.precision float16 needs an accelerator; this training is on the CPU",
                "Set training.precision to bfloat16 or float32.",
            )
        if training.batch_size % self.processes:
            raise InputError(
                f"a batch of {training.batch_size} samples cannot be shared equally by "
                f"{self.processes} processes",
                "Choose another number of devices, or another training.batch_size.",
            )
        normalized = any(isinstance(layer, _NORMS) for layer in network.modules())
        if normalized and self.processes > 1 and self.accelerator == "cpu":
            raise UnsupportedError(
                "a BatchNorm cannot take its statistics over several processes on CPUs",
                "Train on one CPU, or on GPUs.",
            )
        if training.compile and self.accelerator == "cpu":
            default = "clang++" if sys.platform == "darwin" else "g++"
            compiler = os.environ.get("CXX", default)
            if shutil.which(compiler) is None:
                raise MissingComponentError(
                    f"training.compile needs a C++ compiler, and {compiler} is not there",
                    "Install one, name one in the environment variable CXX, or set "
                    "training.compile to false.",
                )


def find_hardware(accelerator: Accelerator = "auto", devices: int = 1, nodes: int = 1) -> Hardware:
    """What there is, as far as it was asked for.

    Args:
        accelerator: "auto" takes a GPU if there is one, and the CPU if not.
        devices: of each node, ≥ 1.
        nodes: machines, ≥ 1.

    Raises:
        InputError: the accelerator is unknown, or there are fewer devices.
        MissingComponentError: the accelerator is not there.
    """
    if accelerator not in get_args(Accelerator):
        raise InputError(
            f"there is no accelerator {accelerator!r}",
            f"Use one of: {', '.join(get_args(Accelerator))}.",
        )
    if min(devices, nodes) < 1:
        raise InputError(f"devices and nodes must be at least 1, got {devices} and {nodes}")
    found = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if accelerator == "auto":
        accelerator = "cuda" if found["cuda"] else "mps" if found["mps"] else "cpu"
    if accelerator != "cpu":
        if not found[accelerator]:
            raise MissingComponentError(
                f"torch finds no {accelerator} device here",
                "Install a torch for it, or train with accelerator cpu.",
            )
        if devices > found[accelerator]:
            raise InputError(
                f"{devices} {accelerator} devices were asked for, there are {found[accelerator]}",
                "Ask for fewer devices.",
            )
    return Hardware(accelerator, devices, nodes)
