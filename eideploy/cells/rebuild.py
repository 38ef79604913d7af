"""Weights made of parameters: made again on the way back, so that no copy of them is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

Strides = tuple[torch.Size, tuple[int, ...], int]
"""Shape, strides and offset: how a saved tensor lies in the memory of the weight."""


@contextmanager
def made_again(weight: Tensor, make: Callable[[], Tensor]) -> Iterator[None]:
    """What is computed with `weight` inside of the block keeps it as a promise.

    Args:
        weight: kept neither itself nor as a view.
        make: gives the same values in the same layout when the backward pass asks for them; the
            parameters that it takes them from must not have changed by then.
    """
    address = weight.untyped_storage().data_ptr()

    def pack(saved: Tensor) -> Tensor | Strides:
        if saved.untyped_storage().data_ptr() != address:
            return saved
        return saved.shape, saved.stride(), int(saved.storage_offset())

    @torch.no_grad()
    def unpack(kept: Tensor | Strides) -> Tensor:
        return kept if isinstance(kept, Tensor) else make().as_strided(*kept)

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        yield
