"""Leak, bias and the width of u and v."""

from __future__ import annotations

from eideploy.conform.mutants.edit import Edit
from eideploy.conform.mutants.faults.changes import of_neuron_0, parameter
from eideploy.conform.mutants.mutant import Mutant


def _decay(rounded: str) -> tuple[Edit, ...]:
    """Another way to round x·kept / 4096, in the words of torch."""
    return (Edit("fixed", 'torch.div(x * kept, _UNITY, rounding_mode="trunc")', rounded),)


_PRODUCT = "(x * kept).double() / _UNITY"

_U_NOW = '_wrapped(_decayed(state["u"], kept_u) + _ALIGNMENT * (x + current_bias))'
_V_NOW = '_decayed(state["v"], kept_v).add_(u).add_(bias)'
_CLIPPED = "v.clamp_(1 - _LIMIT, _LIMIT - 1)"
_WRAPS = "turns = (u > _LIMIT).to(u.dtype) - (u <= -_LIMIT).to(u.dtype)"

DECAY = (
    Mutant(
        "mutant-decay-floor",
        "decay",
        "An arithmetic shift divides by 4096, so that negative states are rounded down.",
        _decay('torch.div(x * kept, _UNITY, rounding_mode="floor")'),
    ),
    Mutant(
        "mutant-decay-ceil",
        "decay",
        "States are rounded up when they decay, so that positive ones never reach 0.",
        _decay(f"({_PRODUCT}).ceil().to(x.dtype)"),
    ),
    Mutant(
        "mutant-decay-nearest",
        "decay",
        "States are rounded to the nearest integer when they decay.",
        _decay(f"({_PRODUCT}).round().to(x.dtype)"),
    ),
    Mutant(
        "mutant-decay-away-from-zero",
        "decay",
        "States are rounded away from zero when they decay.",
        _decay(f"(x.sign() * ({_PRODUCT}).abs().ceil()).to(x.dtype)"),
    ),
    Mutant(
        "mutant-decay-not-rounded",
        "decay",
        "States keep their fractions when they decay: floating point in disguise.",
        _decay("(x * kept) / _UNITY"),
    ),
    Mutant(
        "mutant-decay-in-float32",
        "decay",
        "The product of state and decay is rounded to float32, which has 24 bits of its 36.",
        _decay("torch.trunc((x * kept).float() / _UNITY).to(x.dtype)"),
    ),
    Mutant(
        "mutant-decay-int32",
        "decay",
        "The product of state and decay is kept in 32 bits, and wraps around.",
        _decay('torch.div((x * kept).long().int(), _UNITY, rounding_mode="trunc").to(x.dtype)'),
    ),
    Mutant(
        "mutant-current-decay-without-one",
        "decay",
        "The one that the model adds to the decay of u is missing (`ds_offset` of Lava).",
        (Edit("fixed", "_UNITY - 1 - neuron.current_decay", "_UNITY - neuron.current_decay"),),
    ),
    Mutant(
        "mutant-voltage-decay-with-one",
        "decay",
        "One is added to the decay of v as to that of u (`dm_offset` of Lava).",
        (
            Edit(
                "fixed",
                "kept_v = tensor(_UNITY - neuron.voltage_decay)",
                "kept_v = tensor(np.maximum(_UNITY - 1 - neuron.voltage_decay, 0))",
            ),
        ),
    ),
    Mutant(
        "mutant-voltage-decay-12-bits",
        "decay",
        "The decay of v has 12 bits, in which 4096 is 0: nothing leaks where all should.",
        (
            Edit(
                "fixed",
                "kept_v = tensor(_UNITY - neuron.voltage_decay)",
                "kept_v = tensor(_UNITY - neuron.voltage_decay % _UNITY)",
            ),
        ),
    ),
    Mutant(
        "mutant-current-decay-12-bits",
        "decay",
        "The decay of u has 12 bits after one was added: 4095 becomes 0, and u never decays.",
        (
            Edit(
                "fixed",
                "_UNITY - 1 - neuron.current_decay",
                "_UNITY - (1 + neuron.current_decay) % _UNITY",
            ),
        ),
    ),
    Mutant(
        "mutant-decays-swapped",
        "decay",
        "The decay of u is used for v, and that of v for u.",
        (
            Edit("fixed", "_UNITY - 1 - neuron.current_decay", "_UNITY - neuron.voltage_decay"),
            Edit(
                "fixed",
                "kept_v = tensor(_UNITY - neuron.voltage_decay)",
                "kept_v = tensor(_UNITY - 1 - neuron.current_decay)",
            ),
        ),
    ),
    Mutant(
        "mutant-current-decays-after-input",
        "decay",
        "The input of a step is added to u before u decays.",
        (
            Edit(
                "fixed",
                _U_NOW,
                '_wrapped(_decayed(state["u"] + _ALIGNMENT * (x + current_bias), kept_u))',
            ),
        ),
    ),
    Mutant(
        "mutant-voltage-decays-after-input",
        "decay",
        "u and the bias are added to v before v decays.",
        (Edit("fixed", _V_NOW, '_decayed(state["v"] + u + bias, kept_v)'),),
    ),
    Mutant(
        "mutant-voltage-takes-old-current",
        "decay",
        "v is updated before u, and so takes the current of the step before.",
        (Edit("fixed", _V_NOW, '_decayed(state["v"], kept_v).add_(state["u"]).add_(bias)'),),
    ),
    Mutant(
        "mutant-decays-of-neuron-0",
        "decay",
        "Decays are read once for a population: all its neurons have those of the first.",
        change=of_neuron_0("current_decay", "voltage_decay"),
    ),
)

