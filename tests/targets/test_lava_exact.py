"""Lava against the reference: every output and every state variable of every population.

By both executors, which must not differ in a bit, and with both kinds of convolution.

The Programs are random and mostly misaligned: delays, offsets and reset phases are drawn freely,
loops included, because a Program that was changed must run as hardware would run it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from eideploy_targets.lava import LavaFixed, LavaFloat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eideploy.compile import CompileOptions, run_passes
from eideploy.program import (
    Conv2d,
    Dense,
    EINeuron,
    EINeuronFixed,
    Identity,
    Integrator,
    IntegratorFixed,
    LIFNeuron,
    LIFNeuronFixed,
    Neuron,
    Operator,
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

pytestmark = pytest.mark.lava
pytest.importorskip("lava")

SHAPES = [(1,), (5,), (2, 7), (2, 3, 4), (3, 4, 2)]
CONVOLUTIONS: list[dict[str, Any]] = [
    {"kernel": (2, 3), "padding": (0, 1)},
    {"kernel": (3, 2), "padding": (2, 1), "stride": (2, 1)},
    {"kernel": (2, 1), "padding": (1, 0), "dilation": (2, 1), "stride": (1, 2)},
    {"kernel": (1, 1)},
]
SIGNS = ("mixed", "mixed", "excitatory", "excitatory", "inhibitory")


class Draw:
    """Random parts of a Program in one arithmetic."""

    def __init__(self, rng: np.random.Generator, arithmetic: str) -> None:
        self.rng = rng
        self.integer = arithmetic == "integer"

    def one_of(self, choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def neuron(self, shape: tuple[int, ...]) -> Neuron:
        rng, reset = self.rng, self.one_of(["value", "subtract"])
        if self.integer:
            kind = rng.random()
            if kind < 0.4:
                return EINeuronFixed(
                    voltage_decay=rng.integers(0, 4097, shape),
                    gain=rng.integers(1, 600, shape),
                    bias=rng.integers(-300, 300, shape),
                    floor=rng.integers(1, 50, shape),
                    threshold=int(rng.integers(50, 2000)),
                    quotient_shift=int(rng.integers(4, 14)),
                    quotient_bits=int(rng.integers(8, 18)),
                    reset=reset,
                    reset_to=rng.integers(-900, 40, shape),
                )
            leak = {
                "current_decay": rng.integers(0, 4096, shape),
                "voltage_decay": rng.integers(0, 4097, shape),
                "bias_mantissa": rng.integers(-4096, 4096, shape),
                "bias_exponent": int(rng.integers(0, 5)),
                "current_bias": rng.integers(-200, 200, shape),
            }
            if kind < 0.55:
                initial = rng.integers(-(2**20), 2**20, shape)
                return IntegratorFixed(**leak, initial=initial, shift=rng.integers(16, 20, shape))
            reset_to = rng.integers(-9000, 9000, shape)
            threshold = rng.integers(0, 800, shape)
            return LIFNeuronFixed(
                **leak,
                threshold=threshold,
                reset=reset,
                reset_to=reset_to,
                refractory=self.refractory(shape),
            )
        common = {
            "voltage_decay": rng.uniform(0, 1, shape),
            "gain": rng.uniform(0, 2, shape),
            "bias": rng.normal(0, 0.3, shape),
            "initial": rng.normal(0, 0.3),
        }
        current = {
            "current_decay": rng.uniform(0.2, 1, shape),
            "current_bias": rng.normal(0, 0.1, shape),
        }
        if rng.random() < 0.25:
            return Integrator(**current, **common)
        common |= {"threshold": rng.uniform(0.1, 1.5), "reset": reset, "reset_to": rng.random()}
        if rng.random() < 0.5:
            return EINeuron(floor=rng.uniform(0.01, 1, shape), **common)
        return LIFNeuron(**current, **common, refractory=self.refractory(shape))

    def refractory(self, shape: tuple[int, ...]) -> Any:
        return self.rng.integers(0, self.one_of([1, 2, 4]), shape)

    def weight(self, shape: tuple[int, ...], sign: str) -> Any:
        if self.integer:
            drawn = self.rng.integers(0, 256, shape)
            mixed = 2 * self.rng.integers(-128, 128, shape)
        else:
            drawn, mixed = self.rng.random(shape), self.rng.normal(size=shape)
        return {"mixed": mixed, "excitatory": drawn, "inhibitory": -drawn}[sign]

    def operator(self, source: Population, shape: tuple[int, ...], sign: str) -> Operator:
        if source.size == np.prod(shape) and self.rng.random() < 0.4:
            return Identity(self.weight(self.one_of([(), (source.size,)]), sign))
        return Dense(self.weight((int(np.prod(shape)), source.size), sign))

    def convolution(self, source: Population, sign: str) -> Conv2d:
        groups = source.shape[0] if self.rng.random() < 0.3 else 1
        out = groups * int(self.rng.integers(1, 4))
        geometry = dict(self.one_of(CONVOLUTIONS))
        kernel = geometry.pop("kernel")
        weight = self.weight((out, source.shape[0] // groups, *kernel), sign)
        operator = Conv2d(weight, groups=groups, **geometry)
        fits = min(operator.output_shape(source.shape)) > 0
        return operator if fits else Conv2d(weight[..., :1, :1], groups=groups)

    def projection(
        self, source: Population, name: str, port: str, operator: Operator, sign: Any
    ) -> Projection:
        exponent = int(self.rng.integers(-3, 4)) if self.integer else 0
        delay = int(self.rng.integers(1, 5))
        return Projection(source.name, name, operator, port, delay, exponent, sign)

    def program(self) -> Program:
        rng = self.rng
        scale = 255.0 if self.integer else 1.0
        populations = [Population("source", self.one_of(SHAPES), Source(scale=scale), offset=1)]
        projections = []
        for index in range(int(rng.integers(2, 5))):
            name, sign = f"p{index}", self.one_of(SIGNS)
            source = self.one_of(populations)
            if len(source.shape) > 1 and rng.random() < 0.6:
                operator: Operator = self.convolution(source, sign)
                assert isinstance(operator, Conv2d)
                shape = operator.output_shape(source.shape)
                if len(source.shape) == 2 and shape[1] == 1:
                    shape = (shape[0], shape[2])
            else:
                shape = self.one_of(SHAPES)
                operator = self.operator(source, shape, sign)
            # A relay passes on what is not yet shifted by much; after another it would grow.
            graded = isinstance(source.neuron, Relay)
            relay = (
                Relay(rng.integers(14, 18, shape), bias=rng.integers(-(2**17), 2**17, shape))
                if self.integer
                else Relay(bias=rng.normal(0, 0.3, shape))
            )
            neuron = relay if rng.random() < 0.3 and not graded else self.neuron(shape)
            population = Population(
                name,
                shape,
                neuron,
                offset=int(rng.integers(0, 5)),
                reset_phase=self.one_of([0, 0, 1, None]),
            )
            populations.append(population)
            port = self.one_of(neuron.ports)
            projections.append(self.projection(source, name, port, operator, sign))
        for target in populations:
            # More fan-in, from anywhere: loops too, but not of graded values, which could grow.
            graded = isinstance(target.neuron, (Relay, IntegratorFixed))
            for port in () if graded else target.neuron.ports:
                source, sign = self.one_of(populations), self.one_of(SIGNS)
                grows = isinstance(source.neuron, (Integrator, IntegratorFixed))
                if rng.random() < 0.6 and not grows:
                    operator = self.operator(source, target.shape, sign)
                    projections.append(self.projection(source, target.name, port, operator, sign))
        names = tuple(p.name for p in populations)
        arithmetic: Any = "integer" if self.integer else "float"
        stride = self.one_of([1, 1, 2, 3])
        return Program(tuple(populations), tuple(projections), arithmetic, names, stride=stride)

    def synapses(self, program: Program) -> str:
        """Lava's Conv now and then, where it has the exponents."""
        convolutions = [p for p in program.projections if isinstance(p.operator, Conv2d)]
        stock = all(projection.exponent >= 0 for projection in convolutions)
        return self.one_of(["own", "stock"]) if stock else "own"

    def stimulus(self, program: Program) -> Stimulus:
        samples, steps = int(self.rng.integers(1, 5)), int(self.rng.integers(2, 6))
        values = self.rng.integers(0, 256, (samples, steps, *program.sources[0].shape)) / 255
        return Stimulus({"source": values})


