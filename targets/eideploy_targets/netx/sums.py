"""How large sums of input may become in netx, for any stimulus in range."""

from __future__ import annotations

import numpy as np

from eideploy.compile.ranges import port_ranges
from eideploy.errors import UnsupportedError
from eideploy.program import Conv2d, Population, Program, Relay
from eideploy.program.neuron import CURRENT_SHIFT, STATE_MAX

READ_MAX = STATE_MAX >> CURRENT_SHIFT
"""What can be read of a relay: its sum is shifted by 6 to become a potential of 24 bits."""

PORT_MAX = 2**24
"""Lava's LIF adds 2⁶·x to u, |u| ≤ 2²³, in 32 bits (lava/proc/lif/models.py)."""

CONV_MAX = STATE_MAX
"""Lava's Conv wraps its sums to 24 bits (lava/proc/conv/utils.py, `signed_clamp`)."""


def largest_sums(program: Program) -> dict[str, float]:
    """The largest magnitude of the sum, bias of a relay included, that each population receives."""
    sums = dict.fromkeys(program.by_name, 0.0)
    for (name, _), bound in port_ranges(program).items():
        neuron = program.by_name[name].neuron
        bias = neuron.bias if isinstance(neuron, Relay) else np.array(0)
        total = np.maximum(np.abs(bound.low + bias), np.abs(bound.high + bias))
        sums[name] = max(sums[name], float(np.max(total)))
    return sums


def limit_of(program: Program, population: Population) -> int:
    """The largest sum that netx takes there as the reference does."""
    if isinstance(population.neuron, Relay):
        return READ_MAX
    convolved = any(isinstance(p.operator, Conv2d) for p in program.into(population.name))
    return CONV_MAX if convolved else PORT_MAX


def check_sums(program: Program) -> None:
    """Raise `UnsupportedError` naming a population whose sum can be too large for netx."""
    for name, largest in largest_sums(program).items():
        limit = limit_of(program, program.by_name[name])
        if largest > limit:
            raise UnsupportedError(
                f"population {name!r}: its input can reach {largest:.0f}, beyond the {limit} that "
                "netx holds there",
                "Use fewer weight bits or a smaller input range.",
            )
