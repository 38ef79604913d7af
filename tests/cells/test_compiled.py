"""Under torch.compile circuits, neurons and pools run as they are, and compute the same."""

from __future__ import annotations

import pytest
import torch
from eideploy_models import vgg

from eideploy.cells import LIF, ei_init_network_


# Of what torch.compile does itself.
@pytest.mark.filterwarnings("ignore:Guards may run slower:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
def test_a_compiled_network_is_the_same_network() -> None:
    torch.manual_seed(0)
    network = vgg((3, 8, 8), 4, LIF, stages=((8,), (8, 8)))
    x = torch.rand(2, 3, 8, 8).expand(3, -1, -1, -1, -1)
    ei_init_network_(network, x)
    found = []
    # What is tested is the tracing, so that no compiler is needed.
    for run in (network, torch.compile(network.forward, backend="eager")):
        network.zero_grad()
        output = run(x)[0]
        output.square().sum().backward()
        gradients = [p.grad.clone() for p in network.parameters() if p.grad is not None]
        found.append([output.detach(), *gradients])
    assert len(found[0]) > 3 * 6
    torch.testing.assert_close(*found)
