"""The LIF over a whole sequence as one node of autograd's graph.

The graph keeps the membrane potentials at the threshold test, v_t, alone. With a = dt/τ, G_t the
gradient that arrives at the spikes of step t and A_t that at the potential after its reset,

∂v_t = G_t ⊙ α σ'(α (v_t − θ)) + A_t ⊙ k_t,   A_{t−1} = (1 − a) ∂v_t,   ∂I_t = a R ∂v_t = ∂v_t,

where k_t is 1 for a reset by subtraction and 1 − z_t for one to zero: the reset itself is no path.
"""

from __future__ import annotations

from typing import Any

import torch
from norse.torch.functional.lif_box import LIFBoxParameters
from norse.torch.functional.reset import reset_value
from torch import Tensor
from torch.autograd.function import once_differentiable

from eideploy.cells.chunks import chunks


def lif_sequence(
    currents: Tensor, v: Tensor, p: LIFBoxParameters, dt: float
) -> tuple[Tensor, Tensor]:
    """`eideploy.cells.lif_step` applied to each step of a sequence.

    Args:
        currents: I, [T, …].
        v: membrane potential before the first step, […].
        p: from `eideploy.cells.lif_parameters`.
        dt: length of a step in the unit of τ.

    Returns:
        Spikes [T, …] and the membrane potential after the last reset […].
    """
    spikes, last = _LIFSequence.apply(currents, v, p, dt)  # type: ignore[no-untyped-call]
    return spikes, last


@torch.no_grad()
def integrate(
    currents: Tensor, v: Tensor, p: LIFBoxParameters, dt: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Spikes, membrane potentials at the threshold test and the last one after its reset.

    Rounds as Norse's step does, v + a (R I − v).

    Arguments as for `lif_sequence`.
    """
    a = dt * p.tau_mem_inv
    potentials, spikes, last = _steps_like(currents), _steps_like(currents), torch.empty_like(v)
    for part in chunks(v):
        after = v[part]
        for current, at_test, z in zip(
            currents[:, part], potentials[:, part], spikes[:, part], strict=True
        ):
            torch.mul(current, 1 / a, out=at_test).sub_(after).mul_(a).add_(after)
            torch.gt(at_test, p.v_th, out=z)
            if p.reset_method is reset_value:
                after = torch.addcmul(at_test, z, at_test, value=-1)
            else:
                after = torch.sub(at_test, z, alpha=p.v_th)
        last[part] = after
    return spikes, potentials, last


class _LIFSequence(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, currents: Tensor, v: Tensor, p: LIFBoxParameters, dt: float
    ) -> tuple[Tensor, Tensor]:
        spikes, potentials, last = integrate(currents, v, p, dt)
        ctx.save_for_backward(potentials)
        ctx.p, ctx.dt = p, dt
        return spikes, last

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, d_spikes: Tensor, d_last: Tensor) -> Any:
        (potentials,) = ctx.saved_tensors
        p, leak = ctx.p, 1 - ctx.dt * ctx.p.tau_mem_inv
        alpha = 2 * p.alpha
        offset = potentials.new_tensor(-alpha * p.v_th)
        d_currents, d_start = torch.empty_like(potentials), torch.empty_like(d_last)
        for part in chunks(d_last):
            d_v = d_last[part]
            for t in reversed(range(len(potentials))):
                at_test = potentials[t, part]
                if p.reset_method is reset_value:
                    d_v = d_v.masked_fill(at_test > p.v_th, 0)
                sigmoid = torch.add(offset, at_test, alpha=alpha).sigmoid_()
                slope = sigmoid.addcmul_(sigmoid, sigmoid, value=-1)
                gradient = torch.addcmul(
                    d_v, slope, d_spikes[t, part], value=alpha, out=d_currents[t, part]
                )
                d_v = gradient * leak
            d_start[part] = d_v
        return d_currents, d_start, None, None


def _steps_like(currents: Tensor) -> Tensor:
    """An empty tensor for all steps in one piece, each laid out as the steps of `currents` are."""
    step = torch.empty_like(currents[0])
    shape, strides = currents.shape, (step.numel(), *step.stride())
    return torch.empty_strided(shape, strides, dtype=step.dtype, device=step.device)