def assert_equal(expected: Trace, got: Trace, tolerance: float) -> None:
    assert expected.recordings.keys() == got.recordings.keys()
    for name, recording in expected.recordings.items():
        other = got[name]
        assert (other.offset, other.output.dtype) == (recording.offset, recording.output.dtype)
        assert recording.state.keys() == other.state.keys()
        pairs = {"output": (recording.output, other.output)} | {
            key: (recording.state[key], other.state[key]) for key in recording.state
        }
        for key, (a, b) in pairs.items():
            exact = tolerance == 0 or a.dtype == np.uint8
            same = a == b if exact else np.isclose(a, b, rtol=tolerance, atol=tolerance)
            assert np.all(same), f"{name} {key}: {np.argwhere(~same)[:3].tolist()}"


slow_example = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
EXECUTORS = ("runtime", "inprocess")
both_executors = pytest.mark.parametrize("executor", EXECUTORS)


def same_by_both(target: LavaFixed | LavaFloat, program: Program, stimulus: Stimulus) -> Trace:
    """What both executors record of all populations, which is the same."""
    record = Record(populations=tuple(program.by_name))
    runtime, inprocess = (
        replace(target, executor=executor).run(program, stimulus, record) for executor in EXECUTORS
    )
    assert_equal(runtime, inprocess, tolerance=0)
    return inprocess


def of(program: Program, name: str, **changes: Any) -> Program:
    """The same Program with one population changed."""
    return program.replace_population(replace(program.by_name[name], **changes))


