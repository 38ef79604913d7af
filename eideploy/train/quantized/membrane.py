"""Neuron models in integers over a whole sequence, with gradients straight through their rounding.

Forward, the numbers are those of `eideploy.program.fixed`, in int64. Backward, they are taken for
the real numbers that they stand for: tz and ⌊⌋ for the identity, the quotient for B/max(S, floor)
times its constant factors, the test for a sigmoid of steepness α, as in training.

All values are integers held in float32; all that occur are below 2²⁴.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from eideploy.program import EINeuronFixed, Relay
from eideploy.program.neuron import DECAY_BITS, GAIN_BITS, STATE_MAX, Reset

_UNITY = 2**DECAY_BITS


def divisive_current(neuron: EINeuronFixed, balanced: Tensor, shunt: Tensor) -> Tensor:
    """What B and S of an E-I neuron add to its potential, without the bias.

        tz(q·gain / 2⁸),  q = sgn(B)·min(⌊|B|·2^shift / max(S, floor)⌋, 2^(quotient_bits − 1) − 1)

    Args:
        neuron: its parameters.
        balanced: B, [N, *shape].
        shunt: S ≥ 0, likewise.
    """
    current: Tensor = _Quotient.apply(balanced, shunt, neuron)  # type: ignore[no-untyped-call]
    return current


def fire(
    drive: Tensor, *, decay: Tensor, threshold: Tensor, reset: Reset, steepness: Tensor
) -> tuple[Tensor, Tensor]:
    """A membrane from rest: v ← clip(tz(v·(4096 − decay)/4096) + drive), test, reset to 0 or by θ.

    Args:
        drive: what is added to v in each step, current and bias together, [T, B, *shape].
        decay: of v, in units of 2⁻¹², int64; broadcasts to a step.
        threshold: θ in units of v, int64; broadcasts to a step.
        reset: `value`, which is 0 here, or `subtract`, which takes θ off.
        steepness: α of the surrogate per unit of v, float32; broadcasts to a step.

    Returns:
        Spikes, float32, and v at the test, int64 and without a gradient, both [T, B, *shape].
    """
    spikes, potentials = _Membrane.apply(  # type: ignore[no-untyped-call]
        drive, decay, threshold, reset, steepness
    )
    return spikes, potentials


def relay(neuron: Relay, x: Tensor) -> Tensor:
    """⌊(x + bias)/2^shift + 1/2⌋; backward (x + bias)/2^shift.

    Args:
        neuron: shift and bias.
        x: sum of its input, [N, *shape].
    """
    scaled = (x + _like(neuron.bias, x)) * 2.0 ** -_like(neuron.shift, x)
    return straight_through(scaled, torch.floor(scaled.detach().double() + 0.5).float())


def shifted(x: Tensor, exponent: int) -> Tensor:
    """⌊x·2^exponent⌋ for an exponent ≤ 0; backward x·2^exponent."""
    scaled = x * 2.0**exponent
    return straight_through(scaled, scaled.detach().floor())


def straight_through(surrogate: Tensor, value: Tensor) -> Tensor:
    """`value`, bit for bit, with the gradient of `surrogate`."""
    return value + (surrogate - surrogate.detach())


class _Quotient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, balanced: Tensor, shunt: Tensor, neuron: EINeuronFixed) -> Tensor:
        ctx.save_for_backward(balanced, shunt)
        ctx.neuron = neuron
        b, divisor = balanced.long(), shunt.long()
        shift, bits, floor, gain = (
            _like(value, b)
            for value in (neuron.quotient_shift, neuron.quotient_bits, neuron.floor, neuron.gain)
        )
        whole = torch.div(b.abs() << shift, torch.maximum(divisor, floor), rounding_mode="floor")
        q = torch.minimum(whole, (torch.ones_like(bits) << (bits - 1)) - 1)
        return (((q * gain) >> GAIN_BITS) * b.sign()).float()

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> Any:
        balanced, shunt = ctx.saved_tensors
        neuron: EINeuronFixed = ctx.neuron
        floor, gain, shift = (
            _like(value, balanced) for value in (neuron.floor, neuron.gain, neuron.quotient_shift)
        )
        factor = gain * 2.0 ** (shift - GAIN_BITS)
        divisor = torch.maximum(shunt, floor)
        d_balanced = gradient * factor / divisor
        d_shunt = (d_balanced * balanced / divisor).neg_().mul_(shunt > floor)
        return d_balanced, d_shunt, None


class _Membrane(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, drive: Tensor, decay: Tensor, threshold: Tensor, reset: Reset, steepness: Tensor
    ) -> tuple[Tensor, Tensor]:
        potentials = drive.long()
        v = torch.zeros_like(potentials[0])
        for at_test in potentials:
            at_test += torch.div(v * (_UNITY - decay), _UNITY, rounding_mode="trunc")
            at_test.clamp_(-STATE_MAX, STATE_MAX)
            after = at_test - threshold if reset == "subtract" else torch.zeros_like(v)
            v = torch.where(at_test > threshold, after, at_test)
        ctx.save_for_backward(potentials, decay, threshold, steepness)
        ctx.reset = reset
        ctx.mark_non_differentiable(potentials)
        return (potentials > threshold).float(), potentials

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, d_spikes: Tensor, _: Tensor) -> Any:
        """As `eideploy.cells.sequence`: the reset itself is no path."""
        potentials, decay, threshold, steepness = ctx.saved_tensors
        kept = 1 - decay.float() / _UNITY
        sigmoid = ((potentials - threshold).float() * steepness).sigmoid_()
        d_drive = d_spikes * steepness * sigmoid * (1 - sigmoid)
        carried = torch.zeros_like(d_drive[0])
        for t in reversed(range(len(d_drive))):
            if ctx.reset == "value":
                carried = carried.masked_fill(potentials[t] > threshold, 0)
            d_drive[t] += carried
            carried = d_drive[t] * kept
        return d_drive, None, None, None, None


def _like(value: Any, tensor: Tensor) -> Tensor:
    """A parameter of a neuron model where `tensor` is, and in its type."""
    return torch.tensor(value, dtype=tensor.dtype, device=tensor.device)
