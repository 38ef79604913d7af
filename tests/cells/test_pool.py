"""The pool against torch's."""

from __future__ import annotations

import pytest
import torch

from eideploy.cells import AvgPool2d


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("size", "kernel"), [((6, 8), 2), ((7, 9), 2), ((9, 7), 3), ((4, 4), 4)])
def test_values_and_gradients_are_those_of_torch(
    layout: torch.memory_format, size: tuple[int, int], kernel: int
) -> None:
    found = []
    for pool in (AvgPool2d(kernel), torch.nn.AvgPool2d(kernel)):
        x = torch.rand(3, 5, *size, generator=torch.Generator().manual_seed(0)).double()
        x = x.contiguous(memory_format=layout).requires_grad_()
        pooled = pool(x)
        (pooled * torch.linspace(-1, 2, pooled.numel()).reshape(pooled.shape)).sum().backward()
        found.append((pooled.detach(), x.grad))
    torch.testing.assert_close(found[0], found[1])


def test_nothing_is_kept_for_the_backward_pass() -> None:
    kept: list[torch.Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda x: x):
        AvgPool2d(2)(torch.rand(1, 1, 4, 4, requires_grad=True))
    assert not kept
