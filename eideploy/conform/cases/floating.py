"""Float neurons: each in exact arithmetic, state included."""

from __future__ import annotations

from collections.abc import Iterator

from eideploy.conform.case import Case
from eideploy.conform.cases.build_floating import alike, circuit, divided, integrator, lif

ULP = 2.0**-52
"""From 1 to the next float64."""

DRIVE = [1.0, 0.5, 0.0, -0.25, 0.75, 1.5, 0.0, 0.0, 2.0, -1.0]


def cases() -> Iterator[Case]:
    """Spiking neurons, integrators, neurons that divide."""
    yield from _tests()
    yield from _membranes()
    yield from _resets()
    yield from _samples()
    yield from _integrators()
    yield from _circuits()


def _tests() -> Iterator[Case]:
    yield alike(
        "test-strict",
        "v = θ is no spike; the next float64 above θ is one.",
        lif(threshold=[1.0, 1.0 - ULP / 2, 1.0 + ULP], voltage_decay=1.0),
        [1.0, 1.0 + ULP, 1.0 + 2 * ULP, 1.0 - ULP / 2],
    )
    yield alike(
        "double-precision",
        "One part in 2^40 decides, which a float of 32 bits does not hold.",
        lif(threshold=[1.0, 4.0], voltage_decay=0.0),
        [1.0, 0.0, 2.0**-40, 3.0, 2.0**-40, 0.0],
    )
    yield alike(
        "far-from-one",
        "Potentials may be as large as 2^50, and small inputs still count.",
        lif(threshold=2.0**50, gain=2.0**49),
        [1.0, 1.0, 2.0**-49, 1.0, 1.0, -(2.0**-49), 1.0],
    )
    yield alike(
        "threshold-negative",
        "A threshold below 0 is exceeded at rest.",
        lif(threshold=[-0.5, -2.0], voltage_decay=0.5),
        [0.0, -0.5, -1.0, -4.0, 0.0, 0.0],
    )


