"""What was recorded on Loihi 1 and Loihi 2, computed again by both executors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from eideploy.program import (
    Dense,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Recording,
    Source,
    Stimulus,
)

REFRACTORY = 128  # what a chip reads as potential in the step of a spike; Lava's model says 0


def lif(current_decay: int, voltage_decay: int, threshold: int) -> LIFNeuronFixed:
    return LIFNeuronFixed(current_decay, voltage_decay, 0, 0, threshold)


def potential(recording: Recording, neuron: int) -> NDArray[Any]:
    """Potential of one neuron after the reset of each step, as a chip would read it."""
    spikes = recording.output[0, :, neuron]
    return np.where(spikes, REFRACTORY, recording.state["v"][0, :, neuron])


def test_loihi1(execute: Any, shared_data: Path) -> None:
    """250-25-1; the axons of both layers delay by one step, so that the chip reads spikes late."""
    chip = np.load(shared_data / "loihi1" / "dense_250_25_1.npz")
    neuron = lif(chip["du_total"] - 1, chip["dv"], chip["vth_mant"])
    program = Program(
        (
            Population("in", (250,), Source()),
            Population("hidden", (25,), neuron, offset=1),
            Population("out", (1,), neuron, offset=2),
        ),
        (
            Projection("in", "hidden", Dense(chip["w1"]), delay=1),
            Projection("hidden", "out", Dense(chip["w2"]), delay=1 + int(chip["axonal_delay"])),
        ),
        "integer",
        ("out",),
    )
    trace = execute(program, Stimulus({"in": chip["spikes_in"][None]}))
    for name, neuron_read, voltage in (
        ("hidden", 24, chip["hidden_voltage_24"]),
        ("out", 0, chip["out_voltage"]),
    ):
        read = chip[f"{name}_spikes"]
        assert read.any()
        assert np.array_equal(trace[name].output[0, :-1], read[1:])
        assert not read[0].any()
        assert np.array_equal(potential(trace[name], neuron_read)[: len(voltage)], voltage)


@pytest.fixture
def loihi2(shared_data: Path) -> NDArray[np.int64]:
    """Input, potential and spikes of one neuron, as [3, step]."""
    path = shared_data / "loihi2" / "lif_lava_loihi_fixed.csv"
    return np.loadtxt(path, delimiter=",").astype(np.int64).T


def one_neuron(execute: Any, inputs: NDArray[np.int64], threshold: int) -> Recording:
    """One LIF with τ = 25 steps behind a synapse of weight 10."""
    program = Program(
        (
            Population("in", (1,), Source()),
            Population("out", (1,), lif(4095, 4096 // 25, threshold), offset=1),
        ),
        (Projection("in", "out", Dense(np.array([[10]])), delay=1),),
        "integer",
        ("out",),
    )
    recording: Recording = execute(program, Stimulus({"in": inputs[None, :, None]}))["out"]
    return recording


def test_loihi2(execute: Any, loihi2: NDArray[np.int64]) -> None:
    """The chip reads a spike one step after its input, for the delay of the synapse."""
    inputs, voltage, spikes = loihi2
    out = one_neuron(execute, inputs, threshold=25)
    assert spikes.sum() == 4
    assert np.array_equal(out.output[0, :-1, 0], spikes[1:])
    assert np.array_equal(potential(out, 0)[:-1], voltage[1:])


@pytest.mark.parametrize("threshold", [24, 26])
def test_the_recording_tells_thresholds_apart(
    execute: Any, loihi2: NDArray[np.int64], threshold: int
) -> None:
    inputs, _, spikes = loihi2
    out = one_neuron(execute, inputs, threshold)
    assert not np.array_equal(out.output[0, :-1, 0], spikes[1:])
