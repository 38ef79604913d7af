"""The residual block of spiking networks."""

from __future__ import annotations

from typing import Any

from norse.torch import SequentialState
from torch import Tensor, nn

State = tuple[list[Any], list[Any]]
"""States of the body and of the shortcut."""


class ResidualBlock(nn.Module):
    """The spikes of a body plus those of a shortcut, z = body(x) + shortcut(x).

    The sum is taken *after* the last LIF of the body, so that gradients pass it untouched and E-I
    circuits see input ≥ 0. It is a count of spikes and no longer 0 or 1.

    Args:
        body: layers over sequences that end in a LIF.
        shortcut: likewise where the shape changes; an empty `SequentialState` is the identity.
    """

    def __init__(self, body: SequentialState, shortcut: SequentialState) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run over a sequence.

        Args:
            x: spikes, or counts of them, [T, B, …].
            state: as returned for the steps before; at rest if not given.

        Returns:
            Counts of spikes [T, B, …], and the last state.
        """
        body_state, shortcut_state = state or (None, None)
        spikes, body_state = self.body(x, body_state)
        passed, shortcut_state = self.shortcut(x, shortcut_state)
        return spikes + passed, (body_state, shortcut_state)
