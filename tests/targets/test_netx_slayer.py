"""Networks that slayer made and exported, against slayer's own forward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import pytest
from eideploy_targets.netx import Netx

from eideploy.program import Stimulus
from eideploy.simulate import reference

pytestmark = [pytest.mark.lava, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

CUBA = {"threshold": 1.25, "current_decay": 0.25, "voltage_decay": 0.03}


@pytest.fixture(scope="module")
def slayer() -> Any:
    """The training half of lava-dl; importing it takes seconds."""
    pytest.importorskip("lava.magma")
    from eideploy_targets.lava.start_method import forking
    from eideploy_targets.netx.quiet import quiet

    with forking(), quiet():
        import lava.lib.dl.slayer as slayer
    return slayer


def _dense(s: Any) -> list[Any]:
    return [
        s.block.cuba.Dense(CUBA, 20, 30, weight_scale=2),
        s.block.cuba.Dense(CUBA, 30, 10, weight_scale=2, delay=True),
        s.block.cuba.Dense(CUBA, 10, 10, weight_scale=3),
    ]


def _recurrent(s: Any) -> list[Any]:
    return [
        s.block.cuba.Dense(CUBA, 20, 30, weight_scale=2, delay=True),
        s.block.cuba.Recurrent(dict(CUBA), 30, 10, weight_scale=2),
    ]


def _convolution(s: Any) -> list[Any]:
    return [
        s.block.cuba.Conv(CUBA, 2, 4, 3, padding=1, weight_scale=3),
        s.block.cuba.Conv(CUBA, 4, 6, (3, 2), stride=(2, 1), weight_scale=3),
        s.block.cuba.Flatten(),
        s.block.cuba.Dense(CUBA, 108, 10, weight_scale=2),
    ]


def _channels(s: Any) -> list[Any]:
    own = {**CUBA, "shared_param": False, "current_decay": (0.1, 0.5)}
    return [
        s.block.cuba.Dense(own, 20, 30, weight_scale=2),
        s.block.cuba.Dense(dict(own), 30, 10, weight_scale=2),
    ]


def _normed(s: Any) -> list[Any]:
    """The mean that a norm has learnt becomes a bias; in a first layer it acts from step 0 on."""
    normed = {**CUBA, "norm": s.neuron.norm.MeanOnlyBatchNorm}
    return [
        s.block.cuba.Dense(normed, 20, 30, weight_scale=2),
        s.block.cuba.Dense(CUBA, 30, 10, weight_scale=2),
    ]


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (_dense, (20,)),
        (_recurrent, (20,)),
        (_convolution, (2, 8, 7)),
        (_channels, (20,)),
        (_normed, (20,)),
    ],
)
def test_an_export_does_what_slayer_does(
    tmp_path, slayer, make: Callable[[Any], list[Any]], shape: tuple[int, ...]
):
    import torch

    torch.manual_seed(0)
    blocks = make(slayer)
    spikes = (torch.rand(4, *shape, 30) < 0.3).float()
    with torch.no_grad():
        _forward(blocks, spikes)  # makes what is lazy, and lets a norm learn
        for block in blocks:
            block.eval()
            _settle(block)
        expected = _forward(blocks, spikes)
    path = tmp_path / "a.net"
    with h5py.File(path, "w") as file:
        for number, block in enumerate(blocks):
            block.export_hdf5(file.create_group(f"layer/{number}"))

    program = Netx().read(path, shape if len(shape) == 3 else None)
    (source,) = program.sources
    shown = np.moveaxis(spikes.numpy(), -1, 1)
    trace = reference.run(program, Stimulus({source.name: shown.reshape(4, 30, *source.shape)}))
    layers = [e for e, block in zip(expected, blocks, strict=True) if hasattr(block, "neuron")]
    for depth, (population, output) in enumerate(
        zip(program.populations[1:], layers, strict=True), start=1
    ):
        # slayer shifts the output of every layer by the step that it takes on a chip.
        found = trace[population.name].output[:, : 30 - depth]
        shifted = np.moveaxis(output.numpy(), -1, 1)[:, depth:].reshape(found.shape)
        assert found.any()
        assert np.array_equal(found, shifted)


def _forward(blocks: list[Any], x: Any) -> list[Any]:
    outputs = []
    for block in blocks:
        x = block(x)
        outputs.append(x)
    return outputs


def _settle(block: Any) -> None:
    """Give a block whole delays, and let it begin anew."""
    import torch

    if getattr(block, "delay", None) is not None:
        block.delay.delay.data = torch.floor(block.delay.delay.data * 6)
    if hasattr(block, "spike_state"):
        block.spike_state = torch.zeros(1)
        block.neuron.current_state = torch.zeros(1)
        block.neuron.voltage_state = torch.zeros(1)
