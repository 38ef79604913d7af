"""Option --chip: what a network takes of a chip, and what it does not fit on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eideploy.cli.app import run
from eideploy.graph import write


@pytest.fixture
def network(tmp_path: Path, dense_graph) -> Path:
    path = tmp_path / "network.nir"
    write(path, dense_graph())
    return path


def said(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return " ".join((captured.out + captured.err).split())


def test_compile_says_what_is_used_of_each_core(network, tmp_path, capsys):
    assert run(["compile", str(network), "-o", str(tmp_path / "p.npz"), "--json"]) == 0
    placement = json.loads(capsys.readouterr().out)["placement"]
    assert placement["chip"] == "Loihi 2"
    assert placement["cores_used"] == len(placement["cores"]) >= 1
    assert placement["neurons"] == sum(core["neurons"] for core in placement["cores"])
    assert run(["compile", str(network), "-o", str(tmp_path / "p.npz")]) == 0
    assert "of 960 cores (1 of 8 chips)" in said(capsys)


def test_what_a_chip_lacks_is_refused_in_all_verbs(network, tmp_path, capsys):
    out = str(tmp_path / "p.npz")
    assert run(["compile", str(network), "-o", out, "--chip", "loihi1"]) == 2
    assert "Loihi 1 has leaky integrate-and-fire neurons" in said(capsys)
    assert not (tmp_path / "p.npz").exists()
    assert run(["compile", str(network), "-o", out]) == 0
    assert run(["inspect", out, "--chip", "loihi1"]) == 2
    said(capsys)
    assert run(["inspect", out, "--chip", "loihi2"]) == 0
    assert "on Loihi 2" in said(capsys)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["compile", "NET", "-o", "OUT", "--chip", "loihi3"], "there is no chip 'loihi3'"),
        (["compile", "NET", "-o", "OUT", "--chip", "none.yaml"], "none.yaml cannot be read"),
        (["compile", "NET", "-o", "OUT", "-t", "lava-float", "--chip", "loihi2"], "not placed"),
        (["inspect", "NET", "--chip", "loihi2"], "Compile it first"),
    ],
)
def test_a_chip_that_makes_no_sense(network, tmp_path, capsys, arguments, reason):
    names = {"NET": str(network), "OUT": str(tmp_path / "p.npz")}
    assert run([names.get(word, word) for word in arguments]) == 2
    assert reason in said(capsys)
