"""Recordings of chips as cases: what was measured is what the oracle and the executors say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest

from eideploy.conform import run_case
from eideploy.conform.expected import expected
from eideploy.conform.silicon import LOIHI_1, LOIHI_2, Recorded, recorded
from eideploy.errors import InputError
from eideploy.program import LIFNeuronFixed
from eideploy.targets import Target, load_target

NAMES = [
    f"silicon/{chip}-{what}" for chip in ("loihi-1", "loihi-2") for what in ("spikes", "voltages")
]


def test_without_a_folder_all_are_skipped_with_the_reason() -> None:
    found = recorded(None)
    assert [recording.name for recording in found] == NAMES
    assert all(r.case is None and "no folder" in r.reason for r in found)


def test_a_folder_without_a_file_says_which(tmp_path: Path) -> None:
    found = recorded(tmp_path)
    assert [r.reason for r in found] == [
        f"there is no {path} in {tmp_path}" for path in (LOIHI_1, LOIHI_1, LOIHI_2, LOIHI_2)
    ]


@pytest.fixture(scope="module")
def recordings(shared_data: Path) -> dict[str, Recorded]:
    return {recording.name: recording for recording in recorded(shared_data)}


@pytest.mark.parametrize("name", NAMES)
def test_the_oracle_says_what_the_chip_did(recordings: dict[str, Recorded], name: str) -> None:
    recording = recordings[name]
    assert recording.case is not None
    assert recording.trace is not None
    oracle = expected(recording.case)
    for population, measured in recording.trace.recordings.items():
        assert measured.output.any()
        assert np.array_equal(measured.output, oracle[population].output)
        for variable, values in measured.state.items():
            assert np.array_equal(values, oracle[population].state[variable])


def case_and_trace(recording: Recorded) -> tuple[Any, Any]:
    assert recording.case is not None
    assert recording.trace is not None
    return recording.case, recording.trace


def lava() -> Target:
    pytest.importorskip("lava")
    target: Any = load_target("lava-fixed")
    return type(target)(executor="inprocess")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("target", ["reference", "twin", "onnx-fixed"])
def test_targets_do_what_the_chip_did(
    recordings: dict[str, Recorded], name: str, target: str
) -> None:
    result = run_case(load_target(target), *case_and_trace(recordings[name]))
    assert (result.status, result.reason) == ("pass", "")


@pytest.mark.lava
@pytest.mark.parametrize("name", NAMES)
def test_lava_does_what_the_chip_did(recordings: dict[str, Recorded], name: str) -> None:
    result = run_case(lava(), *case_and_trace(recordings[name]))
    assert (result.status, result.reason) == ("pass", "")


@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        *((name, "threshold") for name in NAMES),
        # The spikes of the neuron on Loihi 2 are too few to tell one decay from the next.
        *((name, "voltage_decay") for name in NAMES if name != "silicon/loihi-2-spikes"),
    ],
)
def test_parameters_next_to_the_right_ones_are_found(
    recordings: dict[str, Recorded], name: str, parameter: str, by: int
) -> None:
    case, trace = case_and_trace(recordings[name])
    network = case.network
    for population in network.populations:
        if isinstance(population.neuron, LIFNeuronFixed):
            value = vars(population.neuron)[parameter] + by
            neuron = replace(population.neuron, **{parameter: value})
            network = network.replace_population(replace(population, neuron=neuron))
    wrong = replace(case, network=network)
    assert run_case(load_target("reference"), wrong, trace).status == "fail"


def test_a_recording_that_contradicts_itself_is_refused(shared_data: Path, tmp_path: Path) -> None:
    copytree(shared_data / LOIHI_2.parent, tmp_path / LOIHI_2.parent, copy_function=_copy)
    path = tmp_path / LOIHI_2
    assert path.read_text().count(",128,") == 4
    path.write_text(path.read_text().replace(",128,", ",127,", 1))
    with pytest.raises(InputError, match="in the step of a spike is not 128"):
        recorded(tmp_path)


def _copy(source: str, target: str) -> None:
    Path(target).write_bytes(Path(source).read_bytes())


@pytest.mark.parametrize("file", [LOIHI_1, LOIHI_2])
def test_a_damaged_recording_is_refused(tmp_path: Path, file: Path) -> None:
    path = tmp_path / file
    path.parent.mkdir()
    path.write_bytes(b"PK\x03\x04 not what it says")
    with pytest.raises(InputError, match="cannot be read"):
        recorded(tmp_path)
