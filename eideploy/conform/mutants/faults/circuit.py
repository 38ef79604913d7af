"""The E-I neuron: its division, its gain, its floor."""

from __future__ import annotations

from dataclasses import replace

from eideploy.conform.mutants.edit import Edit
from eideploy.conform.mutants.faults.changes import each_projection, of_neuron_0, parameter
from eideploy.conform.mutants.mutant import Mutant

_DIVIDED = 'divide(ports["balanced"], torch.maximum(ports["shunt"], floor))'
_QUOTIENT = "floor_division(balanced.abs() * scale, divisor)"
_SATURATED = f"{_QUOTIENT}.clamp_(max=largest)"
_SIGNED = "q.copysign_(balanced)"
_GAINED = 'torch.div(q * gain, _GAIN, rounding_mode="trunc")'
_V_NOW = '_decayed(state["v"], kept).add_(q).add_(bias)'
_LARGEST = "tensor((1 << (neuron.quotient_bits - 1)) - 1)"


def _divided(arguments: str) -> tuple[Edit, ...]:
    return (Edit("fixed", _DIVIDED, arguments),)


def _quotient(found: str) -> tuple[Edit, ...]:
    """Another |q|, before it is saturated."""
    return (Edit("division", _QUOTIENT, found),)


def _restoring(before: str, after: str) -> tuple[Edit, ...]:
    """A chip without a divide instruction, with a mistake in its long division."""
    return (
        Edit("executor", 'division: Division = "exact",\n', 'division: Division = "restoring",\n'),
        Edit("division", before, after),
    )


def _other(port: str) -> str:
    return {"balanced": "shunt", "shunt": "balanced"}.get(port, port)


