"""Record on one machine, verify on another: a run that is really trained, and files of others."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from eideploy.bundle import Form, Subject, load_bundle, record
from eideploy.cli import forms
from eideploy.cli.app import run
from eideploy.program import Dense, Trace, load_trace
from eideploy.simulate.twin import has_cuda
from eideploy.verify.ladder import Show

SMALL = [
    *("--set", "model.hidden=[24, 16]", "--set", "training.epochs=1", "--set", "steps=5"),
    *("--set", "limits.accuracy_drop=20.0", "--set", "limits.agreement=80.0"),
]
SAMPLES = 25


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "small"
    assert run(["train", "digits_mlp", "-o", str(folder), *SMALL]) == 0
    return folder


@pytest.fixture(scope="module")
def bundle(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "small"
    assert run(["record", str(trained), "-o", str(folder), "-n", str(SAMPLES)]) == 0
    return folder


def call(capsys: Any, *arguments: object, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    found = run([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert found == code, captured.err
    return captured.out, " ".join(captured.err.split())


def document(capsys: Any, *arguments: object, code: int = 0) -> Any:
    return json.loads(call(capsys, *arguments, "--json", code=code)[0])


def untimed(hops: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in hop.items() if "seconds" not in key} for hop in hops]


def names(report: dict[str, Any]) -> list[str]:
    return [hop["name"] for hop in report["hops"]]


@pytest.mark.parametrize("options", [(), ("-m", "explicit"), ("-n", "7"), ("--weight-bits", "5")])
def test_a_bundle_is_judged_as_the_run_it_was_recorded_of(
    options: tuple[str, ...], trained: Path, bundle: Path, capsys: Any
) -> None:
    samples = () if "-n" in options else ("-n", SAMPLES)
    live = document(capsys, "verify", trained, "-t", "reference", *options, *samples)
    there = document(capsys, "verify", bundle, "-t", "reference", *options)
    found = [hop for hop in there["hops"] if hop["name"] != "recorded→program"]
    assert untimed(found) == untimed(live["hops"])
    assert names(there)[:3] == ["trained→frozen", "frozen→program", "recorded→program"]
    (recorded,) = (hop for hop in there["hops"] if hop["name"] == "recorded→program")
    assert (recorded["relation"], recorded["status"]) == ("exact", "pass")
    assert sum(population["mismatched_bins"] for population in recorded["populations"]) == 0
    assert (there["model"], there["samples"]) == (live["model"], live["samples"])
    assert there["bundle"]["digest"] == load_bundle(bundle).manifest.digest
    assert there["bundle"]["program"] is None


def test_record_says_what_it_wrote(trained: Path, tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "b"
    told, _ = call(capsys, "record", trained, "-o", folder, "-n", 5)
    manifest = load_bundle(folder).manifest
    assert f"sha256 {manifest.digest}" in told
    assert "5 samples of 5 steps with labels" in told
    _, refusal = call(capsys, "record", trained, "-o", folder, "-n", 6, code=2)
    assert "exists" in refusal
    written = document(capsys, "record", trained, "-o", folder, "-n", 6, "--overwrite")
    manifest = load_bundle(folder).manifest
    assert written == json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert (written["samples"], written["schema"]) == (6, "eideploy.bundle/1")
    assert written["limits"] == {"accuracy_drop": 20.0, "agreement": 80.0}
    assert written["environment"]["numpy"] == np.__version__
    assert {"trained", "frozen", "program"} <= set(written["traces"])


def test_all_state_is_kept_if_asked_for(trained: Path, tmp_path: Path, capsys: Any) -> None:
    kept = {}
    for options in ((), ("--state",)):
        folder = tmp_path / f"b{len(options)}"
        call(capsys, "record", trained, "-o", folder, "-n", 4, *options)
        trace = load_bundle(folder).traces["frozen"].read()
        kept[options] = float(np.isfinite(trace["lif1"].state["v"]).mean())
    assert kept[()] < 0.01
    assert kept[("--state",)] == 1


def test_limits_and_widths_are_those_of_the_recipe(
    trained: Path, tmp_path: Path, capsys: Any
) -> None:
    recipe = trained / "recipe.yaml"
    changed = tmp_path / "run"
    shutil.copytree(trained, changed)
    text = recipe.read_text(encoding="utf-8")
    text = text.replace("weight_bits: 8", "weight_bits: 4").replace(
        "agreement: 80.0", "agreement: 99.99"
    )
    (changed / "recipe.yaml").write_text(text, encoding="utf-8")
    call(capsys, "record", changed, "-o", tmp_path / "b", "-n", 20)
    report = document(capsys, "verify", tmp_path / "b", "-t", "reference", code=1)
    assert [hop["name"] for hop in report["hops"] if hop["status"] == "fail"] == [
        "program→quantized"
    ]
    asked = ("--agreement", "50", "--weight-bits", "8")
    document(capsys, "verify", tmp_path / "b", "-t", "reference", *asked)


@pytest.mark.parametrize(
    "name", ["manifest.json", "graph.nir", "program.npz", "stimulus.npz", "traces/trained.h5"]
)
@pytest.mark.parametrize("verb", [("verify",), ("inspect",), ("run",), ("compile", "-o", "p.npz")])
def test_an_altered_bundle_is_refused_by_every_verb(
    name: str, verb: tuple[str, ...], bundle: Path, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    altered = shutil.copytree(bundle, tmp_path / "altered")
    content = bytearray((altered / name).read_bytes())
    content[len(content) // 2] ^= 1
    (altered / name).write_bytes(content)
    target = () if verb[0] == "inspect" else ("-t", "reference")
    told, refusal = call(capsys, verb[0], altered, *verb[1:], *target, code=2)
    assert told == ""
    assert f"altered/{name}" in refusal
    assert sorted(path.name for path in tmp_path.iterdir()) == ["altered"]


def test_the_digest_is_insisted_on(bundle: Path, trained: Path, capsys: Any) -> None:
    digest = load_bundle(bundle).manifest.digest
    asked = ("verify", bundle, "-t", "reference", "-n", 3)
    call(capsys, *asked, "--digest", digest)
    _, refusal = call(capsys, *asked, "--digest", "0" * 64, code=2)
    assert f"has digest {digest}, expected {'0' * 64}" in refusal
    _, refusal = call(capsys, "verify", trained, "-t", "reference", "--digest", digest, code=2)
    assert "--digest is that of a bundle" in refusal


def test_inspect_shows_what_a_bundle_is(bundle: Path, tmp_path: Path, capsys: Any) -> None:
    told, _ = call(capsys, "inspect", bundle, "--svg", tmp_path / "net.svg")
    digest = load_bundle(bundle).manifest.digest
    for fragment in ("lif1", "lif2", "readout", f"{SAMPLES} samples of 5 steps", digest, "python"):
        assert fragment in told
    assert "<svg" in (tmp_path / "net.svg").read_text(encoding="utf-8")
    found = document(capsys, "inspect", bundle)
    assert found["schema"] == "eideploy.bundle-description/1"
    assert found["digest"] == digest
    assert [(p["name"], p["shape"]) for p in found["populations"]] == [
        ("lif1", [24]),
        ("lif2", [16]),
        ("readout", [10]),
    ]


def test_other_verbs_take_the_network_of_a_bundle(
    bundle: Path, trained: Path, tmp_path: Path, capsys: Any
) -> None:
    compiled = document(capsys, "compile", bundle, "-t", "reference", "-o", tmp_path / "p.npz")
    same = document(capsys, "compile", trained, "-t", "reference", "-o", tmp_path / "q.npz")
    assert compiled == same
    ran = document(capsys, "run", bundle, "-t", "reference", "-o", tmp_path / "t.npz")
    assert ran["samples"] == SAMPLES
    assert ran["accuracy"] > 20
    assert load_trace(tmp_path / "t.npz")["lif1"].output.shape == (SAMPLES, 5, 24)
    np.save(tmp_path / "x.npy", np.zeros((2, 5, 64)))
    ran = document(capsys, "run", bundle, "-t", "reference", "-s", tmp_path / "x.npy")
    assert (ran["samples"], ran["accuracy"]) == (2, None)


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (("verify", "BUNDLE", "-t", "twin", "-s", "x.npy"), "recorded without --stimulus"),
        (("verify", "BUNDLE", "-t", "twin", "--dt", "0.1"), "recorded without --dt"),
        (("verify", "BUNDLE", "-t", "twin", "--labels", "x.npy"), "--labels is about the file"),
        (("verify", "BUNDLE", "-t", "twin", "--form", "folded"), "--form would make another"),
        (("verify", "BUNDLE", "-t", "twin", "--reset", "subtract"), "--reset would make another"),
        (("record", "BUNDLE", "-o", "other"), "is a bundle already"),
        (("inspect", "BUNDLE", "--html", "x.html"), "--html is about the training"),
        (("inspect", "BUNDLE", "--dt", "0.1"), "recorded with a dt already"),
        (("inspect", "BUNDLE", "--chip", "loihi2"), "--chip is about a compiled Program"),
        (("verify", "nowhere", "-t", "twin", "--digest", "0"), "nowhere does not exist"),
        (("verify", "BUNDLE/manifest.json/x", "-t", "twin"), "does not exist"),
        (("verify", "x" * 300, "-t", "twin"), "cannot be read: File name too long"),
        (("export", "BUNDLE", "-o", "x.nir"), "no run"),
        (("freeze", "BUNDLE"), "no run"),
    ],
)
def test_what_a_bundle_cannot_do_is_said(
    arguments: tuple[str, ...], fragment: str, bundle: Path, tmp_path: Path, capsys: Any,
    monkeypatch: Any,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    given = (argument.replace("BUNDLE", str(bundle)) for argument in arguments)
    told, refusal = call(capsys, *given, code=2)
    assert told == ""
    assert fragment in refusal
    assert list(tmp_path.iterdir()) == []


WITHOUT_TORCH = """
import sys
for name in ("torch", "torchvision", "norse", "nirtorch", "lightning", "tonic"):
    sys.modules[name] = None
