"""Files of other tools, from the command line: what a newcomer does first.

The networks are written with plain `nir` as other frameworks write them, and what they should do
is computed here from the equations alone.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
from numpy.typing import NDArray

from eideploy.cli.app import run
from eideploy.program import load_trace

Array = NDArray[Any]

LIMITS = ("--agreement", 85, "--accuracy-drop", 15)
"""Random weights quantize worse than trained ones."""

CLASSES = 4
SAMPLES = 24


def output(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> str:
    capsys.readouterr()
    assert run([str(argument) for argument in arguments]) == code, capsys.readouterr().err
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> Any:
    return json.loads(output(capsys, *arguments, "--json", code=code))


def save(path: Path, nodes: dict[str, nir.NIRNode], edges: list[tuple[str, str]] = ()) -> Path:
    names = list(nodes)
    nir.write(path, nir.NIRGraph(nodes, list(edges or pairwise(names)), type_check=False))
    return path


def port(kind: type, *shape: int) -> nir.NIRNode:
    return kind({kind.__name__.lower(): np.array(shape)})


# --- integrate-and-fire, a step of 1, as Sinabs writes it ---


def integrate(x: Array, subtract: bool) -> Array:
    """Spikes [sample, step, …] of IF neurons with θ = 1 that receive x."""
    v, spikes = np.zeros_like(x[:, 0]), np.zeros_like(x)
    for t in range(x.shape[1]):
        v = v + x[:, t]
        spikes[:, t] = v > 1
        v = v - spikes[:, t] if subtract else np.where(spikes[:, t] > 0, 0, v)
    return spikes


@pytest.fixture
def convolutional(tmp_path) -> tuple[Path, Any]:
    """Conv2d, IF, SumPool2d, Flatten, Affine, IF; and what they compute."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    kernel, matrix = rng.normal(0.15, 0.4, (4, 2, 3, 3)), rng.normal(0, 0.4, (CLASSES, 36))

    def neurons(*shape: int) -> nir.IF:
        return nir.IF(r=np.ones(shape), v_threshold=np.ones(shape))

    path = save(
        tmp_path / "sinabs.nir",
        {
            "input": port(nir.Input, 2, 8, 8),
            "0": nir.Conv2d((8, 8), kernel, 1, 0, 1, 1, np.zeros(4)),
            "1": neurons(4, 6, 6),
            "2": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
            "3": nir.Flatten({"input": np.array([4, 3, 3])}, 0, -1),
            "4": nir.Affine(matrix, np.zeros(CLASSES)),
            "5": neurons(CLASSES),
            "output": port(nir.Output, CLASSES),
        },
    )

    def compute(x: Array, subtract: bool) -> Array:
        flat = torch.as_tensor(x.reshape(-1, *x.shape[2:]), dtype=torch.float64)
        current = torch.nn.functional.conv2d(flat, torch.as_tensor(kernel)).numpy()
        spikes = integrate(current.reshape(*x.shape[:2], 4, 6, 6), subtract)
        pooled = spikes.reshape(*x.shape[:2], 4, 3, 2, 3, 2).sum(axis=(4, 6))
        return integrate(pooled.reshape(*x.shape[:2], -1) @ matrix.T, subtract)

    return path, compute


def recordings(rng: np.random.Generator, events: int = 700) -> list[Array]:
    """Structured arrays of a camera of 8×8 pixels; what happens where differs by sample."""
    dtype = np.dtype([("t", np.int64), ("x", np.int16), ("y", np.int16), ("p", bool)])
    made = []
    for _ in range(SAMPLES):
        one = np.zeros(events, dtype)
        one["t"] = np.sort(rng.integers(1000, 31000, events))
        place = rng.choice(128, events, p=rng.dirichlet(np.full(128, 0.3)))
        one["p"], one["y"], one["x"] = np.unravel_index(place, (2, 8, 8))
        made.append(one)
    return made


