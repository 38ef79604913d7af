"""Ties: bins so close to the threshold that two right float implementations may disagree.

Two of them may add in another order, so a bin with |v − θ| < 1e-9·max(1, |θ|) on either side is a
tie. A tie in which the sides differ changes what comes after it in the same sample: the later
steps of its population, and, from the step in which it arrives, every population that it reaches.
(A tie in which they agree changes nothing, so it explains nothing.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eideploy.program import Array, Recording
from eideploy.verify.artifact import Wire
from eideploy.verify.bins import TOLERANCE, Excuse, blocks

PER_MILLION = 1
"""More ties than this in a million spike bins fail a hop."""


@dataclass(frozen=True, eq=False)
class Ties:
    """Ties of one population.

    Args:
        count: of all ties.
        split: rows of sample, step, neuron [tie, 3] of those in which the two sides differ.
    """

    count: int
    split: Array


def find_ties(
    before: Recording, after: Recording, theta_before: Array | None, theta_after: Array | None
) -> Ties:
    """Find the ties of a spiking population; a side without v or θ has none of its own."""
    sides = [
        (recording.state["v"], theta)
        for recording, theta in ((before, theta_before), (after, theta_after))
        if theta is not None and "v" in recording.state
    ]
    count, split = 0, [np.empty((0, 3), np.int64)]
    for block in blocks(before.output.shape) if sides else ():
        tied = np.zeros(before.output[block].shape, bool)
        for v, theta in sides:
            tied |= np.abs(v[block] - theta) < TOLERANCE * np.maximum(1, np.abs(theta))
        found = int(np.count_nonzero(tied))
        if found:
            count += found
            tied &= before.output[block] != after.output[block]
            rows = np.argwhere(tied.reshape(*tied.shape[:2], -1))
            rows[:, 0] += block.start
            split.append(rows)
    return Ties(count, np.concatenate(split))


def excuses(
    ties: Mapping[str, Ties], wires: tuple[Wire, ...], samples: int, steps: int
) -> dict[str, Excuse]:
    """What the ties of all populations excuse, for every population that they reach.

    Args:
        ties: of every population that has any.
        wires: who acts on whom.
        samples: number of samples.
        steps: logical steps of each.
    """
    names = {*ties} | {wire.source for wire in wires} | {wire.target for wire in wires}
    own = {name: np.full(samples, steps) for name in names}
    for name, found in ties.items():
        np.minimum.at(own[name], found.split[:, 0], found.split[:, 1])

    # Step from which something upstream may differ; passed on along the wires until it settles.
    arrival = {name: np.full(samples, steps) for name in names}
    settled = False
    while not settled:
        settled = True
        for wire in wires:
            reached = np.minimum(own[wire.source], arrival[wire.source]) + wire.lag
            reached = np.maximum(reached, 0)  # a misaligned wire may have a negative lag
            if (reached < arrival[wire.target]).any():
                np.minimum(arrival[wire.target], reached, out=arrival[wire.target])
                settled = False
    nothing = Ties(0, np.empty((0, 3), np.int64))
    return {
        name: Excuse(
            np.minimum(own[name] + 1, arrival[name]),
            ties.get(name, nothing).split,
        )
        for name in names
        if (own[name] < steps).any() or (arrival[name] < steps).any()
    }
