"""One training step, forward and backward, of the shipped cells against the plain ones.

python benchmarks/training_step.py [--batch N] [--steps T] [--size PIXELS] [--repeats R]

The network has the widths of VGG-8: five 3×3 E-I convolutions, each with a LIF and a 2×2 average
pool, and an E-I readout. Its twin has a convolution and a BatchNorm for each E-I circuit.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import process_time

import torch
from measure import Row, Table
from norse.torch import Lift, SequentialState
from plain_cells import PlainCircuit, PlainLIF
from rich.console import Console
from torch import Tensor, nn

from eideploy.cells import LIF, EIConv2d, EILinear, ei_init_network_

WIDTHS = (64, 128, 256, 512, 512)
CLASSES = 10
PLAIN = "plain"


@dataclass(frozen=True)
class Step:
    """What is trained on: a batch of images shown for some steps."""

    batch: int = 16
    steps: int = 4
    size: int = 32

    def in_words(self) -> str:
        return f"batch {self.batch}, {self.steps} steps, {self.size}×{self.size}"

    def images(self) -> Tensor:
        torch.manual_seed(0)
        return torch.rand(self.batch, 3, self.size, self.size).expand(self.steps, -1, -1, -1, -1)


def training_time(step: Step, repeats: int = 3) -> Table:
    """Processor time of a step, the networks taking turns: other work disturbs it least."""
    x, best = step.images(), {}
    contestants = networks(step)
    for _ in range(repeats + 1):  # the first time, much is only loaded and allocated
        for name, network in contestants.items():
            started = process_time()
            run(network, x).backward()
            best[name] = min(best.get(name, math.inf), process_time() - started)
    return Table(
        "training_time",
        f"Training step of VGG-8 ({step.in_words()}), processor time",
        "seconds",
        PLAIN,
        tuple(Row(name, value) for name, value in best.items()),
    )


def training_memory(step: Step) -> Table:
    """Bytes that autograd's graph keeps from forward to backward, the same on every machine."""
    kept = {}
    for name, network in networks(step).items():
        with saved_for_backward() as saved:
            loss = run(network, step.images())
        kept[name] = saved.bytes_beside(network)
        loss.backward()
    return Table(
        "training_memory",
        f"Kept for the backward pass of VGG-8 ({step.in_words()}), parameters not counted",
        "MB",
        PLAIN,
        tuple(Row(name, count / 1e6) for name, count in kept.items()),
    )


def networks(step: Step) -> dict[str, nn.Module]:
    """What is compared."""
    shipped = ei_network(step)
    return {PLAIN: plain(shipped), "shipped": shipped, "BatchNorm twin": twin(step)}


def ei_network(step: Step) -> SequentialState:
    """As shipped, after E-I Init."""
    torch.manual_seed(1)
    modules: list[nn.Module] = []
    channels = 3
    for width in WIDTHS:
        modules += [EIConv2d(channels, width, 3, padding=1), *_neurons()]
        channels = width
    features = channels * (step.size >> len(WIDTHS)) ** 2
    modules += [nn.Flatten(start_dim=2), EILinear(features, CLASSES, divisive=False)]
    network = SequentialState(*modules)
    ei_init_network_(network, step.images())
    return network


def plain(network: SequentialState) -> nn.Sequential:
    """The same network and the same parameters in plain cells."""
    modules: list[nn.Module] = []
    for module in network.children():
        if isinstance(module, LIF):
            modules.append(PlainLIF(module))
        elif isinstance(module, EIConv2d | EILinear):
            modules.append(PlainCircuit(module))
        else:
            modules.append(module)
    return nn.Sequential(*modules)


def twin(step: Step) -> SequentialState:
    """The same shape without inhibition."""
    torch.manual_seed(1)
    modules: list[nn.Module] = []
    channels = 3
    for width in WIDTHS:
        convolution = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        modules += [Lift(nn.Sequential(convolution, nn.BatchNorm2d(width))), *_neurons()]
        channels = width
    features = channels * (step.size >> len(WIDTHS)) ** 2
    modules += [nn.Flatten(start_dim=2), nn.Linear(features, CLASSES, bias=False)]
    return SequentialState(*modules)


def _neurons() -> list[nn.Module]:
    return [LIF(reset="subtract"), Lift(nn.AvgPool2d(2))]


def run(network: nn.Module, x: Tensor) -> Tensor:
    """The loss of one step, with all labels 0."""
    network.zero_grad()
    output = network(x)
    scores = (output[0] if isinstance(output, tuple) else output).mean(0)
    return nn.functional.cross_entropy(scores, torch.zeros(len(scores), dtype=torch.long))


@dataclass
class Saved:
    """Memory that autograd keeps, by address; held, so that no address comes twice."""

    storages: dict[int, torch.UntypedStorage] = field(default_factory=dict)

    def keep(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        self.storages[storage.data_ptr()] = storage
        return tensor

    def bytes_beside(self, network: nn.Module) -> int:
        parameters = {p.untyped_storage().data_ptr() for p in network.parameters()}
        return sum(s.nbytes() for address, s in self.storages.items() if address not in parameters)


@contextmanager
def saved_for_backward() -> Iterator[Saved]:
    """What is saved in a forward pass."""
    saved = Saved()
    with torch.autograd.graph.saved_tensors_hooks(saved.keep, lambda tensor: tensor):
        yield saved


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory of one training step.")
    parser.add_argument("--batch", type=int, default=Step.batch)
    parser.add_argument("--steps", type=int, default=Step.steps)
    parser.add_argument("--size", type=int, default=Step.size, help="pixels (default 32)")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    console = Console()
    step = Step(arguments.batch, arguments.steps, arguments.size)
    for table in (training_time(step, arguments.repeats), training_memory(step)):
        console.print(f"[bold]{table.title}")
        console.print(table.to_rich())


if __name__ == "__main__":
    main()