def frames(made: list[Array], steps: int) -> Array:
    """Whether there was an event, [sample, step, p, y, x], by a loop over events."""
    x = np.zeros((len(made), steps, 2, 8, 8))
    for sample, events in enumerate(made):
        first, last = events["t"].min(), events["t"].max()
        for event in events:
            step = (int(event["t"]) - first) * steps // (last - first + 1)
            x[sample, step, int(event["p"]), event["y"], event["x"]] = 1
    return x


def balanced(scores: Array) -> Array:
    """The classes that a network gives its samples, and that it gives several."""
    labels = scores.sum(axis=1).argmax(axis=1)
    assert len(np.unique(labels)) > 1
    return labels


@pytest.mark.parametrize("reset", ["value", "subtract"])
def test_an_if_network_runs_on_events(reset, convolutional, tmp_path, capsys):
    path, compute = convolutional
    made = recordings(np.random.default_rng(0))
    spikes = compute(frames(made, 25), reset == "subtract")
    events, labels, trace = (tmp_path / name for name in ("e.npz", "labels.npy", "trace.npz"))
    np.savez(events, *made)
    np.save(labels, balanced(spikes))
    common = [path, "-t", "twin", "-s", events, "--bin", 25, "--labels", labels]
    common += ["--reset", "subtract"] if reset == "subtract" else []
    ran = document(capsys, "run", *common, "-o", trace)
    assert (ran["samples"], ran["steps"], ran["reset"]) == (SAMPLES, 25, reset)
    # Weights have 8 bits there, so that spikes move; float targets are held to it below.
    assert ran["accuracy"] >= 85
    assert abs(load_trace(trace)["5"].output.mean() - spikes.mean()) < 0.05 * spikes.mean()
    proof = document(capsys, "verify", *common, *LIMITS)
    assert (proof["verdict"], proof["reset"]) == ("pass", reset)
    assert proof["hops"][0]["accuracy"] == {"before": 100.0, "after": ran["accuracy"]}


@pytest.mark.parametrize("reset", ["value", "subtract"])
@pytest.mark.parametrize(
    "target", ["onnx", pytest.param("lava-float", marks=(pytest.mark.lava, pytest.mark.slow))]
)
def test_float_targets_do_what_the_equations_say(target, reset, convolutional, tmp_path, capsys):
    pytest.importorskip("onnxruntime" if target == "onnx" else "lava")
    path, compute = convolutional
    made = recordings(np.random.default_rng(0))[:6]
    x = frames(made, 12)
    shown, trace = tmp_path / "x.npy", tmp_path / "trace.npz"
    np.save(shown, x.astype(np.uint8))
    options = ["--reset", "subtract"] if reset == "subtract" else []
    output(capsys, "run", path, "-t", target, "-s", shown, "-o", trace, *options)
    expected = compute(x, reset == "subtract")
    assert expected.sum() > 50
    np.testing.assert_array_equal(load_trace(trace)["5"].output, expected)


# --- current-based neurons with a step of 0.1 ms, and recurrence in a graph of its own ---

DT, TAU_SYN, TAU_MEM = 1e-4, 0.8e-3, 2e-3
CHANNELS, HIDDEN = 12, 20


def cuba(size: int) -> nir.CubaLIF:
    """As snnTorch and the benchmarks of NIR have it: each spike adds its weight to i, i to v."""
    one = np.ones(size, np.float32)
    return nir.CubaLIF(
        tau_syn=np.float32(TAU_SYN) * one,
        tau_mem=np.float32(TAU_MEM) * one,
        r=np.float32(TAU_MEM / DT) * one,
        v_leak=0 * one,
        v_threshold=one,
        v_reset=0 * one,
        w_in=np.float32(TAU_SYN / DT) * one,
    )


class Cuba:
    """The neurons above in float64, one step at a time."""

    def __init__(self, samples: int, size: int, subtract: bool) -> None:
        self.i = self.v = np.zeros((samples, size))
        self.subtract = subtract

    def __call__(self, x: Array) -> Array:
        self.i = (1 - DT / TAU_SYN) * self.i + x
        v = (1 - DT / TAU_MEM) * self.v + self.i
        spikes = (v > 1).astype(float)
        self.v = v - spikes if self.subtract else v * (1 - spikes)
        return spikes


