"""Taking the time of work on a processor that others use too, or on a GPU."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter, process_time

import torch


def processor_seconds(work: Callable[[], object], device: str) -> float:
    """Time that all threads of this process compute, or that a GPU takes from start to end."""
    if device == "cpu":
        started = process_time()
        work()
        return process_time() - started
    torch.cuda.synchronize()
    started = perf_counter()
    work()
    torch.cuda.synchronize()
    return perf_counter() - started
