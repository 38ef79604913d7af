"""A small E-I network in floats and in integers, written by hand, and a target for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from eideploy.compile import CompileOptions, Pass
from eideploy.program import (
    Dense,
    EINeuron,
    EINeuronFixed,
    Population,
    Program,
    Projection,
    Recording,
    Relay,
    Source,
    Stimulus,
    Trace,
)
from eideploy.simulate import reference
from eideploy.simulate.record import Progress, Record
from eideploy.targets import Availability
from eideploy.verify import Artifact, Wire

INPUTS, HIDDEN, CLASSES = 12, (20, 14), 3
UNIT = 64  # integer units of a weight per unit of a float weight


@dataclass(frozen=True, eq=False)
class Network:
    """The same network twice, and what is shown to it."""

    floating: Program
    integer: Program
    stimulus: Stimulus


@pytest.fixture(scope="session")
def network() -> Network:
    rng = np.random.default_rng(3)
    sizes = (INPUTS, *HIDDEN)
    balanced = [rng.normal(0.3, 1.0, (n, m)) for m, n in pairwise(sizes)]
    shunt = [rng.uniform(0.0, 0.5, weight.shape) for weight in balanced]
    readout = rng.normal(0.0, 1.0, (CLASSES, HIDDEN[-1]))
    stimulus = Stimulus(
        {"input": rng.integers(0, 2, (10, 9, INPUTS)).astype(float)},
        rng.integers(0, CLASSES, 10),
    )
    return Network(
        _program("float", balanced, shunt, readout),
        _program(
            "integer",
            *([np.rint(w * UNIT).astype(np.int64) for w in each] for each in (balanced, shunt)),
            np.rint(readout * UNIT).astype(np.int64),
        ),
        stimulus,
    )


def _program(arithmetic: Any, balanced: list[Any], shunt: list[Any], readout: Any) -> Program:
    neuron: Any
    if arithmetic == "float":
        neuron = EINeuron(voltage_decay=0.5, gain=0.9, bias=0.05, floor=0.1, threshold=1.0)
    else:
        neuron = EINeuronFixed(
            voltage_decay=2048,
            gain=230,
            bias=205,
            floor=6,
            threshold=4096,
            quotient_shift=12,
            quotient_bits=20,
        )
    names = ("input", "lif1", "lif2")
    sizes = (INPUTS, *HIDDEN)
    populations = [Population("input", (INPUTS,), Source())]
    projections = []
    for depth in (1, 2):
        populations.append(Population(names[depth], (sizes[depth],), neuron, offset=depth))
        for port, weights in (("balanced", balanced), ("shunt", shunt)):
            operator = Dense(weights[depth - 1])
            projections.append(Projection(names[depth - 1], names[depth], operator, port, 1))
    populations.append(Population("readout", (CLASSES,), Relay(), offset=3))
    projections.append(Projection("lif2", "readout", Dense(readout), "input", 1))
    return Program(tuple(populations), tuple(projections), arithmetic, ("readout",))


@dataclass(frozen=True)
class Rewritten:
    """A target that runs another, equal Program on the reference.

    Every projection is split in two, one for every third source and one for the others, and
    everything is listed backwards: integers must come out the same, floats add up in another order.
    """

    name: str = "rewritten"
    arithmetic: str = "integer"
    relation: str = "exact"

    def pipeline(self, options: CompileOptions) -> tuple[Pass, ...]:
        return ()

    def available(self) -> Availability:
        return Availability(True)

    def run(
        self,
        program: Program,
        stimulus: Stimulus,
        record: Record,
        progress: Progress | None = None,
    ) -> Trace:
        halves = []
        for projection in program.projections:
            third = np.arange(projection.operator.weight.shape[1]) % 3 == 0
            for mask in (third, ~third):
                halves.append(
                    replace(projection, operator=Dense(projection.operator.weight * mask))
                )
        rewritten = replace(
            program, populations=program.populations[::-1], projections=tuple(halves[::-1])
        )
        return reference.run(rewritten, stimulus, record, progress)


@pytest.fixture
def rewritten() -> Callable[..., Rewritten]:
    return Rewritten


@pytest.fixture
def hand_made() -> Callable[..., Artifact]:
    """Makes an artifact of 4 samples and 6 steps: lif1 [2, 3], lif2 [5], readout [2], θ = 1.

    Without changes no neuron spikes but the first of each spiking population, in step 1.
    Each call owns its arrays, so that a test can write into them.
    """

    def make(name: str = "before", *, integer: bool = False) -> Artifact:
        dtype = np.int64 if integer else np.float64
        recordings = {}
        for offset, (population, shape) in enumerate((("lif1", (2, 3)), ("lif2", (5,))), start=1):
            v = np.zeros((4, 6, *shape), dtype)
            v.reshape(4, 6, -1)[:, 1, 0] = 3
            recordings[population] = Recording((v > 1).astype(np.uint8), {"v": v}, offset)
        graded = np.tile(np.asarray([2, 7], dtype), (4, 6, 1))
        recordings["readout"] = Recording(graded, {}, 3)
        return Artifact(
            name,
            Trace(recordings),
            {"lif1": np.asarray(1, dtype), "lif2": np.asarray(1, dtype)},
            ("readout",),
            (Wire("lif1", "lif2", 0), Wire("lif2", "readout", 0)),
            seconds=2.0,
        )

    return make