from eideploy.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "options",
    [
        ("-t", "reference"),
        pytest.param(("-t", "lava-fixed", "--executor", "inprocess"), marks=pytest.mark.lava),
    ],
)
def test_no_torch_is_needed_where_a_bundle_is_verified(
    options: tuple[str, ...], bundle: Path
) -> None:
    if options[1].startswith("lava"):
        pytest.importorskip("lava")
    command = [sys.executable, "-c", WITHOUT_TORCH, "verify", str(bundle), "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["verdict"] == "pass"
    assert "frozen→program" in names(report)
    status = {hop["name"]: hop["status"] for hop in report["hops"]}
    assert status["quantized→twin"] == "skipped"
    assert status[names(report)[-1]] == ("pass" if options[1] == "lava-fixed" else "skipped")


def graph_with(neuron: nir.NIRNode, metadata: dict[str, Any]) -> nir.NIRGraph:
    weights = np.random.default_rng(4).normal(0.4, 0.5, (7, 3))
    nodes = {
        "input": nir.Input({"input": np.array([3])}),
        "weights": nir.Linear(weights),
        "neurons": neuron,
        "output": nir.Output({"output": np.array([7])}),
    }
    edges = [("input", "weights"), ("weights", "neurons"), ("neurons", "output")]
    return nir.NIRGraph(nodes, edges, metadata=metadata)


@pytest.fixture
def plain(tmp_path: Path) -> tuple[Path, Path]:
    """A .nir file of another tool that says neither dt nor reset, and what to show to it."""
    one = np.ones(7)
    path, shown = tmp_path / "plain.nir", tmp_path / "x.npz"
    nir.write(path, graph_with(nir.LIF(2e-3 * one, 2 * one, 0 * one, one), {}))
    rng = np.random.default_rng(5)
    np.savez(shown, input=rng.integers(0, 2, (9, 12, 3)), labels=rng.integers(0, 7, 9))
    return path, shown


@pytest.mark.parametrize("reset", [(), ("--reset", "subtract")])
def test_a_graph_is_recorded_with_its_stimulus(
    reset: tuple[str, ...], plain: tuple[Path, Path], tmp_path: Path, capsys: Any
) -> None:
    path, shown = plain
    limits = ("--agreement", 50, "--accuracy-drop", 100)
    given = ("--dt", "0.001", "-s", shown, *reset)
    call(capsys, "record", path, "-o", tmp_path / "b", *given)
    manifest = load_bundle(tmp_path / "b").manifest
    assert set(manifest.traces) == {"program"}
    assert (manifest.samples, manifest.steps, manifest.labels) == (9, 12, True)
    live = document(capsys, "verify", path, *given, "-t", "reference", *limits)
    there = document(capsys, "verify", tmp_path / "b", "-t", "reference", *limits)
    assert names(there) == ["recorded→program", *names(live)]
    assert untimed(there["hops"][1:]) == untimed(live["hops"])
    assert there["reset"] == live["reset"] == ("subtract" if reset else "value")
    _, refusal = call(capsys, "record", path, "-o", tmp_path / "c", "--dt", "0.001", code=2)
    assert "nothing to show" in refusal


def test_a_file_name_may_hold_any_bytes(
    plain: tuple[Path, Path], tmp_path: Path, capsys: Any
) -> None:
    path, shown = plain
    odd = path.rename(tmp_path / os.fsdecode(b"net\xff.nir"))
    call(capsys, "record", odd, "-o", tmp_path / "b", "--dt", "0.001", "-s", shown)
    assert load_bundle(tmp_path / "b").manifest.model == "net\ufffd"


def test_the_folded_form_is_recorded_too(trained: Path, tmp_path: Path, capsys: Any) -> None:
    call(capsys, "record", trained, "-o", tmp_path / "b", "--form", "folded", "-n", 10)
    loose = ("--agreement", "10", "--accuracy-drop", "100")
    report = document(capsys, "verify", tmp_path / "b", "-t", "reference", *loose)
    relations = {hop["name"]: hop["relation"] for hop in report["hops"]}
    assert relations["frozen→folded"] == "bounded"
    assert relations["recorded→folded"] == "exact"


@pytest.fixture
def other(bundle: Path, tmp_path: Path) -> Callable[..., Path]:
    """Records anew what a bundle holds, with some of it changed."""

    def make(traces: dict[str, Trace] | None = None, **changes: Any) -> Path:
        loaded = load_bundle(bundle)
        kept = {name: trace.read() for name, trace in loaded.traces.items()} | (traces or {})
        subject = Subject("small", loaded.graph, loaded.program, loaded.stimulus, 8, loaded.limits)

        def showing(trace: Trace) -> Form:
            return Form(lambda stimulus, progress: trace, "made up")

        all_forms: Any = {name: showing(trace) for name, trace in kept.items()}
        record(tmp_path / "other", replace(subject, **changes), all_forms, environment={})
        return tmp_path / "other"

    return make


def test_a_program_compiled_otherwise_is_told_and_judged_by_what_it_does(
    bundle: Path, other: Callable[..., Path], capsys: Any
) -> None:
    """As by a version that sums weights in another order: the last bit of one of them."""
    program = load_bundle(bundle).program
    projection = program.projections[0]
    weight = projection.operator.weight.copy()
    weight[3, 30] = np.nextafter(weight[3, 30], 2)
    nudged = program.replace_projection(projection, replace(projection, operator=Dense(weight)))
    folder = other(program=nudged)
    told, remarks = call(capsys, "verify", folder, "-t", "reference", "--json")
    assert "compiled here is not the recorded one" in remarks
    report = json.loads(told)
    assert "weight differs in 1 of 1,536 numbers" in report["bundle"]["program"]
    assert report["verdict"] == "pass"


@pytest.mark.parametrize("name", ["program", "frozen-cuda"])
def test_a_recorded_difference_fails(
    name: str, bundle: Path, other: Callable[..., Path], tmp_path: Path, capsys: Any
) -> None:
    trace = load_bundle(bundle).traces["frozen" if name == "frozen-cuda" else name].read()
    trace["lif2"].output[11, 2, 5] ^= 1
    page = tmp_path / "page.html"
    made = other({name: trace})
    report = document(capsys, "verify", made, "-t", "reference", "--html", page, code=1)
    (failed,) = (hop for hop in report["hops"] if hop["status"] == "fail")
    expected = {"program": "recorded→program", "frozen-cuda": "frozen→frozen-cuda"}
    assert failed["name"] == expected[name]
    first = {p["name"]: p["first_divergence"] for p in failed["populations"]}
    assert first["lif1"] is None
    assert (first["lif2"]["sample"], first["lif2"]["step"]) == (11, 2)
    # Of the potential there are values close to the threshold only: spikes are shown instead.
    shown = page.read_text(encoding="utf-8")
    assert failed["name"] in shown
    assert "nan" not in shown.lower()


@pytest.fixture
def on_cuda(monkeypatch: Any) -> list[str]:
    """A machine that says it has a GPU, which computes as its CPU does; devices that were asked."""
    asked: list[str] = []
    honest = forms.frozen_network

    def frozen_network(run: Any, device: str = "cpu") -> Show:
        asked.append(device)
        return honest(run)

    monkeypatch.setattr(forms, "has_cuda", lambda: True)
    monkeypatch.setattr(forms, "frozen_network", frozen_network)
    monkeypatch.setattr("eideploy.cli.recording.gpu_name", lambda: "made-up GPU")
    return asked


def test_where_there_is_a_gpu_it_is_a_hop_of_its_own(
    on_cuda: list[str], trained: Path, tmp_path: Path, capsys: Any
) -> None:
    live = document(capsys, "verify", trained, "-t", "reference", "-n", 9)
    assert on_cuda == ["cpu", "cuda"]
    assert names(live)[:3] == ["trained→frozen", "frozen→frozen-cuda", "frozen→program"]
    assert live["hops"][1]["relation"] == "exact"
    written = document(capsys, "record", trained, "-o", tmp_path / "b", "-n", 9)
    assert on_cuda == ["cpu", "cuda"] * 2
    assert written["traces"]["frozen-cuda"]["device"] == "made-up GPU"
    there = document(capsys, "verify", tmp_path / "b", "-t", "reference")
    assert untimed(there["hops"][:3]) == untimed(live["hops"][:3])
    assert on_cuda == ["cpu", "cuda"] * 2  # nothing was run for it


@pytest.mark.skipif(not has_cuda(), reason="needs a GPU")
def test_a_real_gpu_does_what_the_cpu_does(trained: Path, capsys: Any) -> None:
    report = document(capsys, "verify", trained, "-t", "reference")
    status = {hop["name"]: hop["status"] for hop in report["hops"]}
    assert status["frozen→frozen-cuda"] == "pass"


def test_a_worker_without_a_gpu_leaves_that_hop_out(
    trained: Path, monkeypatch: Any, capsys: Any
) -> None:
    """Whoever asked has one; whoever looks at the samples has not."""
    answers = iter([True])
    monkeypatch.setattr(forms, "has_cuda", lambda: next(answers, False))
    report = document(capsys, "verify", trained, "-t", "reference", "-n", 5)
    hop = report["hops"][1]
    assert (hop["name"], hop["status"]) == ("frozen→frozen-cuda", "skipped")
    assert report["verdict"] == "pass"
