"""Networks on lava-dl's own netx, on Lava, against the reference and against slayer."""

from __future__ import annotations

from itertools import pairwise

import lava_dl
import numpy as np
import pytest
from eideploy_targets.netx import Netx
from hypothesis import event, given, settings
from netx_programs import netx_programs

from eideploy.errors import StimulusError, TargetError, UnsupportedError
from eideploy.program import (
    Conv2d,
    Dense,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Relay,
    Source,
    Stimulus,
    Trace,
)
from eideploy.simulate import reference
from eideploy.simulate.record import Record

pytestmark = [
    pytest.mark.lava,
    pytest.mark.filterwarnings("ignore"),  # lava-dl and what it imports
]

RNG = np.random.default_rng(1)
NETX = Netx(timeout=120)


@pytest.fixture(scope="module")
def execution():
    """lava-dl, imported once; it takes seconds."""
    pytest.importorskip("lava.magma")
    from eideploy_targets.lava.start_method import forking
    from eideploy_targets.netx.quiet import quiet

    with forking(), quiet():
        from eideploy_targets.netx import execution
    return execution


@pytest.fixture
def on_netx(execution):
    """Run a file as it is, not as it would be written again."""

    def run(path, program: Program, stimulus: Stimulus) -> Trace:
        from eideploy_targets.lava.start_method import forking

        with forking():
            return execution.run(program, path, stimulus, Record(), None, timeout=120, chunk=100)

    return run


def shown(program: Program, samples: int = 2, steps: int = 8, rate: float = 0.4) -> Stimulus:
    (source,) = program.sources
    spikes = RNG.random((samples, steps, *source.shape)) < rate
    return Stimulus({source.name: spikes.astype(np.uint8)})


def differing(one: Trace, other: Trace) -> dict[str, int]:
    """Number of bins that differ, by population."""
    assert one.recordings.keys() == other.recordings.keys()
    return {
        name: int(np.sum(recording.output != other[name].output))
        for name, recording in one.recordings.items()
    }


def alike(one: Trace, other: Trace) -> None:
    """Every bin is the same, and every population has something to compare."""
    assert differing(one, other) == dict.fromkeys(one.recordings, 0)
    assert all(np.ptp(recording.output) > 0 for recording in one.recordings.values())


KERNEL = lava_dl.even(RNG, 4, 1, 3, 2)
FILES = {
    "dense": (
        lava_dl.dense(lava_dl.even(RNG, 20, 8), bias=RNG.integers(-9, 9, 20)),
        lava_dl.dense(lava_dl.even(RNG, 10, 20), bias=RNG.integers(0, 9, 10)),
        lava_dl.dense(lava_dl.even(RNG, 9, 10)),
    ),
    "delays and recurrence": (
        lava_dl.dense(lava_dl.even(RNG, 20, 8), delay=RNG.integers(0, 4, 20)),
        lava_dl.dense(lava_dl.even(RNG, 10, 20), weight_rec=lava_dl.even(RNG, 10, 10)),
        lava_dl.dense(lava_dl.even(RNG, 9, 10), delay=RNG.integers(0, 3, (9, 10))),
    ),
    "delays of a loop, whose exponent is lost": (
        lava_dl.dense(
            lava_dl.even(RNG, 8, 8, high=30), weight_rec=lava_dl.even(RNG, 8, 8, high=30), delay=1
        ),
    ),
    "convolutions": (
        lava_dl.layer("input", 2, 7, 6),
        lava_dl.conv(
            KERNEL, (4, 4, 5), stride=[2, 1], padding=[1, 0], groups=2, bias=np.arange(-2, 2)
        ),
        lava_dl.conv(lava_dl.even(RNG, 3, 4, 2, 2), (3, 2, 3), dilation=[2, 2]),
        lava_dl.layer("flatten", 18, 1, 1),
        lava_dl.dense(lava_dl.even(RNG, 10, 18), neuron=lava_dl.cuba(vThMant=2**18 - 1)),
    ),
    "channels of their own": (
        lava_dl.layer("input", 1, 3, 4),
        lava_dl.conv(
            lava_dl.even(RNG, 3, 1, 2, 2),
            (3, 2, 3),
            bias=np.arange(18).reshape(3, 2, 3),  # [w, h, c]
            neuron=lava_dl.cuba(iDecay=np.array([500, 2000, 4096]), vDecay=np.array([0, 9, 4096])),
        ),
        lava_dl.layer("flatten", 18, 1, 1),
        lava_dl.dense(lava_dl.even(RNG, 4, 18), neuron=lava_dl.cuba(vThMant=np.arange(4) * 50)),
    ),
    "odd weights": (lava_dl.dense([[-256, 254, 3], [7, 300, -1]]),),
    "weights of one sign": (
        lava_dl.dense([[-128, -3, 0], [-2, -1, -1]], neuron=lava_dl.cuba(vThMant=2**18 - 1)),
    ),
    "weights of powers of two": (
        lava_dl.dense([[-64, -16, 0], [-2, -1, -4]], neuron=lava_dl.cuba(vThMant=2**18 - 1)),
    ),
    "no neurons": (lava_dl.dense(lava_dl.even(RNG, 4, 6), neuron=None),),
}
QUICK = ("delays and recurrence", "convolutions")


