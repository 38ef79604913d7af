"""Executors, and random Programs that run on all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from eideploy_targets.onnx import Onnx, OnnxFixed
from hypothesis import strategies as st
from numpy.typing import NDArray

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
    planar,
)
from eideploy.simulate import reference, twin
from eideploy.simulate.record import Progress, Record

Execute = Callable[..., Trace]
SHAPES = [(1,), (3,), (8,), (2, 4), (1, 4, 3), (2, 3, 3), (4, 3, 3)]
EXTREMES = [1 - 2**23, -1, 0, 1, 2**23 - 1]


def _onnx(
    program: Program,
    stimulus: Stimulus,
    record: Record | None = None,
    progress: Progress | None = None,
) -> Trace:
    target = Onnx() if program.arithmetic == "float" else OnnxFixed()
    return target.run(program, stimulus, record or Record(), progress)


EXECUTORS: dict[str, Execute] = {"reference": reference.run, "twin": twin.run, "onnx": _onnx}


@pytest.fixture(scope="session", params=EXECUTORS)
def execute(request: pytest.FixtureRequest) -> Execute:
    """An executor; a test that takes it holds for all of them."""
    if request.param == "onnx":
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
    return EXECUTORS[request.param]


@pytest.fixture(scope="session")
def drive(execute: Execute) -> Callable[..., Any]:
    """Feed given values to the ports of one population and return its Recording."""

    def run(neuron: Neuron, **ports: NDArray[Any]) -> Any:
        """Each port gets an array [sample, step, *shape]."""
        arithmetic = "integer" if all(v.dtype.kind in "iu" for v in ports.values()) else "float"
        shape = next(iter(ports.values())).shape[2:]
        largest = max(int(np.abs(values).max()) for values in ports.values()) + 1
        source = Source(minimum=-largest, maximum=largest)
        one = np.array(1 if arithmetic == "integer" else 1.0)
        program = Program(
            (
                Population("it", shape, neuron, offset=1),
                *(Population(port, shape, source) for port in ports),
            ),
            tuple(Projection(port, "it", Identity(one), port, delay=1) for port in ports),
            arithmetic,
            ("it",),
        )
        return execute(program, Stimulus(ports))["it"]

    return run


@dataclass(frozen=True)
class _Draw:
    """Draws the parts of one random Program."""

    draw: st.DrawFn
    arithmetic: str
    rng: np.random.Generator

    @property
    def integer(self) -> bool:
        return self.arithmetic == "integer"

    def one_of(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def numbers(self, low: float, high: float, shape: tuple[int, ...] = ()) -> NDArray[Any]:
        """Evenly distributed in [low, high]."""
        if self.integer:
            return self.rng.integers(int(low), int(high), shape, endpoint=True)
        return self.rng.uniform(low, high, shape)

    def seldom_extreme(self, low: int, high: int, shape: tuple[int, ...]) -> NDArray[Any]:
        """Integers in [low, high], or any that a state of 24 bits can be set to."""
        if self.draw(st.integers(0, 4)):
            return self.numbers(low, high, shape)
        return self.rng.choice(EXTREMES, shape)

    def refractory(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """Steps, often none; integers in either arithmetic."""
        return self.rng.integers(0, self.one_of(0, 0, 1, 4), shape, endpoint=True)

    def source(self) -> Source:
        if self.integer:
            return Source(-1.0, 1.0, scale=self.one_of(1.0, 15.0, 255.0))
        return Source(-1.0, 1.0)

    def neuron(self, shape: tuple[int, ...]) -> Neuron:
        """Any model, with parameters per neuron, that is neither silent nor always firing."""
        reset = self.one_of("value", "subtract")
        if self.integer:
            kind = self.one_of(Relay, LIFNeuronFixed, IntegratorFixed, EINeuronFixed)
            if kind is Relay:
                shift = self.numbers(0, self.one_of(0, 4), shape)
                return Relay(shift, bias=self.one_of(0, self.numbers(-40, 40, shape)))
            decays = [0, 1, 128, 1023, 2048, 4095]
            leaky = {
                "current_decay": self.rng.choice(decays, shape),
                "voltage_decay": self.rng.choice([*decays, 4096], shape),
                "bias_mantissa": self.numbers(-100, 300, shape),
                "bias_exponent": self.numbers(0, 4, shape),
                "current_bias": self.seldom_extreme(-20, 20, shape),
            }
            if kind is IntegratorFixed:
                return IntegratorFixed(
                    **leaky,
                    initial=self.seldom_extreme(-5000, 5000, shape),
                    shift=self.numbers(10, 23, shape),
                )
            if kind is LIFNeuronFixed:
                return LIFNeuronFixed(
                    **leaky,
                    threshold=self.numbers(0, self.one_of(20, 500, 131071), shape),
                    reset=reset,
                    reset_to=self.seldom_extreme(-2000, 1000, shape),
                    refractory=self.refractory(shape),
                )
            return EINeuronFixed(
                voltage_decay=self.rng.choice([*decays, 4096], shape),
                gain=self.numbers(200, 300, shape),
                bias=self.numbers(-200, 400, shape),
                floor=self.numbers(1, 50, shape),
                threshold=self.numbers(0, 4096, shape),
                quotient_shift=self.one_of(12, 0, 7, 16),
                quotient_bits=self.one_of(17, 1, 8, 24),
                reset=reset,
                reset_to=self.seldom_extreme(-2000, 1000, shape),
            )
        kind = self.one_of(Relay, Integrator, LIFNeuron, EINeuron)
        if kind is Relay:
            return Relay(bias=self.numbers(-0.1, 0.1, shape))
        common = {
            "voltage_decay": self.numbers(0, 1, shape),
            "gain": self.numbers(0.5, 2, shape),
            "bias": self.numbers(-0.1, 0.3, shape),
            "initial": self.numbers(-0.1, 0.1, shape),
        }
        if kind in (Integrator, LIFNeuron):
            common |= {
                "current_decay": self.numbers(0, 1, shape),
                "current_bias": self.numbers(-0.1, 0.1, shape),
            }
        if kind is Integrator:
            return Integrator(**common)
        common |= {
            "threshold": self.numbers(0, 1.5, shape),
            "reset": reset,
            "reset_to": self.numbers(0, 0.5, shape),
        }
        if kind is LIFNeuron:
            return LIFNeuron(**common, refractory=self.refractory(shape))
        return EINeuron(floor=self.numbers(0.1, 1, shape), **common)

    def operator(self, source: tuple[int, ...], target: tuple[int, ...]) -> Operator:
        """Any operator that maps one shape to the other."""
        most = self.one_of(20, 1, 255) if self.integer else 1.0
        fitting: dict[type[Operator], bool] = {
            Conv2d: min(len(source), len(target)) > 1,
            Identity: math.prod(source) == math.prod(target),
            Dense: True,
        }
        kind = self.one_of(*(kind for kind, fits in fitting.items() if fits))
        if kind is Dense:
            return Dense(self.numbers(-most / 2, most, (math.prod(target), math.prod(source))))
        if kind is Identity:
            return Identity(self.numbers(-most, most, self.one_of((), (math.prod(source),))))
        return self.convolution(most, planar(source), planar(target))

    def convolution(self, most: float, source: tuple[int, ...], target: tuple[int, ...]) -> Conv2d:
        """A convolution between two shapes, found by choosing the kernel last."""
        groups = self.draw(st.integers(1, 2)) if source[0] % 2 == target[0] % 2 == 0 else 1
        geometry = []
        for before, after in zip(source[1:], target[1:], strict=True):
            stride = self.draw(st.integers(1, 2))
            padding = max(0, stride * (after - 1) + 1 - before) + self.draw(st.integers(0, 2))
            reach = before + 2 * padding - stride * (after - 1)  # (kernel − 1)·dilation + 1
            dilation = self.one_of(*(d for d in (1, 2, 3) if (reach - 1) % d == 0))
            geometry.append((stride, padding, dilation, (reach - 1) // dilation + 1))
        stride, padding, dilation, kernel = zip(*geometry, strict=True)
        weight = self.numbers(-most / 2, most, (target[0], source[0] // groups, *kernel))
        return Conv2d(weight, stride, padding, dilation, groups)

    def projection(self, source: Population, target: Population, stride: int) -> Projection:
        """A projection that arrives when it is due or a few logical steps later."""
        due = target.offset - source.offset
        late = self.draw(st.integers(0, 2)) + (0 if due > 0 else -(-(1 - due) // stride))
        return Projection(
            source.name,
            target.name,
            self.operator(source.shape, target.shape),
            self.one_of(*target.neuron.ports),
            due + late * stride,
            self.draw(st.integers(-3, 3)) if self.integer else 0,
        )


@st.composite
def _programs(draw: st.DrawFn, arithmetic: str) -> Program:
    """Any populations, and any projections between them: chains, fan-in, skips and loops.

    Graded values go forward only: in a loop of graded populations they grow without bound.
    """
    parts = _Draw(draw, arithmetic, np.random.default_rng(draw(st.integers(0, 2**32 - 1))))
    inputs, stride = draw(st.integers(1, 2)), draw(st.sampled_from([1, 1, 2, 3]))
    populations = []
    for index in range(inputs + draw(st.integers(1, 5))):
        shape = parts.one_of(*SHAPES)
        neuron = parts.source() if index < inputs else parts.neuron(shape)
        populations.append(Population(f"p{index}", shape, neuron, draw(st.integers(0, 3))))
    projections = []
    for index, target in enumerate(populations[inputs:], inputs):
        allowed = [p for i, p in enumerate(populations) if i < index or p.neuron.spiking]
        feeding = draw(st.lists(st.sampled_from(allowed), min_size=1, max_size=3))
        projections += [parts.projection(source, target, stride) for source in feeding]
    order = draw(st.permutations(populations))
    outputs = (order[0].name,)
    return Program(tuple(order), tuple(projections), arithmetic, outputs, stride=stride)


@pytest.fixture(scope="session")
def programs() -> Callable[[str], st.SearchStrategy[Program]]:
    """Strategy of random Programs of an arithmetic."""
    return _programs


@st.composite
def _stimuli(draw: st.DrawFn, program: Program) -> Stimulus:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    samples, steps = draw(st.integers(1, 4)), draw(st.integers(1, 8))
    values: Mapping[str, NDArray[Any]] = {
        p.name: rng.uniform(-1, 1, (samples, steps, *p.shape)) for p in program.sources
    }
    return Stimulus(values)


@pytest.fixture(scope="session")
def stimuli() -> Callable[[Program], st.SearchStrategy[Stimulus]]:
    """Strategy of stimuli for a Program."""
    return _stimuli
