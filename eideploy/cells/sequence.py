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
    potentials = currents * (1 / a)
    spikes = torch.empty_like(potentials)
    for z, at_test in zip(spikes, potentials, strict=True):
        at_test.sub_(v).mul_(a).add_(v)
        torch.gt(at_test, p.v_th, out=z)
        if p.reset_method is reset_value:
            v = torch.addcmul(at_test, z, at_test, value=-1)
        else:
            v = torch.sub(at_test, z, alpha=p.v_th)
    return spikes, potentials, v


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
    def backward(ctx: Any, d_spikes: Tensor, d_v: Tensor) -> Any:
        (potentials,) = ctx.saved_tensors
        p, leak = ctx.p, 1 - ctx.dt * ctx.p.tau_mem_inv
        alpha = 2 * p.alpha
        d_currents = torch.empty_like(potentials)
        for t in reversed(range(len(potentials))):
            if p.reset_method is reset_value:
                d_v = d_v * (potentials[t] <= p.v_th)
            sigmoid = potentials[t].sub(p.v_th).mul_(alpha).sigmoid_()
            surrogate = sigmoid.addcmul_(sigmoid, sigmoid, value=-1).mul_(d_spikes[t])
            torch.add(d_v, surrogate, alpha=alpha, out=d_currents[t])
            d_v = leak * d_currents[t]
        return d_currents, d_v, None, None