@pytest.mark.parametrize(
    "what",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in FILES],
)
def test_an_imported_file_does_what_netx_does_with_it(tmp_path, on_netx, what):
    path = lava_dl.write(tmp_path / "a.net", *FILES[what])
    program = NETX.read(path)
    stimulus = shown(program)
    alike(reference.run(program, stimulus), on_netx(path, program, stimulus))


@pytest.mark.slow
def test_input_neurons_are_driven_by_their_bias(tmp_path, execution):
    """As lava-dl's own examples drive them: a bias is set before every step."""
    from eideploy_targets.lava.start_method import forking
    from lava.lib.dl.netx.hdf5 import Network
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg

    path = lava_dl.write(
        tmp_path / "a.net",
        lava_dl.layer(
            "input",
            2,
            3,
            4,
            weight=np.array([40]),
            bias=np.array([-3]),
            neuron=lava_dl.cuba(iDecay=4096),
        ),
        lava_dl.conv(lava_dl.even(RNG, 3, 2, 2, 2), (3, 2, 3)),
    )
    program = NETX.read(path)
    values = RNG.uniform(0, 1, (1, 9, 2, 3, 4))
    expected = reference.run(program, Stimulus({"input": values}))
    found = []
    with forking():
        network = Network(str(path))
        last = network.layers[-1].neuron
        try:
            for step in range(10):
                bias = np.rint(40 * values[0, min(step, 8)]) - 3
                bias = bias.transpose(2, 1, 0).astype(np.int32)
                if step == 0:
                    network.in_layer.neuron.bias_mant.init = bias
                else:
                    network.in_layer.neuron.bias_mant.set(bias)
                network.run(RunSteps(1), Loihi2SimCfg(select_tag="fixed_pt"))
                found.append((last.u.get().transpose(2, 1, 0), last.v.get().transpose(2, 1, 0)))
        finally:
            network.stop()
    spikes = expected["conv1"].output[0]
    assert spikes.any()
    for t, (u, v) in enumerate(found[1:]):  # a step behind its input
        assert np.array_equal(u, expected["conv1"].state["u"][0, t])
        assert np.array_equal(v, np.where(spikes[t], 0, expected["conv1"].state["v"][0, t]))


@given(netx_programs())
@settings(max_examples=12, deadline=None)
@pytest.mark.slow
def test_random_programs_are_exact(execution, program):
    (source,) = program.sources
    neuron = source.neuron
    levels = np.linspace(float(neuron.minimum), float(neuron.maximum), 1 + max(1, neuron.levels))
    stimulus = Stimulus({source.name: RNG.choice(levels, (2, 6, *source.shape))})
    try:
        found = NETX.run(program, stimulus, Record())
    except UnsupportedError as error:
        event(error.what.split(": ")[1].split(" ")[1])  # a sum or a bias that is too large
        return
    expected = reference.run(program, stimulus)
    assert differing(expected, found) == dict.fromkeys(found.recordings, 0)


