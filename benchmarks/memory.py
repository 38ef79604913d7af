"""How much memory a training step takes: what autograd keeps, and the most that tensors take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile


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


def peak_bytes(work: Callable[[], object], device: str) -> int:
    """The most that tensors made by `work` take at once, by torch's own account."""
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        return int(torch.cuda.max_memory_allocated() - before)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        work()
    events = profiled.profiler.kineto_results.events()
    # In their order in time, which torch gave in microseconds before it gave nanoseconds.
    start = "start_ns" if hasattr(events[0], "start_ns") else "start_us"
    taken = most = 0
    for event in sorted(events, key=lambda event: getattr(event, start)()):
        taken += event.nbytes()
        most = max(most, taken)
    return most
