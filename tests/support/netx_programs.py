"""Random integer Programs that netx can hold."""

from __future__ import annotations

import numpy as np
from eideploy_targets.netx.sums import largest_sums, limit_of
from hypothesis import assume
from hypothesis import strategies as st

from eideploy.program import (
    Conv2d,
    Dense,
    IntegratorFixed,
    LIFNeuronFixed,
    Neuron,
    Population,
    Program,
    Projection,
    Relay,
    Source,
)


@st.composite
def netx_programs(draw: st.DrawFn, *, timed: bool = True) -> Program:
    """A chain of convolutions and then dense layers.

    Args:
        draw: of hypothesis.
        timed: let it have delays and recurrent layers.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    planar = draw(st.booleans())
    shape = (draw(st.integers(1, 2)), 5, 4) if planar else (draw(st.integers(1, 6)),)
    source = draw(
        st.sampled_from(
            [
                Source(minimum=0, maximum=1, levels=1, scale=1),
                Source(minimum=0.0, maximum=0.5, levels=0, scale=510.0),
                Source(minimum=-1.0, maximum=1.0, levels=4, scale=4.0),
            ]
        )
    )
    populations = [Population("in", shape, source)]
    projections: list[Projection] = []
    kinds = draw(st.lists(st.sampled_from(["conv", "dense"]), min_size=1, max_size=4))
    for number, kind in enumerate(sorted(kinds)):
        before = populations[-1]
        name = f"layer {number}"
        last = number == len(kinds) - 1
        readout = draw(st.sampled_from([None, Relay, IntegratorFixed])) if last else None
        if kind == "conv" and len(before.shape) == 3 and min(before.shape[1:]) > 1:
            made = _convolution(draw, rng, before, name)
        else:
            made = _dense(draw, rng, before, name, timed=timed, loops=readout is None)
        shape, synapses = made
        neuron = _neuron(draw, rng, shape, readout)
        populations.append(Population(name, shape, neuron, offset=number + 1))
        projections += synapses
    program = Program(
        tuple(populations),
        tuple(projections),
        "integer",
        (populations[-1].name,),
        draw(st.sampled_from([None, 1e-3])),
        {"model": "random", "output_scale": {populations[-1].name: 0.1}},
    )
    sums = largest_sums(program)
    assume(all(sums[p.name] <= limit_of(program, p) for p in populations))
    return program


def _convolution(
    draw: st.DrawFn, rng: np.random.Generator, before: Population, name: str
) -> tuple[tuple[int, ...], list[Projection]]:
    channels = before.shape[0]
    groups = channels if draw(st.booleans()) else 1
    weight = _weights(draw, rng, (2 * groups, channels // groups, 2, draw(st.integers(1, 2))))
    operator = Conv2d(weight[0], (1, draw(st.integers(1, 2))), (draw(st.integers(0, 1)), 0), (1, 1))
    operator = Conv2d(weight[0], operator.stride, operator.padding, operator.dilation, groups)
    shape = operator.output_shape(before.shape)
    return shape, [Projection(before.name, name, operator, delay=1, sign=weight[1])]


def _dense(
    draw: st.DrawFn,
    rng: np.random.Generator,
    before: Population,
    name: str,
    *,
    timed: bool,
    loops: bool,
) -> tuple[tuple[int, ...], list[Projection]]:
    size = draw(st.integers(1, 6))
    weight, sign = _weights(draw, rng, (size, before.size))
    shape = draw(st.sampled_from([(size,), (size, 1), (1, 1, size)]))
    if timed and draw(st.booleans()):
        delays = rng.choice([1, 2, 5], weight.shape)
        parts = [(d, np.where(delays == d, weight, 0)) for d in (1, 2, 5)]
        return shape, [
            Projection(before.name, name, Dense(part), delay=d, sign=sign)
            for d, part in parts
            if np.any(part)
        ]
    synapses = [Projection(before.name, name, Dense(weight), delay=1, sign=sign)]
    if timed and loops and sign == "mixed" and draw(st.booleans()):
        back = _weights(draw, rng, (size, size), ("mixed",))[0]
        synapses.append(Projection(name, name, Dense(back), delay=1, sign="mixed"))
    return shape, synapses


def _weights(
    draw: st.DrawFn,
    rng: np.random.Generator,
    shape: tuple[int, ...],
    signs: tuple[str, ...] = ("mixed", "excitatory", "inhibitory"),
) -> tuple[np.ndarray, str]:
    """Not all 0, and none that netx would load as another."""
    sign = draw(st.sampled_from(signs))
    step = 2 ** draw(st.integers(1, 4))
    high = 254 // step
    weight = step * rng.integers(-high if sign == "mixed" else 0, high + 1, shape)
    weight.flat[0] = 6 * step
    if sign == "inhibitory":
        weight = np.where(weight == 128, 126, weight)
        weight.flat[0] = 254
        return -weight, sign
    return weight, sign


def _neuron(
    draw: st.DrawFn,
    rng: np.random.Generator,
    shape: tuple[int, ...],
    readout: type[Neuron] | None,
) -> Neuron:
    size = (shape[0], *(1 for _ in shape[1:]))
    each = draw(st.sampled_from([(), size, shape]))
    bias = rng.integers(-100, 60, each) * draw(st.integers(0, 1))
    if readout is Relay:
        return Relay(shift=draw(st.integers(0, 3)), bias=bias)
    each = draw(st.sampled_from([(), size]))
    decays = rng.integers(0, 4096, each), rng.integers(0, 4097, each)
    if readout is IntegratorFixed:
        return IntegratorFixed(*decays, bias, 6, shift=draw(st.integers(0, 9)))
    return LIFNeuronFixed(*decays, bias, 6, threshold=rng.integers(200, 500, each))
