"""Bad input ends in a few lines and an exit code, and leaves no file behind."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest
from eideploy_targets.simulated import Twin

from eideploy.cli.app import run
from eideploy.graph import write
from eideploy.targets import Availability


@pytest.fixture
def model(tmp_path, dense_graph) -> Path:
    path = tmp_path / "model.nir"
    write(path, dense_graph())
    return path


@pytest.fixture
def shown(tmp_path, frames) -> Path:
    path = tmp_path / "shown.npy"
    np.save(path, frames((12,)))
    return path


def refuses(capsys, arguments: list[object], code: int, *fragments: str) -> None:
    """The command ends with `code` and a short message that holds all fragments."""
    assert run([str(argument) for argument in arguments]) == code
    captured = capsys.readouterr()
    message = " ".join(captured.err.split())
    for fragment in fragments:
        assert fragment in message
    assert "Traceback" not in captured.err
    assert len(captured.err.strip().splitlines()) <= 8
    assert captured.out == ""


def edit(path: Path, change) -> Path:
    with h5py.File(path, "r+") as file:
        change(file["node/nodes"])
    return path


def _set(field: str, value: float):
    def change(nodes: h5py.Group) -> None:
        nodes[field][(0,) * nodes[field].ndim] = value

    return change


def _rename_type(nodes: h5py.Group) -> None:
    del nodes["lif1/type"]
    nodes["lif1/type"] = "Izhikevich"


def _drop_dt(path: Path) -> Path:
    with h5py.File(path, "r+") as file:
        del file["node/metadata/dt"]
    return path


@pytest.mark.parametrize(
    ("damage", "fragments"),
    [
        (lambda p: p.unlink(), ["does not exist"]),
        (lambda p: p.write_bytes(b""), ["model.nir"]),
        (lambda p: p.write_bytes(p.read_bytes()[:500]), ["model.nir"]),
        (lambda p: p.write_text("not a graph"), ["model.nir"]),
        (lambda p: (p.unlink(), h5py.File(p, "w").close()), ["model.nir"]),
        (lambda p: edit(p, _rename_type), ["lif1", "Izhikevich"]),
        (lambda p: edit(p, _set("ei1/weight_ee", np.nan)), ["ei1", "weight_ee", "NaN"]),
        (lambda p: edit(p, _set("ei2/bias", np.inf)), ["ei2", "bias"]),
        (lambda p: edit(p, _set("ei1/weight_ie", -1.0)), ["ei1", "weight_ie", "negative"]),
        (_drop_dt, ["lif1", "--dt"]),
    ],
    ids=[
        "missing",
        "empty",
        "truncated",
        "text",
        "foreign",
        "unknown node",
        "nan",
        "inf",
        "negative",
        "no dt",
    ],
)
def test_a_damaged_graph(damage, fragments, model, shown, tmp_path, capsys):
    damage(model)
    out = tmp_path / "program.npz"
    refuses(capsys, ["compile", model, "-t", "twin", "-o", out], 2, *fragments)
    refuses(capsys, ["verify", model, "-t", "twin", "-s", shown], 2, *fragments)
    assert {p.name for p in tmp_path.iterdir()} <= {"model.nir", "shown.npy"}


@pytest.mark.parametrize(
    ("array", "fragments"),
    [
        (np.zeros((3, 4, 11)), ["11", "12"]),
        (np.zeros((4, 12)), ["[sample, step"]),
        (np.zeros((0, 4, 12)), ["[sample, step"]),
        (np.full((3, 4, 12), 2.0), ["[2, 2]", "[0, 1]"]),
        (np.full((3, 4, 12), -0.1), ["[-0.1, -0.1]", "[0, 1]"]),
        (np.full((3, 4, 12), np.nan), ["NaN"]),
        (np.full((3, 4, 12), "x"), ["dtype"]),
        (np.full((3, 4, 12), 1j), ["complex"]),
        (np.full((3, 4, 12), None), ["pickled"]),
    ],
    ids=["shape", "rank", "empty", "above", "below", "nan", "text", "complex", "pickle"],
)
def test_a_stimulus_that_does_not_fit(array, fragments, model, tmp_path, capsys):
    path = tmp_path / "x.npy"
    np.save(path, array)
    refuses(capsys, ["verify", model, "-t", "twin", "-s", path], 2, *fragments)
    refuses(capsys, ["run", model, "-t", "twin", "-s", path], 2, *fragments)


def test_help_says_what_shape_a_stimulus_has(capsys):
    assert run(["run", "--help"]) == 0
    assert "[sample," in capsys.readouterr().out


def test_a_stimulus_with_the_wrong_names_or_labels(model, tmp_path, frames, capsys):
    path = tmp_path / "x.npz"
    np.savez(path, picture=frames((12,)), frame=frames((12,)))
    refuses(capsys, ["verify", model, "-t", "twin", "-s", path], 2, "input", "picture")
    np.savez(path, input=frames((12,)), labels=np.zeros(2, int))
    refuses(capsys, ["verify", model, "-t", "twin", "-s", path], 2, "labels")
    np.savez(path, input=frames((12,)), labels=np.full(len(frames((12,))), 99))
    refuses(capsys, ["verify", model, "-t", "twin", "-s", path], 2, "labels", "99", "classes 0…")
    path.write_bytes(path.read_bytes()[:200])
    refuses(capsys, ["verify", model, "-t", "twin", "-s", path], 2, "x.npz")


EVENT = np.dtype([("t", "i8"), ("x", "i2")])


def _events(*times_and_places: tuple[int, int]) -> np.ndarray:
    return np.array(list(times_and_places), EVENT)


GOOD = _events((0, 3), (50, 11), (90, 4))


@pytest.mark.parametrize(
    ("saved", "options", "fragments"),
    [
        ({"a": GOOD}, [], ["events", "--bin"]),
        ({"a": GOOD}, ["--bin", "0"], ["'0'", "--bin 1ms"]),
        ({"a": GOOD}, ["--bin", "fast"], ["'fast'", "--bin 20"]),
        ({"a": GOOD}, ["--bin", "2.5"], ["'2.5'", "a number of equal steps"]),
        ({"a": GOOD}, ["--bin", "-3"], ["'-3'"]),
        ({"a": GOOD}, ["--bin", "3", "--steps", "4"], ["--steps", "--bin 4"]),
        ({"a": np.array([(10**12, 0), (0, 0)], EVENT)}, ["--bin", "1us"], ["GiB", "--time-unit"]),
        ({"a": _events((0, 12))}, ["--bin", "3"], ["event 0", "x = 12", "0…11"]),
        ({"a": _events((0, -1))}, ["--bin", "3"], ["recording 0", "x = -1"]),
        ({"a": GOOD[:0]}, ["--bin", "3"], ["no event"]),
        ({"a": GOOD, "x": np.zeros(3)}, ["--bin", "3"], ["array", "--bin is for events"]),
        ({"a": GOOD, "labels": np.zeros(2, int)}, ["--bin", "3"], ["labels", "1 recordings"]),
        ({"a": GOOD, "start": np.array([0, 5])}, ["--bin", "3"], ["`start`", "3"]),
        ({"a": GOOD, "start": np.array([[0]])}, ["--bin", "3"], ["`start`", "[1, 1]"]),
        ({"a": GOOD, "b": GOOD, "start": np.array([0])}, ["--bin", "3"], ["2 recordings"]),
        ({"t": np.arange(3), "x": np.arange(2)}, ["--bin", "3"], ["field x", "[2]", "[3]"]),
        ({"t": np.arange(3), "x": np.ones(3)}, ["--bin", "3"], ["field x", "integers"]),
        ({"t": np.array([0, np.nan]), "x": np.arange(2)}, ["--bin", "3"], ["field t", "NaN"]),
        ({"t": np.arange(3), "x": np.arange(3), "z": np.arange(3)}, ["--bin", "3"], ["'z'"]),
        (
            {"t": np.arange(3), "x": np.arange(3), "p": np.array([0, 1, 0])},
            ["--bin", "3"],
            ["differ in p", "[x]"],
        ),
    ],
)
def test_events_that_do_not_fit(saved, options, fragments, model, tmp_path, capsys):
    path = tmp_path / "x.npz"
    np.savez(path, **saved)
    for verb in ("run", "verify"):
        refuses(capsys, [verb, model, "-t", "twin", "-s", path, *options], 2, *fragments)


def test_events_with_the_wrong_axes(conv_graph, tmp_path, capsys):
    model, path = tmp_path / "conv.nir", tmp_path / "x.npz"
    write(model, conv_graph())
    run_it = ["run", model, "-t", "twin", "-s", path, "--bin", 3]
    fields = {name: np.arange(3) for name in "tx"}
    np.savez(path, **fields)
    refuses(capsys, run_it, 2, "no field p", "[2, 7, 6]", "[p, y, x]")
    np.savez(path, **fields, y=np.full(3, 6), p=np.array([-1, 1, 1]))
    refuses(capsys, run_it, 2, "p = -1", "p is 0…1")
    np.savez(path, **fields, y=np.full(3, 7), p=np.array([0, 1, 1]))
    refuses(capsys, run_it, 2, "y = 7", "y is 0…6", "3 events are outside")


@pytest.mark.parametrize(
    ("shape", "options", "fragments"),
    [
        ((12,), [], ["samples and steps are missing", "--steps"]),
        ((5, 12), [], ["one axis is missing", "5 samples", "5 steps", "array[None]"]),
        ((5, 4, 12), ["--steps", "4"], ["4 steps", "Leave out --steps"]),
        ((5, 4, 12), ["--bin", "4"], ["--bin is for events"]),
        ((5, 12, 1), ["--steps", "4"], ["[5, 12, 1]", "order of the axes"]),
    ],
)
def test_axes_that_are_missing_are_named(shape, options, fragments, model, tmp_path, capsys):
    path = tmp_path / "x.npy"
    np.save(path, np.zeros(shape))
    refuses(capsys, ["run", model, "-t", "twin", "-s", path, *options], 2, *fragments)


def test_labels_that_do_not_fit(model, shown, tmp_path, capsys):
    labels, several = tmp_path / "labels.npy", tmp_path / "several.npz"
    common = ["run", model, "-t", "twin", "-s", shown, "--labels"]
    refuses(capsys, [*common, labels], 2, "labels.npy does not exist")
    np.save(labels, np.zeros(5, int))
    refuses(capsys, [*common, labels], 2, "(5,)", "expected 6 integers")
    np.save(labels, np.zeros(6))
    refuses(capsys, [*common, labels], 2, "float64", "expected 6 integers")
    np.save(labels, np.array([None] * 6))
    refuses(capsys, [*common, labels], 2, "pickled")
    np.savez(several, a=np.zeros(6, int), b=np.zeros(6, int))
    refuses(capsys, [*common, several], 2, "['a', 'b']", "`labels`")
    refuses(capsys, [*common[:-3], "--labels", labels], 2, "--stimulus")


def test_a_reset_that_cannot_be_given(model, shown, tmp_path, capsys):
    program, plain = tmp_path / "program.npz", tmp_path / "plain.nir"
    subtract = ["--reset", "subtract"]
    assert run(["compile", str(model), "-t", "twin", "-o", str(program), *subtract]) == 0
    capsys.readouterr()
    refuses(capsys, ["run", program, "-t", "twin", "-s", shown, *subtract], 2, "is compiled")
    refuses(capsys, ["inspect", program, *subtract], 2, "--reset is for graphs")
    write(plain, nir.NIRGraph.from_list(nir.Linear(np.ones((2, 2)))))
    refuses(capsys, ["inspect", plain, *subtract], 2, "no node of the graph spikes")
    assert run(["inspect", str(model), "--reset", "zero"]) == 2
    assert "--reset" in capsys.readouterr().err


def test_options_that_a_compiled_program_can_no_longer_follow(model, shown, tmp_path, capsys):
    program = tmp_path / "program.npz"
    assert run(["compile", str(model), "-t", "twin", "-o", str(program)]) == 0
    capsys.readouterr()
    common = ["run", program, "-t", "twin", "-s", shown]
    for option in (["--dt", "1"], ["--weight-bits", "4"], ["-m", "fused"], ["--pool", "relay"]):
        refuses(capsys, [*common, *option], 2, "is compiled", "eideploy compile")
    refuses(capsys, [*common, "--dt", "1", "--granularity", "channel"], 2, "--granularity, --dt")
    refuses(capsys, ["inspect", program, "--dt", "1"], 2, "is compiled", "--dt")


@pytest.mark.parametrize("verb", ["compile", "run", "verify"])
def test_options_of_integers_for_a_target_of_floats(verb, model, shown, tmp_path, capsys):
    program = tmp_path / "program.npz"
    asked = ["-o", program] if verb == "compile" else ["-s", shown]
    common = [verb, model, "-t", "onnx", *asked]
    for option in (["--weight-bits", "8"], ["--calibration", "max"]):
        refuses(capsys, [*common, *option], 2, "floating point", option[0], "Leave it out")
    assert not program.exists()


def test_a_network_of_lava_dl_is_no_graph_and_the_message_says_who_reads_it(tmp_path, capsys):
    path = tmp_path / "network.net"
    with h5py.File(path, "w") as file:
        file.create_group("layer")
    refuses(capsys, ["inspect", path], 2, "not NIR", "eideploy import-netx")


def test_a_graph_without_data(model, capsys):
    refuses(capsys, ["verify", model, "-t", "twin"], 2, "--stimulus")


def test_an_unknown_target_suggests_the_nearest(model, shown, capsys):
    refuses(capsys, ["verify", model, "-t", "lava-fixd", "-s", shown], 2, "'lava-fixed'")


def test_a_target_that_is_not_installed(model, shown, capsys, monkeypatch):
    missing = Availability(False, "torch is not installed", "pip install torch")
    monkeypatch.setattr(Twin, "available", lambda self: missing)
    refuses(capsys, ["verify", model, "-t", "twin", "-s", shown], 3, "twin", "pip install torch")


def test_a_bad_option_value(model, shown, capsys):
    assert run(["verify", str(model), "-t", "twin", "-s", str(shown), "--weight-bits", "99"]) == 2
    assert "--weight-bits" in capsys.readouterr().err
    given = ["verify", model, "-t", "twin", "-s", shown]
    refuses(capsys, [*given, "--timeout", "1"], 2, "--timeout", "twin takes --device")
    refuses(capsys, [*given, "--executor", "inprocess"], 2, "'twin' has no option --executor")
    refuses(capsys, [*given[:3], "reference", *given[4:], "--device", "cpu"], 2, "takes none")


def test_the_third_partys_broken_files(shared_data, shown, capsys):
    for path in sorted((shared_data / "nir" / "broken").glob("*.nir")):
        assert run(["inspect", str(path)]) in (0, 2)
        captured = capsys.readouterr()
        assert path.stem in captured.err, "neither an error nor a word about the repair"
        assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    "target",
    ["{tmp}/file/program.npz", "/proc/program.npz"],
    ids=["under a file", "read-only"],
)
def test_a_place_that_cannot_be_written(target, model, tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    out = target.format(tmp=tmp_path)
    refuses(capsys, ["compile", model, "-t", "twin", "-o", out], 2, "cannot write", out)
    assert (tmp_path / "file").read_text() == "x"


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))
from eideploy.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


def test_a_full_disk_leaves_what_was_there(model, tmp_path):
    """The limit on file sizes stands in for a full disk: writing fails in the middle."""
    out = tmp_path / "program.npz"
    out.write_bytes(b"before")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, "compile", model, "-t", "twin", "-o", out],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert out.read_bytes() == b"before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.nir", "program.npz"]


def test_foreign_and_mixed_up_npz_files(model, shown, tmp_path, capsys):
    program, trace = tmp_path / "program.npz", tmp_path / "trace.npz"
    assert run(["compile", str(model), "-t", "twin", "-o", str(program)]) == 0
    assert run(["run", str(program), "-t", "twin", "-s", str(shown), "-o", str(trace)]) == 0
    capsys.readouterr()
    refuses(capsys, ["inspect", trace], 2, "eideploy.trace/1", "eideploy.program/1")
    refuses(capsys, ["run", program, "-t", "twin"], 2, "--stimulus")
    shutil.copy(shown, program)
    refuses(capsys, ["inspect", program], 2, "program.npz")


def test_a_program_is_known_by_what_it_is(model, shown, tmp_path, capsys):
    compiled, program = tmp_path / "program.npz", tmp_path / "program.chip"
    assert run(["compile", str(model), "-t", "twin", "-o", str(compiled)]) == 0
    compiled.rename(program)
    assert run(["inspect", str(program)]) == 0
    assert run(["run", str(program), "-t", "twin", "-s", str(shown)]) == 0
    capsys.readouterr()
    refuses(capsys, ["verify", program, "-t", "twin", "-s", shown], 2, "compiled Program", ".nir")


def test_a_graph_cannot_be_given_another_form(model, shown, capsys):
    verify = ["verify", model, "-t", "twin", "-s", shown, "--form", "folded"]
    refuses(capsys, verify, 2, "a graph already", "export RUN --form folded")


def test_an_interrupt_is_told(model, shown, capsys, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Twin, "run", interrupted)
    arguments = ["run", model, "-t", "twin", "-s", shown]
    refuses(capsys, arguments, 130, "interrupted")


def test_nothing_is_written_beside_the_result_where_there_is_no_terminal(model, shown, capsys):
    assert run(["run", str(model), "-t", "twin", "-s", str(shown)]) == 0
    assert capsys.readouterr().err == ""


def test_plain_nodes_that_cannot_be_compiled_are_named(tmp_path, shown, capsys):
    path = tmp_path / "backward.nir"
    tau, one = np.array([0.01, -0.01] * 6), np.ones(12)
    write(path, nir.NIRGraph.from_list(nir.LIF(tau, one, one, one)))
    arguments = ["verify", path, "-t", "twin", "-s", shown, "--dt", 1e-3]
    refuses(capsys, arguments, 2, "'lif'", "tau is -0.01 s in 6 of 12 neurons")
