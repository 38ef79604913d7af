"""The verbs in the order a user types them, on a small network that is really trained."""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import nir
import numpy as np
import pytest
from eideploy_targets.simulated import Twin
from sklearn.datasets import load_digits

from eideploy.cli.app import run
from eideploy.graph import write
from eideploy.program import load_program, load_trace
from eideploy.verify import from_document

# One digit of a few is many points: what these tests are about is that hops are exact.
SMALL = [
    *("--set", "model.hidden=[24, 16]", "--set", "training.epochs=4", "--set", "steps=5"),
    *("--set", "limits.accuracy_drop=20.0", "--set", "limits.agreement=80.0"),
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "small"
    assert run(["train", "digits_mlp", "-o", str(folder), *SMALL]) == 0
    return folder


def digits() -> np.ndarray:
    return np.repeat(load_digits().data[:20, None] / 16, 5, axis=1)


def output(
    capsys: pytest.CaptureFixture[str], *arguments: object, code: int | tuple[int, ...] = 0
) -> str:
    capsys.readouterr()
    codes = code if isinstance(code, tuple) else (code,)
    assert run([str(argument) for argument in arguments]) in codes
    return capsys.readouterr().out


def test_verify_says_in_json_what_held(trained, capsys):
    document = json.loads(output(capsys, "verify", trained, "-t", "twin", "-n", 100, "--json"))
    assert document["schema"] == "eideploy.verify/1"
    assert (document["samples"], document["steps"], document["verdict"]) == (100, 5, "pass")
    assert [hop["name"] for hop in document["hops"]] == [
        "trained→frozen",
        "frozen→program",
        "program→quantized",
        "quantized→twin",
    ]
    for hop in document["hops"]:
        if hop["relation"] == "exact":
            assert sum(p["mismatched_bins"] for p in hop["populations"]) == 0
            assert hop["state_mismatches"] == 0
        assert sum(p["spikes_after"] for p in hop["populations"]) > 1000
        assert hop["accuracy"]["after"] > 50
    assert from_document(document).verdict == "pass"


@pytest.mark.parametrize("mapping", ["fused", "explicit"])
def test_verify_writes_its_reports(mapping, trained, tmp_path, capsys):
    page, junit = tmp_path / "report.html", tmp_path / "report.xml"
    table = output(
        capsys,
        *("verify", trained, "-t", "reference", "-m", mapping, "-n", 40),
        *("--html", page, "--junit", junit),
    )
    assert "PASS" in table
    assert "quantized→reference" in page.read_text(encoding="utf-8")
    assert ElementTree.parse(junit).getroot().tag == "testsuites"


def test_a_changed_network_fails_and_is_named(trained, capsys, monkeypatch):
    """The backend gets another Program than was compiled: one threshold is lower."""
    honest = Twin.run

    def changed(self, program, *rest):
        population = program.by_name["lif2"]
        neuron = replace(population.neuron, threshold=population.neuron.threshold - 400)
        altered = program.replace_population(replace(population, neuron=neuron))
        return honest(self, altered, *rest)

    monkeypatch.setattr(Twin, "run", changed)
    report = output(capsys, "verify", trained, "-t", "twin", "-n", 50, "--json", code=1)
    document = json.loads(report)
    assert document["verdict"] == "fail"
    failing = [hop for hop in document["hops"] if hop["status"] == "fail"]
    assert [hop["name"] for hop in failing] == ["quantized→twin"]
    first = {p["name"]: p["first_divergence"] for p in failing[0]["populations"]}
    assert first["lif1"] is None
    assert first["lif2"]["step"] == 0
    table = output(capsys, "verify", trained, "-t", "twin", "-n", 50, code=1)
    assert "lif2" in table


def test_a_graph_goes_its_way_without_the_run(trained, tmp_path, capsys):
    graph, program, trace = (tmp_path / name for name in ("m.nir", "p.npz", "t.npz"))
    shown = tmp_path / "x.npz"
    np.savez(shown, input=digits(), labels=load_digits().target[:20])
    output(capsys, "export", trained, "-o", graph)
    output(capsys, "compile", graph, "-t", "twin", "-m", "explicit", "-o", program)
    assert "ei1.inhibitory" in output(capsys, "inspect", program)
    output(capsys, "run", program, "-t", "twin", "-s", shown, "-o", trace)
    report = output(
        capsys, "run", graph, "-t", "reference", "-s", shown, "-m", "explicit", "--json"
    )
    assert 0 <= json.loads(report)["accuracy"] <= 100
    assert load_program(program).latency == 6
    assert load_trace(trace)["lif2"].output.shape == (20, 5, 16)
    # A graph has no limits of its own; whether the usual ones hold is not the point here.
    report = output(capsys, "verify", graph, "-t", "twin", "-s", shown, "--json", code=(0, 1))
    hops = json.loads(report)["hops"]
    assert [hop["name"] for hop in hops] == ["program→quantized", "quantized→twin"]
    assert hops[1]["status"] == "pass"


def test_a_folded_graph_is_plain_nir_and_can_be_verified(trained, tmp_path, capsys):
    graph, shown = tmp_path / "folded.nir", tmp_path / "x.npy"
    np.save(shown, digits())
    output(capsys, "export", trained, "-o", graph, "--form", "folded")
    kinds = {type(node).__name__ for node in nir.read(graph).nodes.values()}
    assert kinds == {"Input", "Affine", "LIF", "Linear", "Output"}
    report = output(capsys, "verify", graph, "-t", "twin", "-s", shown, "--json", code=(0, 1))
    assert json.loads(report)["hops"][-1]["status"] == "pass"
    assert "plain NIR" in output(capsys, "inspect", graph)


def test_inspect_shows_the_dialect_and_time_constants(trained, capsys):
    text = output(capsys, "inspect", trained)
    assert "EILinear (dialect)" in " ".join(text.split())
    assert "2 steps" in " ".join(text.split())
    document = json.loads(output(capsys, "inspect", trained, "--json"))
    assert document["schema"] == "eideploy.graph/1"


def test_inspect_shows_how_a_run_was_trained(trained, tmp_path, capsys):
    metrics = json.loads((trained / "metrics.json").read_text())
    told = json.loads(output(capsys, "inspect", trained, "--json"))["run"]
    assert (told["epochs"], told["frozen"]) == (4, True)
    assert told["test_accuracy"] == metrics["test_accuracy"]
    assert told["layers"] == metrics["epochs"][-1]["layers"]
    page = tmp_path / "page.html"
    lines = output(capsys, "inspect", trained, "--html", page).splitlines()
    rate = metrics["epochs"][-1]["layers"]["lif1"]["rate"]
    assert f"lif1 {rate:.1%}" in [" ".join(line.split()) for line in lines]
    assert f"test accuracy {metrics['test_accuracy']:.2f} %" in " ".join(lines)
    assert page.read_text(encoding="utf-8").endswith("</html>\n")


def test_inspect_shows_a_run_that_has_no_graph(tmp_path, capsys):
    folder = tmp_path / "free"
    free = [*SMALL, "--set", "training.epochs=1", "--set", "training.dale=false"]
    trained = json.loads(
        output(capsys, "train", "digits_mlp", "-o", folder, *free, "--plot", "--json")
    )
    assert trained["page"] == str(folder / "training.html")
    assert "mean divisor" in (folder / "training.html").read_text(encoding="utf-8")
    document = json.loads(output(capsys, "inspect", folder, "--json"))
    assert document["schema"] == "eideploy.run-description/1"
    assert document["run"]["frozen"] is False
    assert "1 epoch ·" in output(capsys, "inspect", folder)


def test_only_a_run_has_a_page(tmp_path, capsys):
    assert run(["inspect", str(tmp_path / "net.nir"), "--html", str(tmp_path / "page.html")]) == 2
    assert "is none" in capsys.readouterr().err


def test_lists_name_what_is_installed(capsys):
    lines = output(capsys, "models").splitlines()
    (row,) = (line.split() for line in lines if line.startswith("digits_mlp"))
    assert row[1:4] == ["8", "84,362", "104k"]
    rows = json.loads(output(capsys, "models", "--json"))["recipes"]
    assert {"synaptic_operations", "expected", "error"} <= set(rows[0])
    names = [row["name"] for row in json.loads(output(capsys, "targets", "--json"))["targets"]]
    assert {"lava-fixed", "lava-float", "reference", "twin"} <= set(names)
    document = json.loads(output(capsys, "doctor", "--json"))
    assert document["packages"]["numpy"] == np.__version__
    for row in document["targets"]:
        assert row["available"] or row["remedy"]


def test_a_misspelt_recipe_key_is_pointed_at(tmp_path, capsys):
    out = tmp_path / "run"
    for change, near in (("training.epoch=3", "epochs"), ("neuron.reset=substract", "subtract")):
        assert run(["train", "digits_mlp", "-o", str(out), "--set", change]) == 2
        assert near in capsys.readouterr().err
    assert run(["train", "digit_mlp", "-o", str(out)]) == 2
    assert "digits_mlp" in capsys.readouterr().err
    assert not out.exists()


def test_a_training_that_fails_leaves_no_folder(tmp_path, capsys):
    out = tmp_path / "runs" / "small"
    assert run(["train", "digits_mlp", "-o", str(out), *SMALL, "--set", "optimizer.lr=1e30"]) == 2
    assert "the loss is" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_log_gets_a_line_for_each_epoch(tmp_path, capsys):
    short = [*SMALL, "--set", "training.epochs=2"]
    assert run(["train", "digits_mlp", "-o", str(tmp_path / "run"), *short]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "epoch" in line]
    assert [line.split("  ")[1] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert all("loss" in line and "test" in line for line in lines)


def test_a_run_needs_no_import(trained, tmp_path, capsys):
    for path in (trained, trained / "weights.safetensors"):
        assert run(["import-checkpoint", str(path), "-o", str(tmp_path / "copy")]) == 2
        assert f"eideploy verify {trained}" in capsys.readouterr().err
    assert not (tmp_path / "copy").exists()


def test_a_run_and_its_recipe_have_equally_many_parameters(trained, tmp_path, capsys):
    from eideploy.train import cost_of, load_run

    described = json.loads(output(capsys, "inspect", trained, "--json"))
    assert described["parameters"] == cost_of(load_run(trained).recipe).parameters


def test_a_graph_is_drawn(trained, tmp_path, capsys):
    graph, first, second = (tmp_path / name for name in ("m.nir", "a.svg", "b.svg"))
    output(capsys, "export", trained, "-o", graph)
    output(capsys, "inspect", graph, "--svg", first)
    output(capsys, "inspect", trained, "--svg", second)
    for path in (first, second):
        text = path.read_text(encoding="utf-8")
        assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
        assert "EILinear · 24" in text
    assert run(["inspect", str(tmp_path / "p.npz"), "--svg", str(first)]) == 2
    assert "--svg draws graphs" in capsys.readouterr().err


def test_a_run_is_not_overwritten_by_accident(trained, capsys):
    before = (trained / "weights.safetensors").read_bytes()
    assert run(["train", "digits_mlp", "-o", str(trained), *SMALL]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (trained / "weights.safetensors").read_bytes() == before


@pytest.mark.parametrize("name", ["weights.safetensors", "recipe.yaml", "run.json"])
def test_a_damaged_run_is_refused(name, trained, tmp_path, capsys):
    copy = shutil.copytree(trained, tmp_path / "copy")
    for damage in (lambda f: f.write_bytes(f.read_bytes()[:40]), lambda f: f.unlink()):
        damage(copy / name)
        assert run(["verify", str(copy), "-t", "twin"]) == 2
        message = capsys.readouterr().err
        assert name in message
        assert len(message.strip().splitlines()) <= 8


def test_what_folding_costs_is_a_hop_of_its_own(trained, capsys):
    capsys.readouterr()
    assert run(["verify", str(trained), "-t", "twin", "--form", "folded", "--json"]) in (0, 1)
    hops = json.loads(capsys.readouterr().out)["hops"]
    assert [(hop["name"], hop["relation"]) for hop in hops] == [
        ("trained→frozen", "bounded"),
        ("frozen→folded", "bounded"),
        ("folded→quantized", "bounded"),
        ("quantized→twin", "exact"),
    ]
    assert hops[1]["agreement"] < hops[0]["agreement"]
    assert hops[3]["status"] == "pass"


def test_populations_stand_in_the_order_of_the_network(tmp_path, capsys):
    """A .nir file keeps nodes in the order of their names, in which 10 is before 9."""
    count = np.ones(2)
    neuron = nir.IF(r=count, v_threshold=count, v_reset=count * 0)
    nodes = {
        "input": nir.Input({"input": np.array([2])}),
        "8": nir.Linear(np.eye(2)),
        "9": neuron,
        "1": nir.Linear(np.eye(2)),
        "10": neuron,
        "output": nir.Output({"output": np.array([2])}),
    }
    write(tmp_path / "model.nir", nir.NIRGraph(nodes, list(itertools.pairwise(nodes))))
    document = json.loads(
        output(capsys, "compile", tmp_path / "model.nir", "-o", tmp_path / "p.npz", "--json")
    )
    assert [row["name"] for row in document["populations"]] == ["input", "9", "10"]
    assert [row["target"] for row in document["projections"]] == ["9", "10"]
