"""One training step, forward and backward, of the shipped cells against the plain ones.

python benchmarks/training_step.py [--model vgg8|vgg11|vgg16|vgg19|resnet18] [--batch N] [--steps T]
                                   [--size PIXELS] [--repeats R] [--device cpu|cuda] [--compile]

The networks are those of the zoo: of E-I circuits in shipped and in plain cells, and the BatchNorm
twin, in which shipped neurons are driven by convolutions and BatchNorms. The plain ones are the
yardstick, see `plain_cells`; the convolutions of E and I alone are a lower bound of the time.
Arithmetic is float32 throughout, without TF32.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from bound import Convolutions
from clock import processor_seconds
from eideploy_models import resnet, vgg
from measure import Row, Table
from memory import kept_bytes, peak_bytes
from plain_cells import plain
from rich.console import Console
from torch import Tensor, nn

from eideploy.cells import LIF, ei_init_network_

MODELS = {
    **{f"vgg{depth}": partial(vgg, depth=depth) for depth in (8, 11, 16, 19)},
    "resnet18": partial(resnet, depth=18),
}
CLASSES = 10
PLAIN, SHIPPED, TWIN = "plain", "shipped", "BatchNorm twin"
BOUND = "convolutions alone"


@dataclass(frozen=True)
class Step:
    """What is trained, and on what: a batch of images shown for some steps."""

    model: str = "vgg8"
    batch: int = 16
    steps: int = 4
    size: int = 32
    device: str = "cpu"
    compile: bool = False

    def in_words(self) -> str:
        words = f"{self.model}, batch {self.batch}, {self.steps} steps, {self.size}×{self.size}"
        return words + (", compiled" if self.compile else "") + f", {self.device}"

    def images(self) -> Tensor:
        torch.manual_seed(0)
        images = torch.rand(self.batch, 3, self.size, self.size, device=self.device)
        return images.expand(self.steps, -1, -1, -1, -1)

    def network(self, name: str) -> nn.Module:
        """A contestant; plain and shipped have the same parameters, those of E-I Init."""
        torch.manual_seed(1)
        build = MODELS[self.model]
        shape, neuron = (3, self.size, self.size), partial(LIF, reset="subtract")
        network: nn.Module = build(shape, CLASSES, neuron, inhibition=name != TWIN)
        network.to(self.device)
        if name == TWIN:  # as circuits lie in memory by themselves, and faster
            network.to(memory_format=torch.channels_last)
        else:
            ei_init_network_(network, self.images())
        if name == PLAIN:
            network = plain(network)
        return torch.compile(network) if self.compile else network


def training_time(step: Step, repeats: int = 3) -> Table:
    """Time of a step, the networks taking turns: other work disturbs it least."""
    x, best = step.images(), {}
    contestants = {name: step.network(name) for name in (PLAIN, SHIPPED, TWIN)}
    work = {name: partial(train_step, network, x) for name, network in contestants.items()}
    work[BOUND] = Convolutions(contestants[SHIPPED], x).step
    for _ in range(repeats + 1):  # the first time, much is only loaded and allocated
        for name, do in work.items():
            taken = processor_seconds(do, step.device)
            best[name] = min(best.get(name, math.inf), taken)
    name = f"training_time_batch_{step.batch}"
    return _table(name, f"Training step ({step.in_words()}), processor time", "s", best)


def training_memory(step: Step) -> Table:
    """Bytes that autograd's graph keeps from forward to backward, the same on every machine."""
    title = f"Kept for the backward pass ({step.in_words()}), parameters not counted"
    return _table("training_memory", title, "MB", _memory(step, kept_bytes, forward))


def training_peak(step: Step) -> Table:
    """The most memory that tensors take at once in a step, gradients of parameters included."""
    title = f"Peak of a step ({step.in_words()})"
    return _table("training_peak", title, "MB", _memory(step, peak_bytes, train_step))


def _memory(
    step: Step,
    measure: Callable[[Callable[[], object], str], int],
    work: Callable[[nn.Module, Tensor], object],
) -> dict[str, float]:
    """Megabytes of each contestant, in its second step."""
    taken = {}
    for name in (PLAIN, SHIPPED, TWIN):
        network, x = step.network(name), step.images()
        train_step(network, x)
        network.zero_grad()
        taken[name] = measure(partial(work, network, x), step.device) / 1e6
    return taken


def train_step(network: nn.Module, x: Tensor) -> None:
    network.zero_grad()
    forward(network, x).backward()


def forward(network: nn.Module, x: Tensor) -> Tensor:
    """The loss, with all labels 0."""
    scores = network(x)[0].mean(0)
    labels = torch.zeros(len(scores), dtype=torch.long, device=x.device)
    return nn.functional.cross_entropy(scores, labels)


def _table(name: str, title: str, unit: str, values: dict[str, float]) -> Table:
    return Table(name, title, unit, PLAIN, tuple(Row(key, value) for key, value in values.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory of one training step.")
    parser.add_argument("--model", choices=MODELS, default=Step.model)
    parser.add_argument("--batch", type=int, default=Step.batch)
    parser.add_argument("--steps", type=int, default=Step.steps)
    parser.add_argument("--size", type=int, default=Step.size, help="pixels (default 32)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default=Step.device)
    parser.add_argument("--compile", action="store_true", help="hand all networks to torch.compile")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = vars(parser.parse_args())
    repeats = arguments.pop("repeats")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    console, step = Console(), Step(**arguments)
    tables = [partial(training_time, repeats=repeats), training_memory, training_peak]
    for table in tables:
        result = table(step)
        console.print(f"[bold]{result.title}")
        console.print(result.to_rich())


if __name__ == "__main__":
    main()
