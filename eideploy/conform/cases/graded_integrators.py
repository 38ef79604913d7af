"""Integrators in integers: neurons that emit their potential."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import integrator, matrix, show
from eideploy.conform.cases.graded import driven


def cases() -> Iterator[Case]:
    """Leak, current, rounding, start, biases and clip."""
    drive = [3, -7, 0, 0, 5, 1, -1, 0]
    yield _integrated(
        "integrator-emits-v",
        "An integrator without a shift emits its potential of this step.",
        {"voltage_decay": [0, 512, 2048, 4096]},
        drive,
    )
    yield _integrated(
        "integrator-never-spikes",
        "An integrator has no threshold: its potential grows far beyond any.",
        {"voltage_decay": [0, 1]},
        [4000] * 8,
    )
    yield _integrated(
        "integrator-with-current",
        "An integrator has a current that decays, with the same registers as a LIF.",
        {"current_decay": [0, 1023, 2047, 4095], "voltage_decay": 1000},
        [60, 0, 0, -45, 0, 0, 0],
    )
    yield _integrated(
        "integrator-halves-up",
        "An integrator emits v without its low bits, halves rounded up, of either sign.",
        {"voltage_decay": 4096, "shift": [7, 8, 9]},
        [1, -1, 2, -2, 3, -3, 5, -5, 6, -6],
    )
    yield _integrated(
        "integrator-shift-of-each-neuron",
        "The shift rounds what is emitted and leaves the potential as it is.",
        {"voltage_decay": 0, "shift": [0, 3, 6, 7, 12, 23]},
        [1000, 1000, -3500, 7, 0, 60000, 0],
    )
    yield _integrated(
        "integrator-initial",
        "An integrator starts each sample at its own potential, and decays from there.",
        {"voltage_decay": [0, 1024, 4096], "initial": [-1001, 1001, 77]},
        [0, 0, 1, 0],
        [1, 0, 0, 0],
    )
    yield _integrated(
        "integrator-biases",
        "The bias acts on v, shifted by its exponent; the bias of the current before its shift.",
        {
            "current_decay": 2047,
            "voltage_decay": 256,
            "bias_mantissa": [5, -5, 0, 4095],
            "bias_exponent": [0, 3, 0, 7],
            "current_bias": [0, 0, -3, 100],
        },
        [0, 0, 1, 0, 0, -1, 0],
    )
    yield _integrated(
        "integrator-clips",
        "The potential of an integrator clips at ±(2^23 − 1), and so does what it emits.",
        {"voltage_decay": 0, "shift": [0, 1]},
        [100000, 31000, 71, 1, -60000, -100000, -131071, -1],
    )


def _integrated(name: str, claim: str, changes: dict[str, Any], *samples: Sequence[int]) -> Case:
    """Integrators with parameters of their own that all see the same."""
    neuron = integrator(**changes)
    n = max(np.size(value) for value in changes.values())
    program = driven(neuron, 1, matrix([[1]] * n), n, sign="excitatory")
    return Case(f"graded/{name}", claim, program, show(*samples))
