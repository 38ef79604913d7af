"""What E-I Init is compared with: He initialization, its normal distribution folded at 0.

W_EE, W_IE ~ |N(0, 2/d)|,  W_EI = 1/I,  g_I = g_E = 1,  b = 0        d = fan-in

Nothing is known here of a layer's input, and gains do not make up for a mean that is not 0.
Source: He et al., "Delving Deep into Rectifiers", ICCV 2015.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from eideploy.cells.layer import EICircuit


@torch.no_grad()
def he_init_network_(network: nn.Module, *, generator: torch.Generator | None = None) -> None:
    """Initialize every E-I circuit of a network in place.

    Args:
        network: any module.
        generator: source of random numbers; torch's global one if not given.
    """
    for circuit in network.modules():
        if isinstance(circuit, EICircuit):
            deviation = math.sqrt(2 / circuit.fan_in)
            for weight in (circuit.weight_ee, circuit.weight_ie):
                weight.normal_(0, deviation, generator=generator).abs_()
            circuit.weight_ei.fill_(1 / circuit.weight_ei.shape[1])
            circuit.gain_i.fill_(1.0)
            circuit.gain_e.fill_(1.0)
            circuit.bias.zero_()
