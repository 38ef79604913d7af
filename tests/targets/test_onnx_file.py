"""The file that `eideploy compile -t onnx` writes: complete, readable, and enough by itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eideploy_targets.onnx import Onnx, OnnxFixed

from eideploy.cli.app import run
from eideploy.compile import CompileOptions, run_passes
from eideploy.errors import InputError, MissingComponentError, OutputError, UnsupportedError
from eideploy.graph import write
from eideploy.program import Program, Stimulus, load_program
from eideploy.simulate import reference
from eideploy.targets import Target, load_target, writer

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

BOTH = pytest.mark.parametrize("target", [Onnx(), OnnxFixed()], ids=["onnx", "onnx-fixed"])

ELSEWHERE = """
import sys, numpy, onnxruntime
model, shown, seen = sys.argv[1:]
session = onnxruntime.InferenceSession(model)
outputs = session.run(None, {"input": numpy.load(shown)})
numpy.save(seen, outputs[0])
assert not any(name.startswith("eideploy") for name in sys.modules)
"""


def compiled(graph: Any, target: Target, **options: Any) -> Program:
    return run_passes(target.pipeline(CompileOptions(**options)), graph)


def body(model: Any) -> Any:
    """The graph of one step."""
    (scan,) = (node for node in model.graph.node if node.op_type == "Scan")
    (graph,) = (attribute.g for attribute in scan.attribute if attribute.name == "body")
    return graph


@BOTH
@pytest.mark.parametrize("mapping", ["fused", "explicit"])
def test_the_file_alone_runs_elsewhere(
    target: Target, mapping: str, conv_graph: Any, frames: Any, tmp_path: Path
) -> None:
    graph, path = conv_graph(), tmp_path / "net.onnx"
    write(tmp_path / "model.nir", graph)
    arguments = [str(tmp_path / "model.nir"), "-t", target.name, "-m", mapping, "-o", str(path)]
    assert run(["compile", *arguments]) == 0
    values = frames((2, 7, 6))
    np.save(tmp_path / "shown.npy", values)
    subprocess.run(
        [sys.executable, "-c", ELSEWHERE, path, tmp_path / "shown.npy", tmp_path / "seen.npy"],
        check=True,
        timeout=60,
    )
    expected = reference.run(compiled(graph, target, mapping=mapping), Stimulus({"input": values}))
    got = np.load(tmp_path / "seen.npy")
    assert got.dtype == expected["readout"].output.dtype
    tolerance = 0 if target.arithmetic == "integer" else 1e-12
    np.testing.assert_allclose(got, expected["readout"].output, 0, tolerance)
    assert np.abs(got).max() > 0


@BOTH
def test_the_file_says_what_it_is(target: Target, conv_graph: Any, tmp_path: Path) -> None:
    program, path = compiled(conv_graph(), target), tmp_path / "net.onnx"
    writer(target, path)(program)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 8
    assert {entry.domain: entry.version for entry in model.opset_import} == {"": 18, "eideploy": 1}
    told = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert told == {
        "name": "net",
        "arithmetic": target.arithmetic,
        "dt": 1e-3,
        "outputs": ["readout"],
        "ranges": {"input": [0.0, 1.0]},
    }
    used = {name for node in (*model.graph.node, *body(model).node) for name in node.input}
    assert {tensor.name for tensor in model.graph.initializer} <= used
    shapes = {
        value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {
        "input": ["samples", "steps", 2, 7, 6],
        "readout": ["samples", "steps", 5],
    }


@BOTH
def test_a_viewer_shows_populations_and_projections(target: Target, conv_graph: Any) -> None:
    from eideploy_targets.onnx.model import build

    from eideploy.simulate.record import Record

    program = compiled(conv_graph(), target, mapping="explicit")
    model = build(program, Record()).proto
    nodes = {node.name: node for node in body(model).node}
    driven = {p.name for p in program.populations} - {"input"}
    assert driven <= set(nodes)
    assert {projection.name for projection in program.projections} <= set(nodes)
    assert nodes["lif1"].op_type.startswith("EIIntegrator")
    geometry = nodes["input→lif1.balanced"]
    assert geometry.op_type == "Conv2d"
    assert geometry.doc_string.startswith("kernel (3, 3), stride (1, 1), padding (1, 1)")


@BOTH
def test_no_matrix_is_made_of_a_convolution(target: Target, conv_graph: Any) -> None:
    from eideploy_targets.onnx.model import build

    from eideploy.simulate.record import Record

    model = build(compiled(conv_graph(), target), Record()).proto
    sizes = {tuple(tensor.dims) for tensor in model.graph.initializer if len(tensor.dims) == 2}
    # Weights [tap·channel, n_target], taps [position, tap], and the readout.
    assert sizes == {(9 * 2, 8), (7 * 6, 9), (6 * 8, 6), (3 * 4, 6), (72, 5)}


@BOTH
def test_without_functions_of_its_own_it_is_the_same_model(
    target: Target, conv_graph: Any, frames: Any
) -> None:
    """For runtimes that know standard operators only."""
    import onnx.inliner
    import onnxruntime
    from eideploy_targets.onnx.model import build

    from eideploy.simulate.record import Record

    program = compiled(conv_graph(), target)
    model = onnx.inliner.inline_local_functions(build(program, Record()).proto)
    onnx.checker.check_model(model, full_check=True)
    assert not model.functions
    assert {node.domain for node in body(model).node} == {""}
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (spikes,) = session.run(["lif2"], {"input": frames((2, 7, 6))})
    trace = reference.run(program, Stimulus({"input": frames((2, 7, 6))}))
    np.testing.assert_array_equal(spikes, trace["lif2"].output)


def test_a_program_is_written_as_before(dense_graph: Any, tmp_path: Path) -> None:
    program = compiled(dense_graph(), OnnxFixed())
    for name in ("onnx-fixed", "twin"):
        path = tmp_path / f"{name}.npz"
        writer(load_target(name), path)(program)
        assert [p.name for p in load_program(path).populations] == [
            "input",
            "lif1",
            "lif2",
            "readout",
        ]


def test_a_suffix_that_the_target_lacks_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=r"'onnx' the name of the file ends in \.npz or \.onnx"):
        writer(Onnx(), tmp_path / "net.h5")
    with pytest.raises(InputError, match=r"'twin' the name of the file ends in \.npz, not in"):
        writer(load_target("twin"), tmp_path / "net.onnx")
    # Before the model is even looked at.
    assert run(["compile", "no such model", "-t", "onnx", "-o", str(tmp_path / "net")]) == 2
    assert "in .npz or .onnx, not in ''" in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_leaves_what_was_there(
    dense_graph: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eideploy_targets.onnx import model, target

    path = tmp_path / "net.onnx"
    path.write_bytes(b"before")
    program = compiled(dense_graph(), OnnxFixed())
    with pytest.raises(UnsupportedError, match="'onnx' runs Programs of float arithmetic"):
        Onnx().write(path, program)
    with pytest.raises(OutputError, match="cannot write"):
        OnnxFixed().write(path / "net.onnx", program)
    with monkeypatch.context() as patch:
        patch.setattr(model, "LARGEST", 1000)
        with pytest.raises(UnsupportedError, match="an ONNX file holds less than 2 GiB"):
            OnnxFixed().write(path, program)
    monkeypatch.setattr(target, "find_spec", lambda name: None)
    with pytest.raises(MissingComponentError, match="onnx is not installed"):
        OnnxFixed().write(path, program)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
