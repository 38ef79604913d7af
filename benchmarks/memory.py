"""How much memory a training step takes, by torch's own account of its tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate

import torch
from torch.profiler import ProfilerActivity, profile


def kept_bytes(work: Callable[[], object], device: str) -> int:
    """What is left of the tensors made by `work` as long as its result is there."""
    return _account(work, device)[-1]


def peak_bytes(work: Callable[[], object], device: str) -> int:
    """The most that tensors made by `work` take at once."""
    return max(_account(work, device))


def _account(work: Callable[[], object], device: str) -> list[int]:
    """Bytes taken in the course of `work`, at least the most and, last, those at its end."""
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        result = work()
        at_end = torch.cuda.memory_allocated()
        del result
        return [torch.cuda.max_memory_allocated() - before, at_end - before]
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        result = work()
    taken = list(accumulate(_changes(profiled)))
    del result
    return taken


def _changes(profiled: profile) -> Iterator[int]:
    """Bytes allocated (+) and freed (−), in their order in time."""
    events = profiled.profiler.kineto_results.events()
    # torch gave times in microseconds before it gave nanoseconds.
    start = "start_ns" if hasattr(events[0], "start_ns") else "start_us"
    for event in sorted(events, key=lambda event: getattr(event, start)()):
        yield event.nbytes()
