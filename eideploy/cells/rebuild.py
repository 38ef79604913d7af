"""Weights made of parameters: made again on the way back, so that no copy of them is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from eideploy.errors import InputError

Strides = tuple[torch.Size, tuple[int, ...], int]
"""Shape, strides and offset: how a saved tensor lies in the memory of the weight."""


@contextmanager
def made_again(
    weight: Tensor, make: Callable[..., Tensor], parts: Sequence[Tensor]
) -> Iterator[None]:
    """What is computed with `weight` inside of the block keeps it as a promise.

    The backward pass raises an InputError if a part was changed in place in the meantime, as
    autograd itself does of what it keeps.

    Args:
        weight: kept neither itself nor as a view.
        make: gives the same values in the same layout, called with the same `parts` when the
            backward pass asks for them.
        parts: the tensors that the weight is made of.
    """
    if not torch.is_grad_enabled():  # no backward pass will ask
        yield
        return
    address = weight.untyped_storage().data_ptr()
    versions = [part._version for part in parts]

    def pack(saved: Tensor) -> Tensor | Strides:
        if saved.untyped_storage().data_ptr() != address:
            return saved
        return saved.shape, saved.stride(), int(saved.storage_offset())

    @torch.no_grad()
    def unpack(kept: Tensor | Strides) -> Tensor:
        if isinstance(kept, Tensor):
            return kept
        if versions != [part._version for part in parts]:
            raise InputError(
                "a weight was changed in place between the forward and the backward pass",
                "Change weights, as an optimizer's step does, after the backward pass.",
            )
        return make(*parts).as_strided(*kept)

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        yield