@pytest.fixture(params=["feed-forward", "recurrent"])
def tactile(request, tmp_path) -> tuple[Path, Any]:
    """Twelve channels, hidden and output neurons, as networks for Braille; what they compute."""
    rng = np.random.default_rng(5)
    first, last = (
        rng.normal(0.01, 0.05, (HIDDEN, CHANNELS)),
        rng.normal(0, 0.08, (CLASSES, HIDDEN)),
    )
    loop = rng.normal(0, 0.03, (HIDDEN, HIDDEN)) * (request.param == "recurrent")
    hidden: nir.NIRNode = cuba(HIDDEN)
    if request.param == "recurrent":
        inner = {
            "input": port(nir.Input, HIDDEN),
            "lif": cuba(HIDDEN),
            "w_rec": nir.Affine(loop, np.zeros(HIDDEN)),
            "output": port(nir.Output, HIDDEN),
        }
        edges = [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
        hidden = nir.NIRGraph(inner, edges, type_check=False)
    path = save(
        tmp_path / "tactile.nir",
        {
            "input": port(nir.Input, CHANNELS),
            "fc1": nir.Affine(first, np.zeros(HIDDEN)),
            "lif1": hidden,
            "fc2": nir.Affine(last, np.zeros(CLASSES)),
            "lif2": cuba(CLASSES),
            "output": port(nir.Output, CLASSES),
        },
    )

    def compute(x: Array, subtract: bool) -> tuple[Array, Array]:
        before, after = (Cuba(len(x), size, subtract) for size in (HIDDEN, CLASSES))
        z, inside, outside = np.zeros((len(x), HIDDEN)), [], []
        for t in range(x.shape[1]):
            z = before(x[:, t] @ first.T + z @ loop.T)
            inside.append(z)
            outside.append(after(z @ last.T))
        return np.stack(inside, axis=1), np.stack(outside, axis=1)

    return path, compute


def touches(rng: np.random.Generator, steps: int) -> tuple[dict[str, Array], Array]:
    """Events of all recordings one after the other, with `start`; and the same as an array."""
    x = (rng.random((SAMPLES, steps, CHANNELS)) < rng.uniform(0, 0.4, (SAMPLES, 1, CHANNELS))) * 1
    x[:, (0, -1), 0] = 1  # so that all recordings are equally long
    sample, step, channel = np.nonzero(x)
    start = np.searchsorted(sample, np.arange(SAMPLES + 1))
    # In microseconds, as event cameras have them; the step is 100 of these.
    return {"t": 5_000_000 + 100 * step, "x": channel, "start": start}, x


@pytest.mark.parametrize("reset", ["value", "subtract"])
def test_a_cuba_network_runs_on_events(reset, tactile, tmp_path, capsys):
    path, compute = tactile
    events, x = touches(np.random.default_rng(1), 80)
    hidden, spikes = compute(x, reset == "subtract")
    shown, trace = tmp_path / "events.npz", tmp_path / "trace.npz"
    np.savez(shown, **events, label=balanced(spikes))
    common = [path, "-t", "twin", "--dt", DT, "-s", shown, "--bin", "0.1ms"]
    common += ["--reset", "subtract"] if reset == "subtract" else []
    ran = document(capsys, "run", *common, "-o", trace)
    assert (ran["samples"], ran["steps"], ran["reset"]) == (SAMPLES, 80, reset)
    assert ran["accuracy"] >= 85
    found = next(r for name, r in load_trace(trace).recordings.items() if name.startswith("lif1"))
    assert np.mean(found.output == hidden) > 0.9 > 1 - hidden.mean()
    proof = document(capsys, "verify", *common, *LIMITS)
    assert proof["verdict"] == "pass"
    assert proof["hops"][0]["accuracy"]["before"] == 100


def test_float_cuba_is_what_the_equations_say(tactile, tmp_path, capsys):
    pytest.importorskip("onnxruntime")
    path, compute = tactile
    _, x = touches(np.random.default_rng(2), 40)
    shown, trace = tmp_path / "x.npy", tmp_path / "trace.npz"
    np.save(shown, x)
    common = ["-t", "onnx", "--dt", DT, "--reset", "subtract", "-s", shown]
    output(capsys, "run", path, *common, "-o", trace)
    hidden, spikes = compute(x, subtract=True)
    assert hidden.sum() > 1000
    recorded = load_trace(trace)
    np.testing.assert_array_equal(recorded["lif2"].output, spikes)
    found = next(r for name, r in recorded.recordings.items() if name.startswith("lif1"))
    np.testing.assert_array_equal(found.output, hidden)


def test_images_stay_for_as_many_steps_as_asked(tactile, tmp_path, capsys):
    path, _ = tactile
    images = np.random.default_rng(0).integers(0, 2, (3, CHANNELS))
    still, moving = tmp_path / "still.npy", tmp_path / "moving.npy"
    np.save(still, images)
    np.save(moving, np.stack([images] * 7, axis=1))
    common = ["run", path, "-t", "twin", "--dt", DT]
    asked = document(capsys, *common, "-s", still, "--steps", 7)
    assert asked == document(capsys, *common, "-s", moving)
    assert (asked["samples"], asked["steps"]) == (3, 7)


# --- published files ---


def test_a_published_network_classifies_recordings_of_a_camera(shared_data, capsys):
    network = shared_data / "nir" / "good" / "scnn_mnist.nir"
    shown = shared_data / "nmnist" / "train_1000.npz"
    common = [network, "-t", "twin", "-s", shown, "--bin", 20, "-n", 20]
    assert document(capsys, "run", *common)["accuracy"] >= 95
    proof = document(capsys, "verify", *common, "--agreement", 90)
    assert proof["verdict"] == "pass"
    assert proof["hops"][-1]["accuracy"]["after"] >= 95


def test_a_recorded_neuron_runs(shared_data, tmp_path, capsys):
    shown = tmp_path / "x.npy"
    np.save(shown, np.random.default_rng(0).integers(0, 2, (2, 50, 1)))
    neuron = shared_data / "loihi2" / "lif_norse.nir"
    proof = document(capsys, "verify", neuron, "-t", "twin", "--dt", 1e-4, "-s", shown)
    assert proof["verdict"] == "pass"
    assert proof["hops"][-1]["populations"][-1]["spikes_after"] > 0


@pytest.mark.parametrize(("name", "size"), [("feedback_graph", 3), ("two_lif_neurons", 1)])
@pytest.mark.parametrize("dt", [1e-3, 1e-4])
def test_published_graphs_run_on_a_float_target(name, size, dt, shared_data, tmp_path, capsys):
    pytest.importorskip("onnxruntime")
    shown = tmp_path / "x.npy"
    np.save(shown, np.random.default_rng(0).random((2, 300, size)))
    path = shared_data / "nir" / "good" / f"{name}.nir"
    proof = document(capsys, "verify", path, "-t", "onnx", "--dt", dt, "-s", shown)
    assert proof["verdict"] == "pass"
    assert all(not p["mismatched_bins"] for p in proof["hops"][0]["populations"])
    assert sum(p["spikes_after"] for p in proof["hops"][0]["populations"]) > 0


def test_a_published_graph_that_makes_no_sense_is_refused(shared_data, tmp_path, capsys):
    """One of its two neurons has negative time constants."""
    np.save(tmp_path / "x.npy", np.zeros((2, 5, 2)))
    path = shared_data / "nir" / "good" / "srnn.nir"
    arguments = ["verify", path, "-t", "twin", "--dt", 1e-3, "-s", tmp_path / "x.npy"]
    assert run([str(argument) for argument in arguments]) == 2
    assert "node 'cu1': tau_syn is -1.27593 s in 1 of 2 neurons" in capsys.readouterr().err
