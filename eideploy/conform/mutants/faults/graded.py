"""Graded values: inputs, relays, payloads, integrators."""

from __future__ import annotations

from eideploy.conform.mutants.edit import Edit
from eideploy.conform.mutants.faults.changes import of_neuron_0, parameter
from eideploy.conform.mutants.mutant import Mutant
from eideploy.program import IntegratorFixed, Relay

_HALF = "tensor((1 << bits) >> 1)"
_ROUNDED = "floor_division(x + half, unit)"
_EMITTED = "emitted.to(self.dtype)"
_ENCODED = "values = encode(program, stimulus.take(chunk))"
_SCALED = "x * program.by_name[name].neuron.scale"


def _payload(limited: str) -> tuple[Edit, ...]:
    """What a message carries, limited in some way."""
    return (Edit("synapses", _EMITTED, f"{_EMITTED}{limited}"),)


def _encoded(value: str) -> tuple[Edit, ...]:
    """Another integer for the value x of a stimulus."""
    return (
        Edit(
            "executor",
            _ENCODED,
            f"values = {{name: ({value}).astype(np.int64) "
            "for name, x in stimulus.take(chunk).values.items()}",
        ),
    )


RELAYS = (
    Mutant(
        "mutant-relay-floor",
        "graded",
        "A relay drops its low bits, without rounding.",
        (Edit("fixed", _HALF, "tensor(0 * bits)"),),
    ),
    Mutant(
        "mutant-relay-toward-zero",
        "graded",
        "A relay rounds the magnitude of what it emits to the nearest, halves away from zero.",
        (Edit("fixed", _ROUNDED, "x.sign() * floor_division(x.abs() + half, unit)"),),
    ),
    Mutant(
        "mutant-relay-halves-to-even",
        "graded",
        "A relay rounds halves to the even neighbour.",
        (Edit("fixed", _ROUNDED, "torch.round(x / unit)"),),
    ),
    Mutant(
        "mutant-relay-shift-ignored",
        "graded",
        "The shift of a relay is ignored.",
        change=parameter("shift", lambda shift: 0 * shift, of=Relay),
    ),
    Mutant(
        "mutant-relay-shift-of-neuron-0",
        "graded",
        "The shift of relays is read once for a population: all have that of the first.",
        change=of_neuron_0("shift"),
    ),
    Mutant(
        "mutant-relay-bias-ignored",
        "graded",
        "The bias of a relay is ignored.",
        change=parameter("bias", lambda bias: 0 * bias, of=Relay),
    ),
    Mutant(
        "mutant-relay-bias-after-shift",
        "graded",
        "The bias of a relay is added after the shift.",
        (
            Edit(
                "fixed",
                'rounded(ports["input"] + bias)',
                'rounded(ports["input"]) + bias',
            ),
        ),
    ),
    Mutant(
        "mutant-relay-not-negative",
        "graded",
        "A relay emits nothing where its sum is negative, like a rectifier.",
        (Edit("fixed", 'rounded(ports["input"] + bias)', 'rounded(ports["input"] + bias).relu()'),),
    ),
)

PAYLOADS = (
    Mutant(
        "mutant-payload-8-bits",
        "graded",
        "Payloads are clipped to 8 bits with a sign.",
        _payload(".clamp(-128, 127)"),
    ),
    Mutant(
        "mutant-payload-16-bits",
        "graded",
        "Payloads are clipped to 16 bits with a sign.",
        _payload(".clamp(-(2**15), 2**15 - 1)"),
    ),
    Mutant(
        "mutant-payload-byte-wraps",
        "graded",
        "Payloads are sent in an unsigned byte.",
        _payload(".remainder(256)"),
    ),
    Mutant(
        "mutant-payload-is-a-spike",
        "graded",
        "A graded payload is taken for a spike: whatever it is, it counts as 1.",
        _payload(".ne(0).to(self.dtype)"),
    ),
    Mutant(
        "mutant-payload-saturates-at-1",
        "graded",
        "Payloads above 1 count as 1.",
        _payload(".clamp(max=1)"),
    ),
    Mutant(
        "mutant-payload-sign-lost",
        "graded",
        "Payloads are sent without their sign.",
        _payload(".abs()"),
    ),
)

INPUTS = (
    Mutant(
        "mutant-input-halves-up",
        "graded",
        "Inputs are rounded to the nearest integer with halves up, not to the even one.",
        _encoded(f"np.floor({_SCALED} + 0.5)"),
    ),
    Mutant(
        "mutant-input-truncated",
        "graded",
        "Inputs are truncated to integers instead of rounded.",
        _encoded(f"np.fix({_SCALED})"),
    ),
    Mutant(
        "mutant-input-scale-ignored",
        "graded",
        "The scale of an input is ignored.",
        _encoded("np.rint(x)"),
    ),
    Mutant(
        "mutant-input-shown-as-spikes",
        "graded",
        "Inputs are clipped to 0…1.",
        _encoded(f"np.rint({_SCALED}).clip(0, 1)"),
    ),
    Mutant(
        "mutant-input-of-negative-values-lost",
        "graded",
        "Negative inputs are taken for 0.",
        _encoded(f"np.rint({_SCALED}).clip(0)"),
    ),
)

INTEGRATORS = (
    Mutant(
        "mutant-integrator-starts-at-zero",
        "graded",
        "The potential that an integrator starts at is ignored.",
        change=parameter("initial", lambda initial: 0 * initial),
    ),
    Mutant(
        "mutant-integrator-start-of-neuron-0",
        "graded",
        "The start of integrators is read once for a population: all have that of the first.",
        change=of_neuron_0("initial"),
    ),
    Mutant(
        "mutant-integrator-shift-ignored",
        "graded",
        "The shift of what an integrator emits is ignored.",
        change=parameter("shift", lambda shift: 0 * shift, of=IntegratorFixed),
    ),
    Mutant(
        "mutant-integrator-one-late",
        "graded",
        "An integrator emits the potential that it had before the input of the step.",
        (Edit("fixed", "return rounded(v), {", 'return rounded(state["v"]), {'),),
    ),
    Mutant(
        "mutant-integrator-emits-current",
        "graded",
        "An integrator emits u instead of v.",
        (Edit("fixed", "return rounded(v), {", "return rounded(u), {"),),
    ),
)

MUTANTS = (*RELAYS, *PAYLOADS, *INPUTS, *INTEGRATORS)
