"""A small integer network for tests of how Lava is run."""

from __future__ import annotations

import numpy as np
import pytest

from eideploy.program import (
    Dense,
    EINeuronFixed,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Source,
    Stimulus,
)


@pytest.fixture
def program() -> Program:
    """3 inputs → 4 E-I neurons → 2 LIF neurons, and a loop from these to themselves."""
    rng = np.random.default_rng(0)
    hidden = EINeuronFixed(
        voltage_decay=2048,
        gain=256,
        bias=0,
        floor=64,
        threshold=4096,
        quotient_shift=12,
        quotient_bits=17,
    )
    out = LIFNeuronFixed(4095, 1024, 0, 0, threshold=20)
    return Program(
        (
            Population("input", (3,), Source(scale=16.0)),
            Population("hidden", (4,), hidden, offset=1),
            Population("out", (2,), out, offset=2),
        ),
        (
            Projection("input", "hidden", Dense(2 * rng.integers(-9, 40, (4, 3))), "balanced", 1),
            Projection(
                "input",
                "hidden",
                Dense(rng.integers(0, 30, (4, 3))),
                "shunt",
                1,
                sign="excitatory",
            ),
            Projection("hidden", "out", Dense(2 * rng.integers(-9, 20, (2, 4))), delay=1),
            Projection("out", "out", Dense(2 * rng.integers(-9, 9, (2, 2))), delay=1),
        ),
        "integer",
        ("out",),
    )


@pytest.fixture
def stimulus() -> Stimulus:
    """12 samples of 5 steps."""
    return Stimulus({"input": np.random.default_rng(1).integers(0, 17, (12, 5, 3)) / 16})
