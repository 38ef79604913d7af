"""Traces are NIRData: what `nir` alone reads of them, and what is read back here."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest

from eideploy.bundle import Form, RecordedTrace, Subject, load_bundle, record
from eideploy.bundle.traces import NEAR, layouts
from eideploy.compile import CompileOptions, float_pipeline, run_passes
from eideploy.errors import InputError
from eideploy.program import Stimulus, Trace
from eideploy.simulate import reference
from eideploy.verify.artifact import threshold


def equal(one: Trace, two: Trace) -> bool:
    return list(one.recordings) == list(two.recordings) and all(
        np.array_equal(a.output, b.output)
        and a.output.dtype == b.output.dtype
        and a.offset == b.offset
        and a.state.keys() == b.state.keys()
        and all(np.array_equal(a.state[k], b.state[k]) for k in a.state)
        for a, b in zip(one.recordings.values(), two.recordings.values(), strict=True)
    )


@pytest.mark.parametrize("part_bytes", [1, 50_000, 10**9])
def test_all_state_comes_back_bit_for_bit(
    part_bytes: int, subject: Subject, record_to: Callable[..., Path], tmp_path: Path
) -> None:
    folder = record_to(tmp_path / "net", all_state=True, part_bytes=part_bytes)
    trace = load_bundle(folder).traces["program"]
    expected = reference.run(subject.program, subject.stimulus)
    assert trace.samples == 6
    assert equal(trace.read(), expected)
    assert equal(trace.take(slice(1, 4)).read(), expected.take(slice(1, 4)))
    assert trace.take(slice(1, 5)).take(slice(2, 9)).samples == 2
    assert equal(trace.take(slice(1, 5)).take(slice(2, 9)).read(), expected.take(slice(3, 5)))


def test_potentials_close_to_the_threshold_are_always_kept(
    subject: Subject, tmp_path: Path
) -> None:
    """Of the others there is nothing: they say what spikes say already, and do not compress."""
    true = reference.run(subject.program, subject.stimulus)
    placed = {}
    for name, recording in true.recordings.items():
        population = subject.program.by_name[name]
        if population.neuron.spiking:
            v = recording.state["v"]
            theta = np.broadcast_to(threshold(population), v.shape[2:])
            v[2, 3] = theta + 1e-10
            v[4, 1] = theta - 0.9 * NEAR
            v[4, 2] = theta + 2 * NEAR
            placed[name] = v.copy()
    forms = {"frozen": Form(lambda stimulus, progress: true, "here")}
    record(tmp_path / "net", subject, forms, environment={})
    trace = load_bundle(tmp_path / "net").traces["frozen"].read()
    assert set(placed) == {"lif1", "lif2"}
    for name, v in placed.items():
        kept = trace[name].state["v"]
        assert np.array_equal(kept[2, 3], v[2, 3])
        assert np.array_equal(kept[4, 1], v[4, 1])
        assert np.isnan(kept[4, 2]).all()
        assert np.isnan(kept[0]).sum() > 0.9 * kept[0].size
        assert np.array_equal(trace[name].output, true[name].output)


def plain_graph() -> nir.NIRGraph:
    rng = np.random.default_rng(0)
    one = np.ones(7)
    nodes = {
        "input": nir.Input({"input": np.array([4])}),
        "weights": nir.Linear(rng.normal(1.0, 1.0, (7, 4))),
        "lif": nir.LIF(0.002 * one, 2 * one, 0 * one, one),
        "output": nir.Output({"output": np.array([7])}),
    }
    return nir.NIRGraph(nodes, list(pairwise(nodes)), metadata={"dt": 1e-3})


def test_nir_alone_reads_the_graph_and_its_data(tmp_path: Path) -> None:
    graph = plain_graph()
    program = run_passes(float_pipeline(CompileOptions()), graph)
    shown = Stimulus({"input": np.random.default_rng(1).random((5, 9, 4))})
    expected = reference.run(program, shown)
    forms = {"program": Form(lambda stimulus, progress: expected, "here")}
    record(
        tmp_path / "net", Subject("plain", graph, program, shown), forms, environment={},
        all_state=True,
    )  # fmt: skip
    read = nir.read(tmp_path / "net" / "graph.nir")
    data = nir.read_data(tmp_path / "net" / "traces" / "program.h5")
    data.check_nodes(read)
    assert set(data.nodes) == {"lif"}
    spikes, v = (data.nodes["lif"].observables[name] for name in ("spikes", "v"))
    assert isinstance(spikes, nir.TimeGriddedData)
    assert spikes.data.dtype == bool
    assert (spikes.shape, spikes.dt, v.dt) == ((5, 9, 7), 1e-3, 1e-3)
    assert np.array_equal(spikes.data, expected["lif"].output)
    assert np.array_equal(v.data, expected["lif"].state["v"])
    count = int(spikes.data[0].sum())
    assert 0 < count < 63
    assert np.isfinite(spikes.to_event(63).time[0]).sum() == count


def test_graded_values_and_maps_are_data_of_neurons(
    conv_graph: Callable[..., Any], frames: Callable[..., Any], tmp_path: Path
) -> None:
    graph = conv_graph()
    program = run_passes(float_pipeline(CompileOptions()), graph)
    shown = Stimulus({"input": frames((2, 7, 6))})
    expected = reference.run(program, shown)
    forms = {"program": Form(lambda stimulus, progress: expected, "here")}
    record(tmp_path / "net", Subject("conv", graph, program, shown), forms, environment={})
    data = nir.read_data(tmp_path / "net" / "traces" / "program.h5")
    assert data.nodes["lif1"].observables["spikes"].shape == (6, 6, 8 * 7 * 6)
    readout = data.nodes["readout"].observables["output"]
    assert readout.data.dtype == np.float64
    assert np.array_equal(readout.data, expected["readout"].output)
    again = load_bundle(tmp_path / "net").traces["program"].read()
    assert again["lif1"].output.shape == (6, 6, 8, 7, 6)
    assert np.array_equal(again["lif1"].output, expected["lif1"].output)


def external(file: h5py.File) -> None:
    del file["nodes/lif1"]
    file["nodes/lif1"] = h5py.ExternalLink("frozen.h5", "nodes/lif1")


def soft(file: h5py.File) -> None:
    del file["nodes/lif1/observables/spikes/data"]
    file["nodes/lif1/observables/spikes/data"] = h5py.SoftLink("/nodes/lif2")


def virtual(file: h5py.File) -> None:
    old = file["nodes/lif1/observables/spikes/data"]
    layout = h5py.VirtualLayout(old.shape, old.dtype)
    del file["nodes/lif1/observables/spikes/data"]
    file["nodes/lif1/observables/spikes"].create_virtual_dataset("data", layout)


def replaced(**options: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        group = file["nodes/lif1/observables/spikes"]
        kept = {"shape": group["data"].shape, "dtype": group["data"].dtype}
        del group["data"]
        group.create_dataset("data", **kept | options)

    return change


@pytest.mark.parametrize(
    "change",
    [
        external,
        soft,
        virtual,
        replaced(shape=(10**6, 10**6, 20), chunks=(1, 1, 20)),
        replaced(dtype=np.float64),
        replaced(dtype=h5py.string_dtype()),
        replaced(shape=(6, 6, 19)),
        lambda file: file.move("nodes/lif1", "nodes/elsewhere"),
        lambda file: file.move("nodes/lif1/observables", "nodes/lif1/seen"),
        lambda file: file.move("nodes/lif1/observables/spikes", "nodes/lif1/observables/z"),
        lambda file: file.move("nodes", "edges"),
        lambda file: file["nodes/lif1"].attrs.pop("offset"),
        lambda file: file["nodes/lif1"].attrs.create("offset", "late"),
    ],
)
def test_a_file_of_another_layout_is_refused(
    change: Callable[[h5py.File], Any], bundle: Path, subject: Subject
) -> None:
    """Also where whoever wrote it made all hashes fit."""
    path = bundle / "traces" / "program.h5"
    with h5py.File(path, "r+") as file:
        change(file)
    trace = RecordedTrace(path, "", layouts(subject.program), (6, 6))
    with pytest.raises(InputError, match=r"program\.h5: cannot be read as a trace"):
        trace.read()


def test_a_trace_that_went_away_is_said_to_be_missing(bundle: Path) -> None:
    trace = load_bundle(bundle).traces["frozen"]
    trace.path.unlink()
    with pytest.raises(InputError, match=r"frozen\.h5 is not there"):
        trace.read()
