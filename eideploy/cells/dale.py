"""Dale's law: what leaves a neuron has one sign, so weights and gains never become negative."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from eideploy.cells.layer import EICircuit

NON_NEGATIVE = ("weight_ee", "weight_ie", "weight_ei", "gain_i", "gain_e")
"""The parameters of an E-I circuit that must be ≥ 0; only the bias is free."""


def non_negative_parameters(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Name and value of every parameter in `module` that Dale's law binds."""
    for path, circuit in module.named_modules():
        if isinstance(circuit, EICircuit):
            for name in NON_NEGATIVE:
                yield f"{path}.{name}" if path else name, getattr(circuit, name)


@torch.no_grad()
def project_(module: nn.Module) -> None:
    """Clamp at 0, in place, every parameter that must be ≥ 0; called after each optimizer step."""
    for _, parameter in non_negative_parameters(module):
        parameter.clamp_(min=0)
