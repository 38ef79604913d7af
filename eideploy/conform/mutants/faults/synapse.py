"""Weights, the sums of them, and the ports at which they arrive."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eideploy.conform.mutants.edit import Edit
from eideploy.conform.mutants.faults.changes import each_operator, each_projection, each_weight
from eideploy.conform.mutants.mutant import Mutant
from eideploy.program import Array, Identity, Operator, Program, Projection

_SUM = "self.geometry.sums(operand, weights.matrix).to(dtype)"
_SCALED = "yield weights.port, scale(total, weights.exponent)"
_EXPONENT = "weights.exponent"
_SHIFTED_RIGHT = "torch.floor(total * 2.0**exponent)"
_PORT = "ports[port] = ports[port] + arrived if port in ports else arrived"

_SHOWN = "inputs[name][:, t]"
_LARGEST = "torch.maximum(ports[port], arrived)"


def _accumulator(narrowed: str) -> tuple[Edit, ...]:
    """Sums that have gone through a narrower type."""
    return (Edit("synapses", _SUM, f"{_SUM[: -len('.to(dtype)')]}{narrowed}.to(dtype)"),)


def _even(program: Program, projection: Projection) -> Operator:
    operator = projection.operator
    if projection.sign == "mixed":
        return operator
    return replace(operator, weight=operator.weight & ~1)


def _one_weight(program: Program, projection: Projection) -> Operator:
    operator = projection.operator
    if not isinstance(operator, Identity):
        return operator
    return replace(operator, weight=np.asarray(operator.weight.flat[0]))


def _scaled_first(program: Program, projection: Projection) -> Projection:
    shift, operator = projection.exponent, projection.operator
    weight = operator.weight << shift if shift > 0 else operator.weight >> -shift
    return replace(projection, operator=replace(operator, weight=weight), exponent=0)


def _by_ends(program: Program) -> Program:
    kept = {(p.source, p.target, p.port): p for p in program.projections}
    return replace(program, projections=tuple(kept.values()))


def _inputs_mixed_up(program: Program) -> Program:
    """Every input drives what another of its shape should."""
    names = [p.name for p in program.sources]
    shapes = {p.name: p.shape for p in program.sources}
    swapped = {a: b for a, b in zip(names, reversed(names), strict=True) if shapes[a] == shapes[b]}
    return each_projection(lambda _, p: replace(p, source=swapped.get(p.source, p.source)))(program)


def _bytes(weight: Array) -> Array:
    return (weight + 128) % 256 - 128


WEIGHTS = (
    Mutant(
        "mutant-weight-lowest-bit-lost",
        "weights",
        "The lowest bit of every weight is lost.",
        change=each_weight(lambda weight: weight & ~1),
    ),
    Mutant(
        "mutant-weight-lowest-bit-toward-zero",
        "weights",
        "Odd weights of mixed sign are made even toward zero.",
        change=each_weight(lambda weight: 2 * np.fix(weight / 2).astype(np.int64)),
    ),
    Mutant(
        "mutant-weight-sign-mode-ignored",
        "weights",
        "Weights of a single sign are made even like those of mixed sign.",
        change=each_operator(_even),
    ),
    Mutant(
        "mutant-weight-clipped-to-127",
        "weights",
        "Weights are clipped to −128…127.",
        change=each_weight(lambda weight: weight.clip(-128, 127)),
    ),
    Mutant(
        "mutant-weight-int8",
        "weights",
        "Weights are stored in a signed byte, and wrap around.",
        change=each_weight(_bytes),
    ),
    Mutant(
        "mutant-weight-symmetric",
        "weights",
        "Weights are clipped to ±254, so that −256 is lost.",
        change=each_weight(lambda weight: weight.clip(-254, 255)),
    ),
    Mutant(
        "mutant-weight-sign-lost",
        "weights",
        "Weights are stored without their sign.",
        change=each_weight(abs),
    ),
    Mutant(
        "mutant-weight-matrix-transposed",
        "weights",
        "A square matrix of weights is used the other way round.",
        (
            Edit(
                "geometry",
                "return weight.T",
                "return weight if weight.shape[0] == weight.shape[1] else weight.T",
            ),
        ),
    ),
    Mutant(
        "mutant-one-weight-for-all",
        "fan",
        "One-to-one synapses have one weight for all neurons, that of the first.",
        change=each_operator(_one_weight),
    ),
    Mutant(
        "mutant-exponent-ignored",
        "weights",
        "The exponent of the weights is ignored.",
        (Edit("synapses", _SCALED, "yield weights.port, total"),),
    ),
    Mutant(
        "mutant-exponent-negative-ignored",
        "weights",
        "A negative exponent of the weights is ignored.",
        (Edit("synapses", _SCALED, _SCALED.replace(_EXPONENT, f"max({_EXPONENT}, 0)")),),
    ),
    Mutant(
        "mutant-exponent-sign",
        "weights",
        "The exponent of the weights has the other sign.",
        (Edit("synapses", _SCALED, _SCALED.replace(_EXPONENT, f"-{_EXPONENT}")),),
    ),
    Mutant(
        "mutant-exponent-toward-zero",
        "weights",
        "A negative exponent rounds toward zero, where an arithmetic shift rounds down.",
        (Edit("synapses", _SHIFTED_RIGHT, "torch.trunc(total * 2.0**exponent)"),),
    ),
    Mutant(
        "mutant-exponent-nearest",
        "weights",
        "A negative exponent rounds to the nearest integer.",
        (Edit("synapses", _SHIFTED_RIGHT, "torch.floor(total * 2.0**exponent + 0.5)"),),
    ),
    Mutant(
        "mutant-exponent-before-sum",
        "weights",
        "The exponent is applied to every weight, and not to their sum.",
        change=each_projection(_scaled_first),
    ),
    Mutant(
        "mutant-exponent-of-first-projection",
        "weights",
        "A population has one exponent for all its projections, that of the first.",
        change=each_projection(
            lambda program, p: replace(p, exponent=program.into(p.target)[0].exponent)
        ),
    ),
)

SUMS = (
    Mutant(
        "mutant-sum-int16",
        "weights",
        "Sums are kept in 16 bits, and wrap around.",
        _accumulator(".long().to(torch.int16)"),
    ),
    Mutant(
        "mutant-sum-int24",
        "weights",
        "Sums are kept in 24 bits, and wrap around.",
        _accumulator(".add(2**23).remainder(2**24).sub(2**23)"),
    ),
    Mutant(
        "mutant-sum-clipped-to-24-bits",
        "weights",
        "Sums are clipped to 24 bits.",
        _accumulator(".clamp(1 - 2**23, 2**23 - 1)"),
    ),
    Mutant(
        "mutant-sum-int32",
        "weights",
        "Sums are kept in 32 bits, and wrap around.",
        _accumulator(".long().to(torch.int32)"),
    ),
    Mutant(
        "mutant-sum-float32",
        "weights",
        "Sums are kept in float32, and lose their lowest bits beyond 2²⁴.",
        _accumulator(".float()"),
    ),
    Mutant(
        "mutant-sum-float16",
        "weights",
        "Sums are kept in float16, and lose their lowest bits beyond 2¹¹.",
        _accumulator(".half()"),
    ),
    Mutant(
        "mutant-sum-bfloat16",
        "weights",
        "Sums are kept in bfloat16, and lose their lowest bits beyond 2⁸.",
        _accumulator(".bfloat16()"),
    ),
)

PORTS = (
    Mutant(
        "mutant-port-overwritten",
        "ports",
        "Of several projections to a port only the last arrives: it overwrites the others.",
        (Edit("executor", _PORT, "ports[port] = arrived"),),
    ),
    Mutant(
        "mutant-port-takes-the-largest",
        "ports",
        "Of several projections to a port the largest arrives, as if spikes were merged.",
        (Edit("executor", _PORT, _PORT.replace("ports[port] + arrived", _LARGEST)),),
    ),
    Mutant(
        "mutant-parallel-projections-merged",
        "ports",
        "Projections are kept by their ends: of two from one population to one port one is lost.",
        change=_by_ends,
    ),
    Mutant(
        "mutant-second-input-ignored",
        "ports",
        "Only the first input of a network is read.",
        (Edit("executor", _SHOWN, f"{_SHOWN} * (name == next(iter(inputs)))"),),
    ),
    Mutant(
        "mutant-inputs-mixed-up",
        "ports",
        "Inputs are read in the wrong order.",
        change=_inputs_mixed_up,
    ),
    Mutant(
        "mutant-outputs-mixed-up",
        "ports",
        "Outputs are handed out in the wrong order.",
        (
            Edit(
                "executor",
                "return Trace({name: tape.recording() for name, tape in tapes.items()})",
                "given = dict(zip(program.outputs, reversed(program.outputs)))\n"
                "    return Trace({n: tapes[given.get(n, n)].recording() for n in tapes})",
            ),
        ),
    ),
)

MUTANTS = (*WEIGHTS, *SUMS, *PORTS)