def _membranes() -> Iterator[Case]:
    yield alike(
        "leak",
        "v keeps 1 − voltage_decay in each step, of either sign.",
        lif(voltage_decay=[0.0, 0.25, 0.5, 1.0], threshold=1.75),
        DRIVE,
    )
    yield alike(
        "current",
        "u keeps 1 − current_decay in each step, and drives v in the same step.",
        lif(current_decay=[0.0, 0.25, 0.5, 1.0], voltage_decay=0.5, threshold=2.25),
        DRIVE,
    )
    yield alike(
        "gain",
        "The gain multiplies the input, and may be 0 or negative.",
        lif(gain=[0.0, 0.5, 2.0, -1.0], voltage_decay=0.5, current_decay=0.5),
        DRIVE,
    )
    yield alike(
        "bias",
        "The bias is added to v in every step from the first one on.",
        lif(bias=[0.25, -0.25, 1.5], voltage_decay=0.5),
        [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
    )
    yield alike(
        "bias-of-the-current",
        "The bias of the current is added to u in every step, and no gain multiplies it.",
        lif(current_bias=[0.25, -0.25], current_decay=0.5, gain=[4.0, 2.0], threshold=3.0),
        [0.0, 0.0, 1.0, 0.0, 0.0, -1.0, 0.0],
    )
    yield alike(
        "initial",
        "v starts each sample at its own value, leaks from there before the first test, u from 0.",
        lif(initial=[1.5, 2.5, -1.0, 1.0], voltage_decay=0.5, current_decay=0.5),
        [0.0, 0.0, 1.0, 0.0],
        [1.0, 0.0, 0.0, 0.0],
    )


def _resets() -> Iterator[Case]:
    yield alike(
        "reset-to-a-value",
        "A spike sets v to reset_to, of either sign, whatever it was.",
        lif(reset_to=[0.0, 0.5, -0.75], voltage_decay=0.25),
        DRIVE,
    )
    yield alike(
        "reset-by-subtraction",
        "A soft reset subtracts once and keeps the rest.",
        lif(reset="subtract", reset_to=1.0, voltage_decay=[0.0, 0.5]),
        [3.5, 0.0, 0.0, 0.0, 1.0, 0.25, 0.0],
    )
    yield alike(
        "reset-by-another-amount",
        "In a float Program a soft reset subtracts reset_to, which need not be the threshold.",
        lif(reset="subtract", reset_to=[0.5, 2.0], threshold=1.0),
        [1.25, 0.0, 1.0, 2.0, 0.0, 0.0],
    )
    yield alike(
        "reset-keeps-the-current",
        "A spike resets v and not u, which drives on.",
        lif(current_decay=0.25, reset_to=[0.0, -0.5]),
        [1.25, 0.0, 0.0, 0.0, 0.0, 0.0],
    )
    yield alike(
        "refractory",
        "After a spike v is held for so many steps, deaf to input and bias, while u goes on.",
        lif(refractory=[0, 1, 3], current_decay=0.5, bias=0.125, reset_to=0.25),
        [1.0, 1.0, 0.5, 1.0, 0.0, 0.25, 1.0, 1.0, 0.0, 0.0],
        [1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0],
    )
    yield alike(
        "refractory-after-a-soft-reset",
        "What a soft reset leaves is held, above the threshold too, and tested afterwards.",
        lif(refractory=[1, 2], reset="subtract", reset_to=1.0, voltage_decay=0.25),
        [4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    )


def _samples() -> Iterator[Case]:
    neuron = lif(voltage_decay=[0.25, 0.0], current_decay=0.5, threshold=2.5, initial=0.5)
    samples = ([1.0, 0.0, 0.5, 0.25], [0.5, 0.5, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0])
    yield alike(
        "sample-starts-anew",
        "At the start of every sample u is 0 and v is where it starts.",
        neuron,
        *samples,
    )
    yield alike(
        "state-carried-over",
        "Without a reset phase u and v go on from sample to sample.",
        neuron,
        *samples,
        reset_phase=None,
    )
    yield alike(
        "reset-late-in-a-sample",
        "A reset phase of 2 sets the state back before the third step of every sample.",
        neuron,
        *samples,
        reset_phase=2,
    )


def _integrators() -> Iterator[Case]:
    yield alike(
        "integrator",
        "An integrator emits v of this step and never resets.",
        integrator(voltage_decay=[0.0, 0.25, 0.5, 1.0]),
        DRIVE,
    )
    yield alike(
        "integrator-with-current",
        "An integrator filters its input as a neuron does, biases too.",
        integrator(
            current_decay=[0.0, 0.25, 0.5],
            voltage_decay=0.25,
            gain=[1.0, 2.0, -1.0],
            bias=0.125,
            current_bias=[0.0, 0.25, -0.5],
        ),
        DRIVE[:6],
    )
    yield alike(
        "integrator-initial",
        "An integrator starts each sample at its own value.",
        integrator(initial=[2.0, -1.0], voltage_decay=0.5),
        [0.0, 1.0, 0.0],
        [0.0, 0.0, 0.0],
    )


def _circuits() -> Iterator[Case]:
    yield divided(
        "quotient",
        "The current is B / S.",
        circuit(),
        [(3.0, 4.0), (-3.0, 4.0), (6.0, 1.5), (7.0, 0.5), (0.0, 2.0)],
    )
    yield divided(
        "quotient-floor",
        "The divisor is the larger of S and the floor: below, equal, above, and a negative S.",
        circuit(floor=0.5),
        [(3.0, 0.25), (3.0, 0.5), (3.0, 1.0), (3.0, 0.0), (-3.0, -4.0)],
    )
    yield divided(
        "quotient-both-zero",
        "Without any input the current is 0, and bias and leak act as in any other step.",
        circuit(bias=[0.5, -0.5], voltage_decay=0.5),
        *[[(0.0, 0.0), (0.0, 0.0)]] * 4,
    )
    yield divided(
        "quotient-gain",
        "The gain multiplies the quotient, and not the bias; it may be 0.",
        circuit(gain=[0.0, 0.5, 2.0], bias=0.125),
        [(3.0, 4.0), (3.0, 4.0), (3.0, 4.0)],
        [(-3.0, 4.0), (-3.0, 4.0), (-3.0, 4.0)],
    )
    yield divided(
        "quotient-leak",
        "v of an E-I neuron leaks, starts at its own value, and adds its quotients up.",
        circuit(voltage_decay=[0.0, 0.25, 0.5], initial=[0.5, -0.5, 1.5], threshold=1.625),
        *[[(1.0, 2.0), (1.0, 1.0), (3.0, 4.0)]] * 4,
        *[[(0.0, 2.0), (-1.0, 1.0), (0.0, 0.0)]] * 2,
    )
    yield divided(
        "quotient-test-strict",
        "A quotient equal to θ is no spike.",
        circuit(threshold=[1.0, 1.0 - ULP / 2]),
        [(3.0, 3.0), (3.0, 3.0)],
        [(4.0, 3.5 + 0.5), (5.0, 4.0)],
    )
    for kind, amount in (("value", -0.5), ("subtract", 0.75)):
        yield divided(
            f"quotient-reset-{kind}",
            "An E-I neuron resets as any other, to a value or by an amount.",
            circuit(voltage_decay=0.25, reset=kind, reset_to=amount),
            *[[(1.0, 2.0), (1.0, 0.5), (3.0, 4.0)]] * 5,
        )