DIVISION = (
    Mutant(
        "mutant-division-of-shunt-by-balance",
        "circuits",
        "The two ports of the E-I neuron are swapped: S is divided by B.",
        _divided('divide(ports["shunt"], torch.maximum(ports["balanced"], floor))'),
    ),
    Mutant(
        "mutant-ports-swapped",
        "circuits",
        "Projections end at the other port: what is meant to shunt excites.",
        change=each_projection(lambda _, p: replace(p, port=_other(p.port))),
    ),
    Mutant(
        "mutant-division-floor",
        "circuits",
        "A negative quotient is rounded down, as by an arithmetic shift, not toward zero.",
        (
            Edit(
                "division",
                f"{_SATURATED}\n",
                "floor_division(balanced * scale, divisor).clamp_(-largest, largest)\n"
                "        return q\n",
            ),
        ),
    ),
    Mutant(
        "mutant-division-nearest",
        "circuits",
        "The quotient is rounded to the nearest integer.",
        _quotient("floor_division(2 * balanced.abs() * scale + divisor, 2 * divisor)"),
    ),
    Mutant(
        "mutant-division-ceil",
        "circuits",
        "The quotient is rounded away from zero.",
        _quotient("floor_division(balanced.abs() * scale + divisor - 1, divisor)"),
    ),
    Mutant(
        "mutant-division-in-float32",
        "circuits",
        "The quotient is found in float32, which rounds large ones.",
        _quotient(
            "torch.floor((balanced.abs() * scale).float() / divisor.float()).to(balanced.dtype)"
        ),
    ),
    Mutant(
        "mutant-division-int32",
        "circuits",
        "B is shifted in 32 bits, and wraps around before it is divided.",
        _quotient(
            "floor_division((balanced.abs().long() * scale.long()).int().to(balanced.dtype), "
            "divisor)"
        ),
    ),
    Mutant(
        "mutant-division-by-reciprocal",
        "circuits",
        "B is multiplied by the rounded reciprocal of S.",
        _quotient("torch.floor(balanced.abs() * scale * (1.0 / divisor)).to(balanced.dtype)"),
    ),
    Mutant(
        "mutant-division-by-power-of-two",
        "circuits",
        "S is rounded down to a power of two, so that a shift can divide by it.",
        _quotient(
            "floor_division(balanced.abs() * scale, "
            "(2 ** divisor.log2().floor()).to(divisor.dtype))"
        ),
    ),
    Mutant(
        "mutant-division-before-shift",
        "circuits",
        "The quotient is shifted after the division, which has lost its fraction.",
        _quotient("(floor_division(balanced.abs(), divisor) * scale)"),
    ),
    Mutant(
        "mutant-division-sign-lost",
        "circuits",
        "The quotient of magnitudes does not get back the sign of B.",
        (Edit("division", "return q.copysign_(balanced)", "return q"),),
    ),
    Mutant(
        "mutant-division-not-negative",
        "circuits",
        "A negative balance gives no current, as if the neuron could only be excited.",
        _quotient("floor_division(balanced.clamp(min=0) * scale, divisor)"),
    ),
    Mutant(
        "mutant-division-leaves-zero-shunt",
        "circuits",
        "Where nothing shunts there is no current, instead of one divided by the floor.",
        _divided(
            'torch.where(ports["shunt"] == 0, 0 * ports["shunt"], divide(ports["balanced"], '
            'torch.maximum(ports["shunt"], floor)))'
        ),
    ),
    Mutant(
        "mutant-quotient-shift-one-less",
        "circuits",
        "The quotient has one fraction bit less than it should.",
        change=parameter("quotient_shift", lambda shift: (shift - 1).clip(0)),
    ),
    Mutant(
        "mutant-quotient-shift-of-neuron-0",
        "circuits",
        "The shift and width of quotients are read once for a population, from its first neuron.",
        change=of_neuron_0("quotient_shift", "quotient_bits"),
    ),
    Mutant(
        "mutant-quotient-not-saturated",
        "circuits",
        "The quotient is not saturated to its width.",
        (Edit("division", ".clamp_(max=largest)", ""),),
    ),
    Mutant(
        "mutant-quotient-saturates-one-above",
        "circuits",
        "The quotient saturates at 2^(bits − 1), one above the largest number of its width.",
        (Edit("division", _LARGEST, "tensor(1 << (neuron.quotient_bits - 1))"),),
    ),
    Mutant(
        "mutant-quotient-saturates-at-lower-limit",
        "circuits",
        "A negative quotient saturates at −2^(bits − 1), as in two's complement.",
        (
            Edit(
                "division",
                f"{_QUOTIENT}.clamp_(max=largest)",
                f"torch.minimum({_QUOTIENT}, largest + (balanced < 0))",
            ),
        ),
    ),
    Mutant(
        "mutant-quotient-wraps",
        "circuits",
        "The quotient wraps around its width instead of being saturated.",
        (Edit("division", ".clamp_(max=largest)", ".remainder(largest + 1)"),),
    ),
    Mutant(
        "mutant-quotient-unsigned-width",
        "circuits",
        "The width of the quotient is taken to be without its sign: it saturates at twice as much.",
        (Edit("division", _LARGEST, "tensor((1 << neuron.quotient_bits) - 1)"),),
    ),
    Mutant(
        "mutant-long-division-at-least",
        "circuits",
        "In long division a remainder equal to the divisor is not subtracted.",
        _restoring("fits = remainder >= divisor", "fits = remainder > divisor"),
    ),
    Mutant(
        "mutant-long-division-one-step-short",
        "circuits",
        "Long division stops one step early.",
        _restoring("range(int(steps.max()))", "range(int(steps.max()) - 1)"),
    ),
    Mutant(
        "mutant-long-division-saturates-without-sign",
        "circuits",
        "Where long division saturates, the sign of the quotient is lost.",
        _restoring(
            "torch.where(balanced < 0, -quotient, quotient)",
            "torch.where((balanced < 0) & ~saturated, -quotient, quotient)",
        ),
    ),
)

