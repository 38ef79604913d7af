"""Recording a network node by node."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from norse.torch import Lift, SequentialState

from eideploy.cells import LIF, EIConv2d, EILinear, LIFCell
from eideploy.errors import InputError
from eideploy.train import record_network


@pytest.fixture
def network() -> SequentialState:
    torch.manual_seed(0)
    return SequentialState(
        EIConv2d(1, 8, 3, padding=1),
        LIF(reset="subtract"),
        Lift(torch.nn.AvgPool2d(2)),
        torch.nn.Flatten(start_dim=2),
        EILinear(8 * 9, 12),
        LIF(),
        torch.nn.Dropout(0.5),
        EILinear(12, 3, divisive=False),
    ).eval()


@pytest.fixture
def stimulus() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 17, (7, 5, 1, 6, 6)) / 16


def test_everything_is_as_it_happens_step_by_step(
    network: SequentialState, stimulus: np.ndarray
) -> None:
    network = network.double()
    recorded = record_network(network, stimulus)
    cells = {"lif1": LIFCell(reset="subtract"), "lif2": LIFCell()}
    state = dict.fromkeys(cells)
    for t in range(5):
        x = torch.tensor(stimulus[:, t])
        for name, drive in (
            ("lif1", network[0](x)),
            ("lif2", None),
        ):
            if drive is None:
                drive = network[4](torch.nn.functional.avg_pool2d(x, 2).flatten(1))
            v = torch.zeros_like(drive) if state[name] is None else state[name].v
            at_test = v + 0.5 * (2 * drive - v)
            x, state[name] = cells[name](drive, state[name])
            np.testing.assert_allclose(recorded[name]["v"][:, t], at_test.detach(), atol=1e-12)
            assert np.array_equal(recorded[name]["output"][:, t], x.detach())
        np.testing.assert_allclose(
            recorded["readout"]["output"][:, t], network[7](x).detach(), atol=1e-12
        )


def test_names_shapes_and_dtypes(network: SequentialState, stimulus: np.ndarray) -> None:
    for dtype, name in ((torch.float32, "float32"), (torch.float64, "float64")):
        recorded = record_network(network.to(dtype), stimulus)
        assert {node: set(values) for node, values in recorded.items()} == {
            "lif1": {"output", "v"},
            "lif2": {"output", "v"},
            "readout": {"output"},
        }
        assert recorded["lif1"]["output"].shape == (7, 5, 8, 6, 6)
        assert recorded["lif1"]["output"].dtype == np.uint8
        assert recorded["lif1"]["v"].dtype == name
        assert recorded["readout"]["output"].shape == (7, 5, 3)
        assert recorded["readout"]["output"].dtype == name


def test_potential_is_that_of_the_test(network: SequentialState, stimulus: np.ndarray) -> None:
    recorded = record_network(network, stimulus)
    for name in ("lif1", "lif2"):
        assert np.array_equal(recorded[name]["output"], recorded[name]["v"] > 1)
        assert 0 < recorded[name]["output"].mean() < 1


def test_batches_make_no_difference(network: SequentialState, stimulus: np.ndarray) -> None:
    network = network.double()
    whole = record_network(network, stimulus)
    parts = record_network(network, stimulus, batch_size=3)
    for name, values in whole.items():
        assert np.array_equal(values["output"] > 0.5, parts[name]["output"] > 0.5)
        for key in values:
            np.testing.assert_allclose(values[key], parts[name][key], atol=1e-12)


def test_recording_leaves_no_hooks(network: SequentialState, stimulus: np.ndarray) -> None:
    record_network(network, stimulus)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())


def test_stimulus_that_does_not_fit(network: SequentialState) -> None:
    with pytest.raises(InputError, match="EIConv2d: expected input"):
        record_network(network, np.zeros((2, 5, 3, 6, 6)))