def test_graded_inputs_and_relays_go_in_and_out(execution):
    program = Program(
        (
            Population("pixels", (2, 5), Source(minimum=0.0, maximum=1.0, levels=255, scale=255)),
            Population("lif", (3, 4), LIFNeuronFixed(4095, 2048, 7, 6, 9000), offset=1),
            Population("scores", (4,), Relay(shift=2, bias=np.arange(4)), offset=2),
        ),
        (
            Projection("pixels", "lif", Conv2d(lava_dl.even(RNG, 3, 2, 1, 2)), delay=1),
            Projection("lif", "scores", Dense(lava_dl.even(RNG, 4, 12)), delay=1),
        ),
        "integer",
        ("scores",),
    )
    values = RNG.integers(0, 256, (5, 4, 2, 5)) / 255
    stimulus = Stimulus({"pixels": values})
    done = []
    found = Netx(chunk=2).run(program, stimulus, Record(), lambda *of: done.append(of))
    alike(reference.run(program, stimulus), found)
    assert done == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_only_what_is_asked_for_is_recorded(tmp_path, execution):
    program = NETX.read(lava_dl.write(tmp_path / "a.net", *FILES["dense"]))
    stimulus = shown(program)
    found = NETX.run(program, stimulus, Record(("input", "dense1")))
    assert set(found.recordings) == {"input", "dense1"}
    assert found["dense1"].state == {}
    assert found["dense1"].offset == 2
    assert np.array_equal(found["input"].output, stimulus.values["input"])
    expected = reference.run(program, stimulus)
    assert np.array_equal(found["dense1"].output, expected["dense1"].output)


def test_time_limits_hold(tmp_path, execution):
    program = NETX.read(lava_dl.write(tmp_path / "a.net", *FILES["dense"]))
    with pytest.raises(TargetError, match=r"did not finish within 0\.01 s"):
        Netx(timeout=0.01).run(program, shown(program), Record())


def test_a_stimulus_that_does_not_fit_is_refused(tmp_path, execution):
    program = NETX.read(lava_dl.write(tmp_path / "a.net", *FILES["dense"]))
    with pytest.raises(StimulusError, match="expects"):
        NETX.run(program, Stimulus({"input": np.zeros((1, 2, 3))}), Record())


def test_spikes_before_the_sample_that_a_loop_would_carry_are_refused(tmp_path, execution):
    recurrent = FILES["delays and recurrence"][1]
    program = NETX.read(lava_dl.write(tmp_path / "a.net", {**recurrent, "bias": np.full(10, 81)}))
    with pytest.raises(UnsupportedError, match="'dense0': its bias alone makes a neuron spike"):
        NETX.run(program, shown(program), Record())


def test_samples_shorter_than_the_network_is_deep(execution):
    """The first layers are done with the last sample long before the last layer is."""
    neuron = LIFNeuronFixed(4095, 4096, 0, 6, threshold=1)
    names = ("in", "a", "b", "c", "d")
    program = Program(
        (
            Population("in", (3,), Source(levels=1)),
            *(Population(name, (3,), neuron, depth) for depth, name in enumerate(names[1:], 1)),
        ),
        tuple(
            Projection(one, other, Dense(2 * np.eye(3, dtype=np.int64)), delay=1)
            for one, other in pairwise(names)
        ),
        "integer",
        ("d",),
    )
    stimulus = Stimulus({"in": np.array([[[1, 0, 0]], [[0, 1, 1]], [[1, 0, 1]]])})
    alike(NETX.run(program, stimulus, Record()), reference.run(program, stimulus))