FLOOR = (
    Mutant(
        "mutant-floor-ignored",
        "circuits",
        "The floor of the divisor is ignored, except that nothing is divided by 0.",
        change=parameter("floor", lambda floor: 0 * floor + 1),
    ),
    Mutant(
        "mutant-floor-added",
        "circuits",
        "The floor is added to S, as the ε of a normalization, where the larger of both counts.",
        _divided('divide(ports["balanced"], ports["shunt"] + floor)'),
    ),
    Mutant(
        "mutant-floor-only-at-zero",
        "circuits",
        "The floor replaces S only where S is 0, not where S is below it.",
        _divided(
            'divide(ports["balanced"], torch.where(ports["shunt"] == 0, floor, ports["shunt"]))'
        ),
    ),
    Mutant(
        "mutant-floor-of-neuron-0",
        "circuits",
        "The floor is read once for a population: all its neurons have that of the first.",
        change=of_neuron_0("floor"),
    ),
)

GAIN = (
    Mutant(
        "mutant-gain-ignored",
        "circuits",
        "The gain of the E-I neuron is ignored.",
        change=parameter("gain", lambda gain: 0 * gain + 256),
    ),
    Mutant(
        "mutant-gain-floor",
        "circuits",
        "The product of a negative quotient and the gain is rounded down, not toward zero.",
        (Edit("fixed", _GAINED, 'torch.div(q * gain, _GAIN, rounding_mode="floor")'),),
    ),
    Mutant(
        "mutant-gain-nearest",
        "circuits",
        "The product of quotient and gain is rounded to the nearest integer.",
        (Edit("fixed", _GAINED, "(q * gain / _GAIN).round()"),),
    ),
    Mutant(
        "mutant-gain-before-division",
        "circuits",
        "B is multiplied by the gain before it is divided, so that less is rounded off.",
        (
            Edit(
                "fixed", _DIVIDED, _DIVIDED.replace('["balanced"]', '["balanced"] * gain / _GAIN')
            ),
            Edit("fixed", _GAINED, "q"),
        ),
    ),
    Mutant(
        "mutant-gain-of-neuron-0",
        "circuits",
        "The gain is read once for a population: all its neurons have that of the first.",
        change=of_neuron_0("gain"),
    ),
    Mutant(
        "mutant-gain-8-bits",
        "circuits",
        "The gain has 8 bits, in which 256, that is 1, is 0.",
        change=parameter("gain", lambda gain: gain % 256),
    ),
)

POTENTIAL = (
    Mutant(
        "mutant-circuit-decays-after-input",
        "circuits",
        "The quotient is added to v before v decays.",
        (Edit("fixed", _V_NOW, '_decayed(state["v"] + q, kept).add_(bias)'),),
    ),
    Mutant(
        "mutant-circuit-decay-with-one",
        "circuits",
        "One is added to the decay of the E-I neuron as to that of u in a LIF.",
        (
            Edit(
                "fixed",
                "kept = tensor(_UNITY - neuron.voltage_decay)\n    floor",
                "kept = tensor((_UNITY - 1 - neuron.voltage_decay).clip(0))\n    floor",
            ),
        ),
    ),
    Mutant(
        "mutant-circuit-bias-late",
        "circuits",
        "The bias reaches v one step late, so that the first step of a sample has none.",
        (
            Edit("fixed", _V_NOW, _V_NOW.replace("bias", 'bias * ("begun" in state)')),
            Edit("fixed", "neuron.reset, amount)", "neuron.reset, amount, begun=v)"),
        ),
    ),
    Mutant(
        "mutant-circuit-bias-divided",
        "circuits",
        "The bias is added to B, and so is divided by S like it.",
        (
            Edit("fixed", _DIVIDED, _DIVIDED.replace('["balanced"]', '["balanced"] + bias')),
            Edit("fixed", _V_NOW, _V_NOW.replace(".add_(bias)", "")),
        ),
    ),
    Mutant(
        "mutant-circuit-threshold-aligned",
        "circuits",
        "The threshold of the E-I neuron is shifted left by 6 like that of a LIF.",
        (
            Edit(
                "fixed",
                "threshold = tensor(neuron.threshold)\n",
                "threshold = tensor(_ALIGNMENT * neuron.threshold)\n",
            ),
        ),
    ),
)

MUTANTS = (*DIVISION, *FLOOR, *GAIN, *POTENTIAL)
