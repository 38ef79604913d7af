"""Recordings of real chips, reproduced by everything that executes integer Programs.

The parameters of the Loihi 1 network are recorded with it. Those of the Loihi 2 neuron follow from
its graph (τ = 2.5 ms, r = 1, θ = 0.1), the step of 0.1 ms and the first input spike: dt/τ = 0.04 is
the register ⌊0.04·4096⌋ = 163; one spike brings v to 640 = 10·2⁶, so the weight is 10 and 0.04 of
the graph's unit is 640; then θ is 1600 = 25·2⁶. No other decay of 160…167 reproduces the voltage.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eideploy.program import (
    Dense,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Recording,
    Source,
    Stimulus,
    Trace,
)
from eideploy.simulate import reference
from eideploy.simulate.record import Record

Executor = Callable[[Program, Stimulus], Trace]

REFRACTORY_READING = 128
"""What the chips report as voltage in the step of a spike; Lava has v = 0 there after the reset."""


def run_twin(program: Program, stimulus: Stimulus) -> Trace:
    pytest.importorskip("torch")
    from eideploy.simulate import twin

    return twin.run(program, stimulus, Record())


def run_lava(program: Program, stimulus: Stimulus) -> Trace:
    pytest.importorskip("lava")
    from eideploy_targets.lava import LavaFixed

    return LavaFixed(timeout=120).run(program, stimulus, Record())


@pytest.fixture(
    params=[
        pytest.param(reference.run, id="reference"),
        pytest.param(run_twin, id="twin"),
        pytest.param(run_lava, id="lava-fixed", marks=pytest.mark.lava),
    ]
)
def execute(request: pytest.FixtureRequest) -> Executor:
    return request.param  # type: ignore[no-any-return]


def chain(layers: list[tuple[str, Any, LIFNeuronFixed]], inputs: int) -> Program:
    """LIF layers in hardware time: offset 0, so that step t is the chip's step t."""
    populations = [Population("input", (inputs,), Source())]
    projections = []
    for name, weight, neuron in layers:
        weight = np.asarray(weight, dtype=np.int64)
        projections.append(Projection(populations[-1].name, name, Dense(weight), delay=1))
        populations.append(Population(name, (len(weight),), neuron))
    return Program(tuple(populations), tuple(projections), "integer", (populations[-1].name,))


def voltage_differs(recording: Recording, neuron: int, measured: Any) -> Any:
    """Steps in which the voltage is not as measured, and is not the reading of a spike either."""
    steps = len(measured)
    voltage = recording.state["v"][0, -steps:, neuron]
    spikes = recording.output[0, -steps:, neuron] > 0
    assert np.all(measured[spikes] == REFRACTORY_READING)
    return np.flatnonzero((voltage != measured) & ~spikes)


def test_a_recorded_loihi_1_network_is_reproduced(execute: Executor, shared_data: Path) -> None:
    with np.load(shared_data / "loihi1" / "dense_250_25_1.npz") as file:
        chip = dict(file)
    neuron = LIFNeuronFixed(
        current_decay=int(chip["du_total"]) - 1,
        voltage_decay=int(chip["dv"]),
        bias_mantissa=0,
        bias_exponent=0,
        threshold=int(chip["vth_mant"]),
    )
    program = chain([("hidden", chip["w1"], neuron), ("out", chip["w2"], neuron)], inputs=250)
    trace = execute(program, Stimulus({"input": chip["spikes_in"][None]}))

    hidden, out = trace["hidden"], trace["out"]
    assert hidden.output[0].size == 12_500
    assert np.count_nonzero(hidden.output[0] != chip["hidden_spikes"]) == 0
    assert np.count_nonzero(out.output[0] != chip["out_spikes"]) == 0
    assert voltage_differs(hidden, 24, chip["hidden_voltage_24"]).size == 0
    assert voltage_differs(out, 0, chip["out_voltage"]).size == 0


def test_a_recorded_loihi_2_neuron_is_reproduced(execute: Executor, shared_data: Path) -> None:
    recorded = np.loadtxt(shared_data / "loihi2" / "lif_lava_loihi_fixed.csv", delimiter=",")
    stimulus, voltage, spikes = recorded.T
    neuron = LIFNeuronFixed(
        current_decay=4095, voltage_decay=163, bias_mantissa=0, bias_exponent=0, threshold=25
    )
    program = chain([("neuron", [[10]], neuron)], inputs=1)
    recording = execute(program, Stimulus({"input": stimulus[None, :, None]}))["neuron"]

    assert np.count_nonzero(spikes) == 4
    assert np.count_nonzero(recording.output[0, :, 0] != spikes) == 0
    assert voltage_differs(recording, 0, voltage).size == 0