@slow_example
@given(seed=st.integers(0, 2**32 - 1))
def test_random_integer_programs_run_bit_for_bit(seed: int) -> None:
    draw = Draw(np.random.default_rng(seed), "integer")
    program = draw.program()
    stimulus = draw.stimulus(program)
    expected = reference.run(program, stimulus, Record(populations=tuple(program.by_name)))
    target = LavaFixed(timeout=60, synapses=draw.synapses(program))
    assert_equal(expected, same_by_both(target, program, stimulus), tolerance=0)


@slow_example
@given(seed=st.integers(0, 2**32 - 1))
def test_random_float_programs_run_spike_for_spike(seed: int) -> None:
    draw = Draw(np.random.default_rng(seed), "float")
    program = draw.program()
    stimulus = draw.stimulus(program)
    expected = reference.run(program, stimulus, Record(populations=tuple(program.by_name)))
    target = LavaFloat(timeout=60, synapses=draw.synapses(program))
    assert_equal(expected, same_by_both(target, program, stimulus), tolerance=1e-9)


@pytest.mark.parametrize("mapping", ["fused", "explicit"])
@pytest.mark.parametrize("geometry", ["dense", "conv"])
@pytest.mark.parametrize("reset", ["value", "subtract"])
def test_compiled_circuits_run_bit_for_bit(
    mapping: Any, geometry: str, reset: str, request: pytest.FixtureRequest, frames: Any
) -> None:
    graph = request.getfixturevalue(f"{geometry}_graph")(reset=reset)
    stimulus = Stimulus({"input": frames((12,) if geometry == "dense" else (2, 7, 6))})
    options = CompileOptions(mapping=mapping)
    for target, tolerance in ((LavaFixed(timeout=60), 0.0), (LavaFloat(timeout=60), 1e-9)):
        program = run_passes(target.pipeline(options), graph)
        expected = reference.run(program, stimulus, Record(populations=tuple(program.by_name)))
        assert 0.02 < expected["lif2"].output.mean() < 0.98
        assert_equal(expected, same_by_both(target, program, stimulus), tolerance)


@both_executors
@pytest.mark.parametrize("phase", [0, 1, None])
def test_chunks_do_not_show(
    phase: int | None, executor: str, program: Program, stimulus: Stimulus
) -> None:
    """With a late reset state is carried over, and the run is not cut."""
    program = of(program, "hidden", reset_phase=phase)
    calls: list[tuple[int, int]] = []
    trace = LavaFixed(chunk=5, executor=executor).run(
        program, stimulus, Record(), lambda done, total: calls.append((done, total))
    )
    assert_equal(reference.run(program, stimulus), trace, tolerance=0)
    assert calls[-1] == (12, 12)
    assert calls == sorted(set(calls))
    if phase == 0:
        assert {(5, 12), (10, 12)} <= set(calls)


def test_large_samples_make_small_chunks(
    program: Program, stimulus: Stimulus, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = LavaFixed(executor="runtime").run(program, stimulus, Record())
    from eideploy_targets.lava import execution

    monkeypatch.setattr(execution, "CHUNK_BYTES", 4 * 3 * 6 * 8)
    done: list[int] = []
    trace = LavaFixed(executor="runtime").run(
        program, stimulus, Record(), lambda count, total: done.append(count)
    )
    assert_equal(expected, trace, tolerance=0)
    assert {4, 8, 12} <= set(done)


@both_executors
def test_an_early_arrival_does_not_show_chunks(
    executor: str, program: Program, stimulus: Stimulus
) -> None:
    """What arrives a step early comes from the next sample, so the run is not cut."""
    program = of(of(program, "hidden", offset=2), "out", offset=3)
    assert min(program.lag(projection) for projection in program.projections) < 0
    trace = LavaFixed(chunk=5, executor=executor).run(program, stimulus, Record())
    assert_equal(reference.run(program, stimulus), trace, tolerance=0)


@both_executors
@pytest.mark.parametrize(
    "record",
    [
        Record(populations=("out",), state=False),
        Record(populations=("input", "hidden")),
        Record(populations=()),
    ],
)
def test_only_what_is_asked_for_is_recorded(
    record: Record, executor: str, program: Program, stimulus: Stimulus
) -> None:
    trace = LavaFixed(executor=executor).run(program, stimulus, record)
    assert_equal(reference.run(program, stimulus, record), trace, tolerance=0)


def test_a_network_in_several_parts_runs_whole(program: Program, stimulus: Stimulus) -> None:
    """Lava compiles only what is connected."""
    alone = Population("alone", (2,), LIFNeuronFixed(4095, 100, 700, 0, 40), offset=2)
    other = Population("other", (3,), LIFNeuronFixed(4095, 100, 0, 0, 10), offset=1)
    program = replace(
        program,
        populations=(*program.populations, alone, other, Population("unheard", (1,), Source())),
        projections=(
            *(p for p in program.projections if p.source != "hidden"),
            Projection("input", "other", Identity(np.array(16)), delay=1),
        ),
    )
    silent = np.zeros((12, 5, 1))
    stimulus = Stimulus({**stimulus.values, "unheard": silent})
    expected = reference.run(program, stimulus, Record(populations=tuple(program.by_name)))
    assert expected["alone"].output.any()
    assert_equal(expected, same_by_both(LavaFixed(), program, stimulus), tolerance=0)