OVERFLOW = (
    Mutant(
        "mutant-current-clips",
        "overflow",
        "u is clipped to 24 bits, where it has to wrap.",
        (Edit("fixed", "u - 2 * _LIMIT * turns", "u.clamp(1 - _LIMIT, _LIMIT - 1)"),),
    ),
    Mutant(
        "mutant-current-never-wraps",
        "overflow",
        "u is kept in a wide register, and never wraps.",
        (Edit("fixed", "u - 2 * _LIMIT * turns", "u"),),
    ),
    Mutant(
        "mutant-current-wraps-at-limit",
        "overflow",
        "+2²³ becomes −2²³, as in two's complement, where Lava leaves it.",
        (Edit("fixed", "(u > _LIMIT)", "(u >= _LIMIT)"),),
    ),
    Mutant(
        "mutant-current-keeps-lower-limit",
        "overflow",
        "−2²³ stays, as in two's complement, where Lava makes +2²³ of it.",
        (Edit("fixed", "(u <= -_LIMIT)", "(u < -_LIMIT)"),),
    ),
    Mutant(
        "mutant-current-wraps-one-sided",
        "overflow",
        "Only a u that is too large wraps; one that is too small does not.",
        (Edit("fixed", _WRAPS, "turns = (u > _LIMIT).to(u.dtype)"),),
    ),
    Mutant(
        "mutant-voltage-wraps",
        "overflow",
        "v wraps around its 24 bits, where it has to be clipped.",
        (Edit("fixed", _CLIPPED, "_wrapped(v)"),),
    ),
    Mutant(
        "mutant-voltage-never-clips",
        "overflow",
        "v is kept in a wide register, and is never clipped.",
        (Edit("fixed", _CLIPPED, "v"),),
    ),
    Mutant(
        "mutant-voltage-clips-at-lower-limit",
        "overflow",
        "v is clipped to −2²³, the smallest number of 24 bits, one below −(2²³ − 1).",
        (Edit("fixed", _CLIPPED, "v.clamp_(-_LIMIT, _LIMIT - 1)"),),
    ),
    Mutant(
        "mutant-voltage-clips-at-upper-limit",
        "overflow",
        "v is clipped to +2²³, one more than 24 bits hold.",
        (Edit("fixed", _CLIPPED, "v.clamp_(1 - _LIMIT, _LIMIT)"),),
    ),
    Mutant(
        "mutant-voltage-not-negative",
        "overflow",
        "v is clipped at 0 from below, as a register without sign is.",
        (Edit("fixed", _CLIPPED, "v.clamp_(0, _LIMIT - 1)"),),
    ),
    Mutant(
        "mutant-voltage-16-bits",
        "overflow",
        "v is clipped to 16 bits.",
        (Edit("fixed", _CLIPPED, "v.clamp_(1 - 2**15, 2**15 - 1)"),),
    ),
)

BIAS = (
    Mutant(
        "mutant-bias-late",
        "bias",
        "The bias reaches v one step late, so that the first step of a sample has none.",
        (
            Edit("fixed", _V_NOW, _V_NOW.replace("bias", 'bias * ("begun" in state)')),
            Edit("fixed", "amount, u=u)", "amount, u=u, begun=u)"),
            Edit("fixed", 'v}, {"u": u, "v": v}', 'v}, {"u": u, "v": v, "begun": u}'),
        ),
    ),
    Mutant(
        "mutant-bias-exponent-ignored",
        "bias",
        "The exponent of the bias is ignored.",
        change=parameter("bias_exponent", lambda exponent: 0 * exponent),
    ),
    Mutant(
        "mutant-bias-aligned-like-input",
        "bias",
        "The bias is shifted left by 6 like synaptic input.",
        (Edit("fixed", _V_NOW, '_decayed(state["v"], kept_v).add_(u).add_(_ALIGNMENT * bias)'),),
    ),
    Mutant(
        "mutant-bias-decays",
        "bias",
        "The bias is added to v before v decays.",
        (Edit("fixed", _V_NOW, '_decayed(state["v"] + bias, kept_v).add_(u)'),),
    ),
    Mutant(
        "mutant-bias-through-current",
        "bias",
        "The bias is added to u, where it stays and adds up.",
        (
            Edit("fixed", _U_NOW, _U_NOW[:-1] + " + bias)"),
            Edit("fixed", _V_NOW, '_decayed(state["v"], kept_v).add_(u)'),
        ),
    ),
    Mutant(
        "mutant-bias-of-neuron-0",
        "bias",
        "Biases are read once for a population: all its neurons have that of the first.",
        change=of_neuron_0("bias_mantissa", "bias_exponent", "bias", "current_bias"),
    ),
    Mutant(
        "mutant-bias-not-negative",
        "bias",
        "The mantissa of the bias is read without its sign.",
        change=parameter("bias_mantissa", lambda mantissa: abs(mantissa).clip(max=4095)),
    ),
    Mutant(
        "mutant-current-bias-ignored",
        "bias",
        "The bias of the current is ignored.",
        change=parameter("current_bias", lambda bias: 0 * bias),
    ),
    Mutant(
        "mutant-current-bias-not-aligned",
        "bias",
        "The bias of the current is added without the shift by 6 of synaptic input.",
        (Edit("fixed", "_ALIGNMENT * (x + current_bias)", "_ALIGNMENT * x + current_bias"),),
    ),
)

MUTANTS = (*DECAY, *OVERFLOW, *BIAS)
