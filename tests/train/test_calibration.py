"""Freezing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from norse.torch import SequentialState

from eideploy.cells import LIF, EILinear
from eideploy.errors import InputError
from eideploy.graph.export import node_names
from eideploy.train import (
    Run,
    accuracy,
    calibrate_floors,
    freeze,
    freeze_network,
    load_run,
    record_network,
)


def test_floor_is_the_smallest_divisor_of_the_training_data(small_run: Run) -> None:
    """Recomputed from recorded spikes and the equation S = W_EI (g_I ⊙ W_IE x)."""
    stimulus, _ = small_run.samples("train")
    network = small_run.network("adaptive")
    spikes = record_network(network, stimulus)["lif1"]["output"]
    layers = dict(node_names(network))
    for name, x in (("ei1", stimulus), ("ei2", spikes.astype(np.float32))):
        p = {key: value.detach().numpy() for key, value in layers[name].named_parameters()}
        shunt = (x @ p["weight_ie"].T * p["gain_i"]) @ p["weight_ei"].T
        assert small_run.floors[name] == pytest.approx(shunt[shunt > 0].min(), rel=1e-4)
    assert set(small_run.floors) == {"ei1", "ei2"}


def test_floors_are_in_the_weights(small_run: Run) -> None:
    assert small_run.weights["0.floor"].item() == small_run.floors["ei1"]
    assert small_run.weights["2.floor"].item() == small_run.floors["ei2"]
    assert small_run.weights["4.floor"].item() == 0


def test_on_training_data_freezing_changes_no_spike(small_run: Run) -> None:
    stimulus, _ = small_run.samples("train")
    adaptive = record_network(small_run.network("adaptive"), stimulus)
    frozen = record_network(small_run.network("floor"), stimulus)
    for name in ("lif1", "lif2"):
        assert np.array_equal(adaptive[name]["output"], frozen[name]["output"])


def test_freezing_twice_changes_no_byte(small_run: Run, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small_run.path, tmp_path / "copy"))

    def contents() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    before = contents()
    again = freeze(load_run(folder))
    assert contents() == before
    assert again.floors == small_run.floors


def test_freezing_replaces_what_was_there(small_run: Run, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small_run.path, tmp_path / "copy"))
    weights = {
        name: torch.full_like(value, 9.0) if name.endswith("floor") else value
        for name, value in small_run.weights.items()
    }
    thawed = replace(small_run, path=folder, weights=weights, floors={"ei1": 9.0, "ei2": 9.0})
    assert freeze(thawed).floors == small_run.floors
    assert load_run(folder).floors == small_run.floors


def test_accuracy_of_both_forms_is_kept(small_run: Run) -> None:
    stimulus, labels = small_run.samples()
    for key, stabilizer in (("test_accuracy", "adaptive"), ("frozen_test_accuracy", "floor")):
        output = record_network(small_run.network(stabilizer), stimulus)["readout"]["output"]  # type: ignore[arg-type]
        right = (output.mean(axis=1).argmax(axis=1) == labels).mean() * 100
        assert small_run.metrics[key] == pytest.approx(right)


def test_accuracy_counts_the_right_ones() -> None:
    readout = SequentialState(EILinear(3, 3, divisive=False))
    with torch.no_grad():
        readout[0].weight_ee.copy_(torch.eye(3))
        readout[0].weight_ie.zero_()
    stimulus = np.eye(3, dtype=np.float32)[:, None].repeat(2, axis=1)
    assert accuracy(readout, stimulus, np.array([0, 1, 2])) == 100
    assert accuracy(readout, stimulus, np.array([0, 1, 0])) == pytest.approx(200 / 3)


def test_a_network_of_ones_own_is_frozen_in_place() -> None:
    torch.manual_seed(0)
    network = SequentialState(EILinear(6, 8), LIF(), EILinear(8, 3, divisive=False))
    stimulus = np.random.default_rng(0).random((30, 4, 6), dtype=np.float32)
    floors = freeze_network(network, stimulus)
    assert floors == calibrate_floors(network, stimulus)
    assert network[0].floor.item() == floors["ei1"]
    adaptive = record_network(network, stimulus)["lif1"]["output"]
    network[0].stabilizer = "floor"
    assert np.array_equal(record_network(network, stimulus)["lif1"]["output"], adaptive)


def test_a_dead_circuit_has_no_floor() -> None:
    network = SequentialState(
        EILinear(6, 8), LIF(threshold=1e6), EILinear(8, 8), LIF(), EILinear(8, 3, divisive=False)
    )
    stimulus = np.random.default_rng(0).random((10, 4, 6), dtype=np.float32)
    with pytest.raises(InputError, match="layer ei2: every divisor is 0"):
        calibrate_floors(network, stimulus)


def test_rows_without_input_do_not_count() -> None:
    torch.manual_seed(0)
    network = SequentialState(EILinear(6, 8), LIF(), EILinear(8, 3, divisive=False))
    stimulus = np.random.default_rng(0).random((300, 4, 6), dtype=np.float32)
    floors = calibrate_floors(network, stimulus)
    blank = np.concatenate([np.zeros_like(stimulus[:260]), stimulus])
    assert calibrate_floors(network, blank) == pytest.approx(floors)
