"""How many samples the twin takes at a time."""

from __future__ import annotations

import math

from eideploy.program import Conv2d, Population, Program, Projection, Stimulus

CHUNK_BYTES = 2**28
"""Memory that a chunk of samples may take, about; the trace comes on top."""

_WORD = 8


def samples_within(program: Program, stimulus: Stimulus, limit: int = CHUNK_BYTES) -> int:
    """Samples whose chunk takes about `limit` bytes, at least one.

    Counted are the inputs of all steps; of every population its state before and after a step, its
    output as long as something waits for it, and in turn ports and intermediate results; and in
    turn the windows of each convolution.
    """
    waiting = 1 + max((program.lag(p) for p in program.projections), default=0)
    inputs = sum(p.size for p in program.sources) * (stimulus.steps + 1)
    held = sum(
        p.size * (len(p.neuron.state) + len(p.neuron.counters) + waiting)
        for p in program.populations
    )
    working = max(_working(program, population) for population in program.populations)
    return max(1, limit // (_WORD * (inputs + held + working)))


def _working(program: Program, population: Population) -> int:
    """Numbers that exist only while a population is stepped."""
    windows = max((_windows(p, population) for p in program.into(population.name)), default=0)
    return windows + 6 * population.size


def _windows(projection: Projection, target: Population) -> int:
    """Numbers in the operand of a projection, which for a convolution repeats its input."""
    if not isinstance(projection.operator, Conv2d):
        return 0
    channels, *kernel = projection.operator.weight.shape[1:]
    positions = target.size // projection.operator.weight.shape[0]
    return positions * math.prod(kernel) * channels * projection.operator.groups
