"""The verb `import-netx`, and networks compiled for the target `netx`."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import lava_dl
import nir
import numpy as np
import pytest

from eideploy import graph
from eideploy.cli.app import run
from eideploy.program import load_program

RNG = np.random.default_rng(0)


def call(*arguments: object) -> int:
    return run([str(argument) for argument in arguments])


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A convolution and a dense layer of LIF, with a pool between them and a bias."""

    def lif(*shape: int) -> nir.LIF:
        ones = np.ones(shape)
        return nir.LIF(2e-3 * ones, 1.5 * ones, 0 * ones, 0.4 * ones, 0 * ones)

    nodes = {
        "input": nir.Input({"input": np.array([2, 8, 8])}, metadata={"levels": 1}),
        "conv": nir.Conv2d(
            (8, 8), RNG.normal(size=(4, 2, 3, 3)), 1, 1, 1, 1, RNG.normal(size=4) / 4
        ),
        "hidden": lif(4, 8, 8),
        "pool": nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "flat": nir.Flatten({"input": np.array([4, 4, 4])}, 0, -1),
        "last": nir.Affine(RNG.normal(size=(10, 64)), RNG.normal(size=10)),
        "classes": lif(10),
        "output": nir.Output({"output": np.array([10])}),
    }
    path = tmp_path / "plain.nir"
    edges = list(itertools.pairwise(nodes))
    graph.write(path, nir.NIRGraph(nodes, edges, metadata={"dt": 1e-3}, type_check=False))
    return path


def test_a_network_of_lava_dl_becomes_a_program_that_runs(tmp_path, capsys):
    file = lava_dl.write(
        tmp_path / "a.net",
        lava_dl.dense(lava_dl.even(RNG, 20, 6)),
        lava_dl.dense(lava_dl.even(RNG, 4, 20), weight_rec=lava_dl.even(RNG, 4, 4)),
    )
    program, shown = tmp_path / "a.npz", tmp_path / "spikes.npy"
    assert call("import-netx", file, "-o", program, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert [p["name"] for p in summary["populations"]] == ["input", "dense0", "dense1"]
    assert summary["latency"] == 2
    np.save(shown, RNG.integers(0, 2, (3, 9, 6)))
    for target in ("reference", "twin"):
        assert call("run", program, "-t", target, "-s", shown, "-o", tmp_path / target) == 0
    assert "dense1" in capsys.readouterr().out


def test_the_shape_of_the_input_can_be_given(tmp_path, capsys):
    file = lava_dl.write(tmp_path / "a.net", lava_dl.conv(np.full((1, 1, 2, 2), 2), (1, 3, 4)))
    program = tmp_path / "a.npz"
    assert call("import-netx", file, "-o", program) == 2
    assert "Give it: --input-shape CHANNELS,HEIGHT,WIDTH" in capsys.readouterr().err
    assert not program.exists()
    assert call("import-netx", file, "-o", program, "--input-shape", "1,4,5") == 0
    assert load_program(program).populations[0].shape == (1, 4, 5)


@pytest.mark.parametrize("shape", ["4,5", "1,4,five", "", "0,4,5", "-1"])
def test_shapes_that_are_none_are_refused(tmp_path, capsys, shape):
    assert call("import-netx", tmp_path / "a.net", "-o", "a.npz", f"--input-shape={shape}") == 2
    assert "expected whole numbers CHANNELS,HEIGHT,WIDTH" in capsys.readouterr().err


def test_what_netx_reads_otherwise_is_said(tmp_path, capsys):
    file = lava_dl.write(tmp_path / "a.net", lava_dl.dense([[-128, -2]]))
    assert call("import-netx", file, "-o", tmp_path / "a.npz") == 0
    assert "/layer/0/weight: netx loads 1 of 2 weights as others" in capsys.readouterr().err


def test_alien_files_are_bad_input(tmp_path, capsys, plain):
    assert call("import-netx", plain, "-o", tmp_path / "a.npz") == 2
    assert "not a network of lava-dl: it has no group 'layer'" in capsys.readouterr().err


def test_a_compiled_file_is_the_compiled_program(tmp_path, plain):
    """Both forms of the output of `compile` say the same."""
    file, program, back = (tmp_path / name for name in ("a.net", "a.npz", "b.npz"))
    assert call("compile", plain, "-t", "netx", "-o", file) == 0
    assert call("compile", plain, "-t", "netx", "-o", program) == 0
    assert call("import-netx", file, "-o", back) == 0
    one, other = load_program(program), load_program(back)
    assert one.metadata == other.metadata
    assert [p.name for p in one.populations] == [p.name for p in other.populations]
    for before, after in zip(one.populations, other.populations, strict=True):
        for key, value in before.neuron.parameters().items():
            assert np.array_equal(
                np.broadcast_to(value, before.shape),
                np.broadcast_to(after.neuron.parameters()[key], after.shape),
            )
    for here, there in zip(one.projections, other.projections, strict=True):
        assert (here.name, here.delay, here.exponent) == (there.name, there.delay, there.exponent)
        assert np.array_equal(here.operator.weight, there.operator.weight)


@pytest.mark.lava
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_netx_runs_what_was_compiled(tmp_path, capsys, plain):
    pytest.importorskip("lava.magma")
    shown = tmp_path / "spikes.npy"
    np.save(shown, RNG.integers(0, 2, (4, 8, 2, 8, 8)))
    assert call("verify", plain, "-t", "netx", "-s", shown, "--json") == 0
    hop = json.loads(capsys.readouterr().out)["hops"][-1]
    assert (hop["name"], hop["relation"], hop["status"]) == ("quantized→netx", "exact", "pass")
    assert [p["mismatched_bins"] for p in hop["populations"]] == [0, 0]
    assert all(p["spikes_before"] > 0 for p in hop["populations"])
